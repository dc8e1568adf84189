/**
 * ffmpeg as a child process that writes RGB frames to a pipe.
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { type Fit, type Size, SourceError } from "./source.ts";

/** Characters kept of each end of what ffmpeg says; a damaged video says a line a frame. */
const KEPT = 4096;

/**
 * `area` alone rounds down, so that every frame comes out 1 to 2 levels too dark, and halves the colour of RGB input.
 * With the other flags it is within one level of `createScaler`, and no slower.
 */
const EXACT_AREA = "area+accurate_rnd+full_chroma_int+full_chroma_inp";

/**
 * The filters that turn what ffmpeg decodes into frames of the model's size.
 *
 * @param size the size of the frames
 * @param fit `crop` cuts the longer side evenly, to whole pixels, as `fitRegion` does
 * @returns the value of `-vf`
 */
export function pictureFilter({ width, height }: Size, fit: Fit): string {
  const crop = `crop='min(iw,max(1,round(ih*${width}/${height})))':` +
    `'min(ih,max(1,round(iw*${height}/${width})))':'floor((iw-ow)/2)':'floor((ih-oh)/2)':exact=1`;
  const scale = `scale=${width}:${height}:flags=${EXACT_AREA}`;
  return fit === "crop" ? `${crop},${scale}` : scale;
}

/**
 * The options of an output that is every frame as it comes, none repeated and none left out.
 *
 * @param size the size of the frames
 * @param fit how the video's shape becomes the model's
 * @param rate how the option against repeating is called: `-fps_mode` since ffmpeg 5.1, `-vsync` before
 * @returns everything behind the input
 */
export function outputArguments(size: Size, fit: Fit, rate: "-fps_mode" | "-vsync"): string[] {
  // One thread on the output: with more, the encoder holds frames back.
  return [
    ...["-map", "0:V:0", rate, "passthrough", "-vf", pictureFilter(size, fit)],
    ...["-pix_fmt", "rgb24", "-threads", "1", "-f", "rawvideo", "pipe:1"],
  ];
}

/** How a run of ffmpeg ended. */
export interface FfmpegEnd {
  /** Whether it says that it succeeded. */
  readonly success: boolean;
  /** What it wrote to its standard error, the middle left out where it was long. */
  readonly log: string;
}

/** How `Ffmpeg.start` starts. */
export interface StartOptions {
  /** The program, `ffmpeg` by default. */
  readonly command?: string | undefined;
  /** Is told of each process as it starts, so that it can be ended before its first byte. */
  readonly started?: (process: Ffmpeg) => void;
  /** Ends the wait for the first byte, and the process with it. */
  readonly signal?: AbortSignal | undefined;
}

/** A running ffmpeg. Closing it kills the process and waits for its end. */
export class Ffmpeg implements AsyncDisposable {
  /** What it writes to `pipe:1`, read no faster than it is asked for. */
  readonly output: ByteReader;
  readonly #process: Deno.ChildProcess;
  readonly #log: Promise<string>;

  /**
   * Starts ffmpeg.
   *
   * @param parameters the command line
   * @param command the program, `ffmpeg` by default
   * @throws {Deno.errors.NotFound} when there is no such program
   */
  constructor(parameters: readonly string[], command = "ffmpeg") {
    this.#process = new Deno.Command(command, {
      args: ["-nostdin", "-hide_banner", ...parameters],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // In its own process group Ctrl-C does not reach it, so that whoever reads can finish and save.
      detached: true,
    }).spawn();
    this.output = new ByteReader(this.#process.stdout);
    this.#log = bothEnds(this.#process.stderr);
  }

  /**
   * Starts ffmpeg and waits for its first byte, with other command lines where the first one does not suit this
   * version or device.
   *
   * @param variants command lines, the best first
   * @param retry what the log says where the next one may do better
   * @param options which program, and who is told of each process
   * @returns the process, or how the last one tried ended without a byte
   * @throws {SourceError} when ffmpeg cannot be started
   */
  static async start(
    variants: readonly (readonly string[])[],
    retry: RegExp,
    { command, started, signal }: StartOptions = {},
  ): Promise<Ffmpeg | FfmpegEnd> {
    let end: FfmpegEnd = { success: false, log: "" };
    for (const variant of variants) {
      const process = spawn(variant, command);
      started?.(process);
      if (await process.#begins(signal)) return process;
      end = await process.end();
      if (end.success || !retry.test(end.log)) break;
    }
    return end;
  }

  /** Waits for the first byte; whoever does not want to wait any longer kills it. */
  async #begins(signal: AbortSignal | undefined): Promise<boolean> {
    const kill = () => void this[Symbol.asyncDispose]();
    if (signal?.aborted) kill();
    signal?.addEventListener("abort", kill);
    try {
      return await this.output.ready();
    } finally {
      signal?.removeEventListener("abort", kill);
    }
  }

  /** Waits for the end that comes by itself, once the output has been read. */
  async end(): Promise<FfmpegEnd> {
    const [{ success }, log] = await Promise.all([this.#process.status, this.#log]);
    return { success, log };
  }

  /** Kills the process, if it still runs, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.output.cancel();
    await this.end();
  }
}

/**
 * Starts ffmpeg, and explains why where that fails.
 *
 * @param parameters the command line
 * @param command the program, `ffmpeg` by default
 * @returns the process
 * @throws {SourceError} when ffmpeg is not installed or must not be run
 */
export function spawn(parameters: readonly string[], command?: string): Ffmpeg {
  try {
    return new Ffmpeg(parameters, command);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new SourceError("ffmpeg is not installed (apt-get install ffmpeg)", { cause });
    }
    if (cause instanceof Deno.errors.NotCapable) {
      throw new SourceError("running ffmpeg is not allowed (deno run --allow-run=ffmpeg)", {
        cause,
      });
    }
    throw new SourceError(`ffmpeg cannot be run (${cause})`, { cause });
  }
}

/**
 * The line of ffmpeg's log that says most, without the address of what wrote it.
 *
 * @param log what ffmpeg wrote to its standard error
 * @returns the line, or `ffmpeg gave no reason`
 */
export function reasonIn(log: string): string {
  const lines = log.split("\n").map((line) => line.replace(/^(\[[^\]]* @ [^\]]*\] ?)+/, "").trim());
  const telling = lines.filter((line) => line !== "");
  return telling.find((line) => SAYS_WHY.test(line)) ?? telling.at(-1) ?? "ffmpeg gave no reason";
}

/** Lines that name the cause, where the last line of the log only names its consequence. */
const SAYS_WHY =
  /not found|denied|busy|No such|matches no streams|ended prematurely|partial file|Packet corrupt|refused|timed out|Unauthorized/;

async function bothEnds(stream: ReadableStream<Uint8Array>): Promise<string> {
  let first = "", last = "";
  for await (const text of stream.pipeThrough(asText())) {
    const room = KEPT - first.length;
    first += text.slice(0, room);
    last = (last + text.slice(room)).slice(-KEPT);
  }
  return first + last;
}

function asText(): TransformStream<Uint8Array, string> {
  const decoder = new TextDecoder();
  return new TransformStream({
    transform: (chunk, controller) => controller.enqueue(decoder.decode(chunk, { stream: true })),
  });
}
