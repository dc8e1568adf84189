/**
 * Video files: y4m by ourselves, everything else through ffmpeg. Every frame, in order, none dropped.
 *
 * @module
 */
import { Ffmpeg, type FfmpegEnd, outputArguments, reasonIn } from "./ffmpeg.ts";
import { loopSource } from "./loop.ts";
import { paceSource } from "./pace.ts";
import { type Fit, type Size, type Source, SourceError } from "./source.ts";
import { readY4m } from "./y4m.ts";

/** How a video file is read. */
export interface VideoOptions {
  /** The size of the frames that are delivered, in pixels. */
  readonly size: Size;
  /** What happens where the video has another shape; `stretch` by default. */
  readonly fit?: Fit;
  /** Frames a second that are delivered at most; as fast as they are read by default. */
  readonly fps?: number;
  /** Whether the video starts again at its end; false by default. */
  readonly loop?: boolean;
  /** Ends a wait for a video that does not begin, as a pipe may not. */
  readonly signal?: AbortSignal;
  /** The program that decodes, `ffmpeg` by default. */
  readonly ffmpeg?: string;
}

/**
 * Opens a video file. What it is, its first bytes tell; y4m, gzipped or not, needs no ffmpeg.
 *
 * @param path the file
 * @param options the size of the frames, their pace, and whether the video repeats
 * @returns the source; a file that is cut short delivers what decodes and then says so in `truncated`
 * @throws {SourceError} when there is no such file, it is no video, or ffmpeg is missing
 * @throws {RangeError} when the rate is not above 0
 */
export async function openVideo(path: string, options: VideoOptions): Promise<Source> {
  const open = () => openFile(path, options);
  const source = options.loop ? await loopSource(open) : await open();
  if (options.fps === undefined) return source;
  try {
    return paceSource(source, options.fps);
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The command line that decodes a video file.
 *
 * @param path the file
 * @param size the size of the frames
 * @param fit how the video's shape becomes the model's
 * @param rate how the option against repeating is called in this version of ffmpeg
 * @returns the arguments
 */
export function videoArguments(
  path: string,
  size: Size,
  fit: Fit,
  rate: "-fps_mode" | "-vsync",
): string[] {
  // `file:`, or a colon in the path would name a protocol. Warnings, because only they tell of a cut AVI.
  return ["-v", "warning", "-i", `file:${path}`, ...outputArguments(size, fit, rate)];
}

/** What ffmpeg says of a file that ends too early; broadcasts (mpegts) say the second in their middle, too. */
const CUT_SHORT = /ended prematurely|partial file|^\[(?!mpegts)[^\]]*\] Packet corrupt/m;
/** What ffmpeg says when it is too old for `-fps_mode`. */
const OLD = /fps_mode/;

async function openFile(path: string, options: VideoOptions): Promise<Source> {
  const { size, fit = "stretch", ffmpeg, signal } = options;
  const name = `"${path}"`;
  const kind = await contentOf(path, name);
  if (kind !== "other") {
    const { readable } = await Deno.open(path);
    return await readY4m(readable, name, { size, fit, gzip: kind === "gzip" });
  }
  const variants = (["-fps_mode", "-vsync"] as const).map((rate) =>
    videoArguments(path, size, fit, rate)
  );
  let started;
  try {
    started = await Ffmpeg.start(variants, OLD, { command: ffmpeg, signal });
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause;
    throw new SourceError(`Cannot open ${name}: ${cause.message}, or use a .y4m file`, { cause });
  }
  if (!(started instanceof Ffmpeg) && (!started.success || started.log !== "")) {
    throw new SourceError(`Cannot open ${name}: ${whyNot(started.log)}`);
  }
  return new FfmpegVideo(name, size, started);
}

/** What the first bytes of a file say it is. */
async function contentOf(path: string, name: string): Promise<"y4m" | "gzip" | "other"> {
  const first = new Uint8Array(9);
  try {
    const { isDirectory, isFile } = await Deno.stat(path);
    if (isDirectory) throw new SourceError(`Cannot open ${name}: it is a directory, not a video`);
    // Reading from a pipe would take its first bytes away from ffmpeg.
    if (!isFile) return "other";
    using file = await Deno.open(path);
    if (await file.read(first) === null) {
      throw new SourceError(`Cannot open ${name}: the file is empty`);
    }
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    throw new SourceError(`Cannot open ${name}: ${whyUnreadable(cause)}`, { cause });
  }
  if (first[0] === 0x1f && first[1] === 0x8b) return "gzip";
  return new TextDecoder().decode(first) === "YUV4MPEG2" ? "y4m" : "other";
}

function whyUnreadable(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "there is no such file";
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "you may not read it (permission denied)";
  }
  return cause instanceof Error ? cause.message : String(cause);
}

function whyNot(log: string): string {
  if (/matches no streams|does not contain any stream/.test(log)) return "there is no video in it";
  if (/moov atom not found/.test(log)) {
    return "it is no video, or its index is missing because it was cut short (moov atom not found)";
  }
  if (/Invalid data found/.test(log)) return "it is not a video that ffmpeg can read";
  return reasonIn(log);
}

class FfmpegVideo implements Source {
  readonly name: string;
  readonly size: Size;
  readonly live = false;
  readonly dropped = 0;
  truncated: string | null = null;
  readonly #process: Ffmpeg | null;
  readonly #length: number;
  #frames = 0;
  #ended: boolean;

  constructor(name: string, size: Size, started: Ffmpeg | FfmpegEnd) {
    this.name = name;
    this.size = size;
    this.#length = size.width * size.height * 3;
    this.#process = started instanceof Ffmpeg ? started : null;
    this.#ended = this.#process === null;
  }

  async next(into: Uint8Array): Promise<boolean> {
    if (into.length !== this.#length) {
      throw new RangeError(
        `A frame has ${this.#length} bytes, but there is room for ${into.length}`,
      );
    }
    if (this.#ended || this.#process === null) return false;
    const filled = await this.#process.output.fill(into);
    if (filled === this.#length) {
      this.#frames++;
      return true;
    }
    await this.#finish(this.#process, filled);
    return false;
  }

  async skip(frames: number): Promise<number> {
    const frame = new Uint8Array(this.#length);
    let skipped = 0;
    while (skipped < frames && await this.next(frame)) skipped++;
    return skipped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#process?.[Symbol.asyncDispose]();
  }

  async #finish(process: Ffmpeg, left: number): Promise<void> {
    const { success, log } = await process.end();
    if (this.#ended) return;
    this.#ended = true;
    if (success && left === 0 && !CUT_SHORT.test(log)) return;
    this.truncated = `${this.name} ends early, after ${this.#frames} whole frames: ${
      reasonIn(log)
    }`;
  }
}
