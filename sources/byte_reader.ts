/**
 * Bytes of a stream in pieces of the reader's choosing, holding no more of them than one chunk.
 *
 * @module
 */

const NOTHING: Uint8Array = new Uint8Array(0);

/** Reads a byte stream piece by piece. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk = NOTHING;
  #used = 0;

  /**
   * Takes hold of a stream.
   *
   * @param stream what to read; it is locked from now on
   */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /**
   * Waits until a byte is there.
   *
   * @returns whether there is one; false is the end
   */
  async ready(): Promise<boolean> {
    while (this.#used === this.#chunk.length) {
      const { value, done } = await this.#reader.read();
      if (done) return false;
      this.#chunk = value;
      this.#used = 0;
    }
    return true;
  }

  /**
   * Reads bytes until `into` is full or the stream ends.
   *
   * @param into where they go
   * @returns how many there were
   */
  async fill(into: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < into.length && await this.ready()) {
      const part = this.#chunk.subarray(this.#used, this.#used + into.length - filled);
      into.set(part, filled);
      filled += part.length;
      this.#used += part.length;
    }
    return filled;
  }

  /**
   * Reads a line of ASCII text and the newline behind it.
   *
   * @param longest bytes it may have; no more are read
   * @returns the line without its newline, or null where the stream ends or `longest` is reached before one
   */
  async line(longest: number): Promise<string | null> {
    let line = "";
    while (line.length < longest && await this.ready()) {
      const code = this.#chunk[this.#used++]!;
      if (code === 10) return line;
      line += String.fromCharCode(code);
    }
    return null;
  }

  /** Ends the stream and whatever feeds it. */
  async cancel(): Promise<void> {
    this.#chunk = NOTHING;
    this.#used = 0;
    // A stream that has failed rejects; its failure was reported when it was read.
    await this.#reader.cancel().catch(() => {});
  }
}
