/**
 * A source that keeps time.
 *
 * @module
 */
import type { Size, Source } from "./source.ts";

/** What tells the time, in milliseconds; tests have their own. */
export interface Clock {
  /** The time now. */
  now(): number;
  /** Waits; returns early when the signal comes. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * Delivers frames no faster than a rate. Who reads more slowly gets them as they are asked for; lost time is not
 * made up for.
 *
 * @param source where the frames come from; closing the result closes it
 * @param fps frames a second
 * @param clock what tells the time
 * @returns the source
 * @throws {RangeError} when the rate is not above 0
 */
export function paceSource(source: Source, fps: number, clock: Clock = realTime): Source {
  if (!(fps > 0 && fps < Infinity)) {
    throw new RangeError(`The frame rate must be above 0 frames a second, not ${fps}`);
  }
  return new PacedSource(source, 1000 / fps, clock);
}

class PacedSource implements Source {
  readonly #source: Source;
  readonly #interval: number;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #due = -Infinity;

  constructor(source: Source, interval: number, clock: Clock) {
    this.#source = source;
    this.#interval = interval;
    this.#clock = clock;
  }

  get name(): string {
    return this.#source.name;
  }

  get size(): Size {
    return this.#source.size;
  }

  get live(): boolean {
    return this.#source.live;
  }

  get dropped(): number {
    return this.#source.dropped;
  }

  get truncated(): string | null {
    return this.#source.truncated;
  }

  async next(into: Uint8Array): Promise<boolean> {
    const early = this.#due - this.#clock.now();
    if (early > 0) await this.#clock.wait(early, this.#closing.signal);
    if (this.#closing.signal.aborted) return false;
    const late = this.#clock.now() - this.#due;
    // A timer is late by up to a few milliseconds: counted from when it was due, the rate is right on average.
    this.#due = late < this.#interval
      ? this.#due + this.#interval
      : this.#clock.now() + this.#interval;
    return await this.#source.next(into);
  }

  skip(frames: number): Promise<number> {
    return this.#source.skip(frames);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#source[Symbol.asyncDispose]();
  }
}

const realTime: Clock = {
  now: () => performance.now(),
  wait: (milliseconds, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    }),
};
