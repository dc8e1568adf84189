/**
 * Frames from another program: raw RGB bytes without any header, as a pipe brings them.
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { createScaler, type Scaler } from "./scale.ts";
import { type Fit, type Size, type Source, SourceError } from "./source.ts";

/** What a raw stream holds. */
export interface RawOptions {
  /** The size of the frames that are delivered, in pixels. */
  readonly size: Size;
  /** The size of the frames in the stream; `size` by default. */
  readonly from?: Size;
  /** What happens where the shapes differ; `stretch` by default. */
  readonly fit?: Fit;
  /** What messages call the stream; `stdin` by default. */
  readonly name?: string;
}

/**
 * Reads raw frames from a stream: rows, columns, channels R G B, one byte each.
 *
 * @example Two frames of one pixel
 * ```ts
 * import { readRaw } from "./raw.ts";
 *
 * const stream = ReadableStream.from([new Uint8Array([1, 2, 3, 4, 5, 6])]);
 * await using source = readRaw(stream, { size: { width: 1, height: 1 } });
 * const frame = new Uint8Array(3);
 * while (await source.next(frame)) console.assert(frame.length === 3);
 * ```
 *
 * @param stream the bytes; closing the source cancels it
 * @param options the sizes
 * @returns the source; where the last frame is incomplete, `truncated` says so
 * @throws {RangeError} when a side is not a whole number of at least 1
 */
export function readRaw(stream: ReadableStream<Uint8Array>, options: RawOptions): Source {
  return new RawSource(stream, options);
}

class RawSource implements Source {
  readonly name: string;
  readonly size: Size;
  readonly live = false;
  readonly dropped = 0;
  truncated: string | null = null;
  readonly #reader: ByteReader;
  readonly #scale: Scaler;
  readonly #frame: Uint8Array;
  #frames = 0;
  #ended = false;

  constructor(
    stream: ReadableStream<Uint8Array>,
    { size, from = size, fit = "stretch", name = "stdin" }: RawOptions,
  ) {
    this.name = name;
    this.size = size;
    this.#scale = createScaler(from, size, fit);
    this.#frame = new Uint8Array(from.width * from.height * 3);
    this.#reader = new ByteReader(stream);
  }

  async next(into: Uint8Array): Promise<boolean> {
    if (!await this.#read()) return false;
    this.#scale(this.#frame, into);
    return true;
  }

  skip(): Promise<number> {
    // A pipe holds what comes next: who resumes a run feeds it from there.
    return Promise.resolve(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#reader.cancel();
  }

  async #read(): Promise<boolean> {
    if (this.#ended) return false;
    let filled;
    try {
      filled = await this.#reader.fill(this.#frame);
    } catch (cause) {
      throw new SourceError(
        `Cannot read on from ${this.name} after ${this.#frames} whole frames: ${cause}`,
        { cause },
      );
    }
    if (this.#ended) return false;
    if (filled === this.#frame.length) {
      this.#frames++;
      return true;
    }
    this.#ended = true;
    if (filled > 0) {
      this.truncated =
        `${this.name} ends in the middle of a frame, after ${this.#frames} whole frames: ` +
        `the last one has ${filled} of ${this.#frame.length} bytes`;
    }
    return false;
  }
}
