/**
 * Video from y4m files (`.y4m`, and gzipped `.y4m.gz`), which needs nothing but Deno.
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { gunzip, type Gunzipped } from "./gunzip.ts";
import { createScaler, type Scaler } from "./scale.ts";
import { type Fit, type Size, type Source, SourceError } from "./source.ts";
import { parseY4mHeader } from "./y4m_header.ts";
import { createYuvConverter, yuvLength } from "./yuv.ts";

/** How a y4m stream is read. */
export interface Y4mOptions {
  /** The size of the frames that are delivered, in pixels. */
  readonly size: Size;
  /** What happens where the video has another shape; `stretch` by default. */
  readonly fit?: Fit;
  /** Whether the stream is gzipped; false by default. */
  readonly gzip?: boolean;
}

/** A line is refused beyond this: a file without newlines must not fill the memory. */
const LONGEST_LINE = 4096;

/**
 * Reads y4m from a stream, a frame at a time: 8 bit 4:2:0, 4:2:2, 4:4:4 and grey.
 *
 * @param stream the bytes; closing the source cancels it
 * @param name what messages call it, such as `"clip.y4m"` in quotes
 * @param options the size of the frames, and how they are made
 * @returns the source; a stream that ends inside a frame ends there, and `truncated` says so
 * @throws {SourceError} when it is not y4m, is damaged, or has a format that is not supported
 */
export async function readY4m(
  stream: ReadableStream<Uint8Array>,
  name: string,
  options: Y4mOptions,
): Promise<Source> {
  const unzipped = options.gzip ? gunzip(stream) : null;
  const reader = new ByteReader(unzipped?.stream ?? stream);
  try {
    return new Y4mSource(await readHeader(reader, name), reader, unzipped, name, options);
  } catch (error) {
    await reader.cancel();
    throw error;
  }
}

async function readHeader(reader: ByteReader, name: string) {
  let line;
  try {
    line = await reader.line(LONGEST_LINE);
  } catch (cause) {
    throw new SourceError(`Cannot read ${name}: it is damaged (${reason(cause)})`, { cause });
  }
  return parseY4mHeader(line ?? "", name);
}

class Y4mSource implements Source {
  readonly name: string;
  readonly size: Size;
  readonly live = false;
  readonly dropped = 0;
  truncated: string | null = null;
  readonly #reader: ByteReader;
  readonly #unzipped: Gunzipped | null;
  readonly #convert: (source: Uint8Array, into: Uint8Array) => void;
  readonly #scale: Scaler;
  readonly #planes: Uint8Array;
  readonly #colours: Uint8Array;
  #frames = 0;
  #ended = false;

  constructor(
    header: ReturnType<typeof parseY4mHeader>,
    reader: ByteReader,
    unzipped: Gunzipped | null,
    name: string,
    { size, fit = "stretch" }: Y4mOptions,
  ) {
    this.name = name;
    this.size = size;
    this.#reader = reader;
    this.#unzipped = unzipped;
    this.#convert = createYuvConverter(header, header.chroma, header.fullRange);
    this.#scale = createScaler(header, size, fit);
    this.#planes = new Uint8Array(yuvLength(header, header.chroma));
    this.#colours = new Uint8Array(header.width * header.height * 3);
  }

  async next(into: Uint8Array): Promise<boolean> {
    if (!await this.#read()) return false;
    this.#convert(this.#planes, this.#colours);
    this.#scale(this.#colours, into);
    return true;
  }

  async skip(frames: number): Promise<number> {
    let skipped = 0;
    while (skipped < frames && await this.#read()) skipped++;
    return skipped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#reader.cancel();
  }

  /** Reads the planes of the next frame; what ends the stream closes it as well. */
  async #read(): Promise<boolean> {
    if (this.#ended) return false;
    try {
      if (await this.#readFrame()) {
        this.#frames++;
        return true;
      }
    } catch (cause) {
      if (!this.#unzipped?.endedEarly()) {
        await this[Symbol.asyncDispose]();
        if (cause instanceof SourceError) throw cause;
        throw new SourceError(
          `Cannot read on in ${this.name} ${this.#after()}: the file is damaged (${reason(cause)})`,
          { cause },
        );
      }
      this.truncated = `${this.name} ends early, ${this.#after()}: its gzip stream is incomplete`;
    }
    await this[Symbol.asyncDispose]();
    return false;
  }

  async #readFrame(): Promise<boolean> {
    if (!await this.#reader.ready()) return false;
    const line = await this.#reader.line(LONGEST_LINE);
    const atEnd = line === null && !await this.#reader.ready();
    if (!atEnd && !line?.startsWith("FRAME")) {
      throw new SourceError(
        `Cannot read on in ${this.name} ${this.#after()}: the next one does not begin with FRAME, so the file is damaged`,
      );
    }
    if (!atEnd && await this.#reader.fill(this.#planes) === this.#planes.length) return true;
    if (!this.#ended) {
      this.truncated = `${this.name} ends in the middle of a frame, ${this.#after()}`;
    }
    return false;
  }

  #after(): string {
    return `after ${this.#frames} whole frames`;
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
