/**
 * A few frames in shared memory, from the thread that makes them to the thread that learns them, in order and none dropped.
 *
 * @module
 */

/** Words in front of the slots: frames written and read, whether no more come, whether nobody reads on, and what both wait on. */
const WRITTEN = 0, READ = 1, ENDED = 2, CLOSED = 3, SIGNAL = 4, WORDS = 6;
/** Two: one is read while the next is made. More would only make frames older. */
const SLOTS = 2;
/** A wait is looked after this often, in milliseconds: a thread that waits for ever could not be ended. */
const LOOK_MS = 1000;
/** How long a reader blocks before it waits without blocking: a promise a frame is garbage, and slower. */
const SOON_MS = 5;

/** What a slot holds. */
export interface Slot {
  /** The frame's bytes. */
  readonly frame: Uint8Array;
  /** The motion candidate; empty without block matching. */
  readonly candidate: Float32Array;
  /** MSE of copying and of moving on. */
  readonly scores: Float64Array;
}

/**
 * Makes the memory of a ring. Either thread then opens its end of it.
 *
 * @param frameBytes bytes of a frame
 * @param candidate values of a motion candidate: as many, or 0
 * @returns the memory, to be sent to the other thread
 */
export function createRing(frameBytes: number, candidate: number): SharedArrayBuffer {
  const slot = 16 + 4 * candidate + frameBytes;
  return new SharedArrayBuffer(4 * WORDS + SLOTS * Math.ceil(slot / 8) * 8);
}

/** What both ends of a ring do. */
abstract class RingEnd {
  protected readonly words: Int32Array;
  protected readonly slots: readonly Slot[];

  /**
   * Opens an end.
   *
   * @param memory what `createRing` made
   * @param frameBytes as there
   * @param candidate as there
   */
  constructor(memory: SharedArrayBuffer, frameBytes: number, candidate: number) {
    const slot = (memory.byteLength - 4 * WORDS) / SLOTS;
    this.words = new Int32Array(memory, 0, WORDS);
    this.slots = Array.from({ length: SLOTS }, (_, i) => {
      const at = 4 * WORDS + i * slot;
      return {
        scores: new Float64Array(memory, at, 2),
        candidate: new Float32Array(memory, at + 16, candidate),
        frame: new Uint8Array(memory, at + 16 + 4 * candidate, frameBytes),
      };
    });
  }

  protected load(word: number): number {
    return Atomics.load(this.words, word);
  }

  /** Counts one more, and wakes who waits. The one waits for a free slot, the other for a full one: never both. */
  protected count(word: number): void {
    Atomics.add(this.words, word, 1);
    Atomics.add(this.words, SIGNAL, 1);
    Atomics.notify(this.words, SIGNAL);
  }
}

/** The end that frames are put into. */
export class RingWriter extends RingEnd {
  /**
   * Waits until a slot is free. It blocks: this thread has nothing else to do.
   *
   * @returns the slot, or null when nobody reads on
   */
  free(): Slot | null {
    const written = this.load(WRITTEN);
    for (;;) {
      const seen = this.load(SIGNAL);
      if (this.load(CLOSED) !== 0) return null;
      if (((written - this.load(READ)) | 0) < SLOTS) return this.slots[(written >>> 0) % SLOTS]!;
      Atomics.wait(this.words, SIGNAL, seen, LOOK_MS);
    }
  }

  /** Hands over the slot that was free. */
  publish(): void {
    this.count(WRITTEN);
  }

  /** No more frames come. */
  end(): void {
    this.count(ENDED);
  }
}

/** The end that frames are taken from. */
export class RingReader extends RingEnd {
  /** Whether a frame is there. */
  get ready(): boolean {
    return this.load(WRITTEN) !== this.load(READ);
  }

  /** Whether no frame is there and none comes any more. */
  get ended(): boolean {
    // In this order: what is written before the end is seen with it.
    return this.load(ENDED) !== 0 && !this.ready;
  }

  /** The oldest frame, where one is `ready`; its slot is the writer's again after `release`. */
  get slot(): Slot {
    return this.slots[(this.load(READ) >>> 0) % SLOTS]!;
  }

  /** Gives the slot back. */
  release(): void {
    this.count(READ);
  }

  /**
   * Blocks for a moment where a frame is about to come.
   *
   * @returns whether one is there
   */
  soon(): boolean {
    const seen = this.load(SIGNAL);
    if (!this.ready && this.load(ENDED) === 0) Atomics.wait(this.words, SIGNAL, seen, SOON_MS);
    return this.ready;
  }

  /** Waits for something to happen, where neither a frame is ready nor the ring has ended. */
  change(): Promise<unknown> | undefined {
    const seen = this.load(SIGNAL);
    if (this.ready || this.load(ENDED) !== 0) return undefined;
    const { value } = Atomics.waitAsync(this.words, SIGNAL, seen);
    return typeof value === "string" ? undefined : value;
  }

  /** Tells the writer that nobody reads on. */
  close(): void {
    this.count(CLOSED);
  }
}
