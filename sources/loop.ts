/**
 * A source that starts again at its end.
 *
 * @module
 */
import type { Size, Source } from "./source.ts";

/**
 * Repeats a source without end. One that has no frames, or ends before its time, ends all the same.
 *
 * @param open opens it, anew for every round
 * @returns the source
 * @throws {SourceError} when it cannot be opened
 */
export async function loopSource(open: () => Promise<Source>): Promise<Source> {
  return new LoopSource(await open(), open);
}

class LoopSource implements Source {
  readonly name: string;
  readonly size: Size;
  readonly live = false;
  readonly dropped = 0;
  readonly #open: () => Promise<Source>;
  #round: Source;
  #position = 0;
  #closed = false;

  constructor(first: Source, open: () => Promise<Source>) {
    this.name = first.name;
    this.size = first.size;
    this.#round = first;
    this.#open = open;
  }

  get truncated(): string | null {
    return this.#round.truncated;
  }

  async next(into: Uint8Array): Promise<boolean> {
    while (!await this.#round.next(into)) {
      if (await this.#startAgain() === 0) return false;
    }
    this.#position++;
    return true;
  }

  async skip(frames: number): Promise<number> {
    let skipped = 0;
    while (skipped < frames) {
      const passed = await this.#round.skip(frames - skipped);
      this.#position += passed;
      skipped += passed;
      if (skipped === frames) break;
      const length = await this.#startAgain();
      if (length === 0) break;
      // Whole rounds lead back to where they began.
      const left = frames - skipped;
      skipped += left - left % length;
    }
    return skipped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#round[Symbol.asyncDispose]();
  }

  /** Opens the next round; returns the length of the last one, 0 where there is no next. */
  async #startAgain(): Promise<number> {
    const length = this.#position;
    if (length === 0 || this.#closed || this.truncated !== null) return 0;
    await this.#round[Symbol.asyncDispose]();
    this.#round = await this.#open();
    this.#position = 0;
    if (!this.#closed) return length;
    await this.#round[Symbol.asyncDispose]();
    return 0;
  }
}
