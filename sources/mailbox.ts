/**
 * A mailbox in shared memory for a live source: one thread puts frames in, another takes the newest.
 *
 * It has three slots. The writer fills its own, the reader reads its own, and each swaps it for the one in the middle
 * when it is done; so neither ever waits for the other, and no frame is torn.
 *
 * @module
 */

/** Words in front of the slots. */
const MIDDLE = 0, SIGNAL = 1, DROPPED = 2, ENDED = 3, TEXT = 4, NUMBERS = 5, WORDS = 8;
/** Set in the middle word when the slot there has not been read. */
const FRESH = 4;
const TEXT_BYTES = 2048;

/**
 * Makes the memory of a mailbox. Either thread then opens its end of it.
 *
 * @param frameBytes bytes of a frame
 * @returns the memory, to be sent to the other thread
 */
export function createMailbox(frameBytes: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(WORDS * 4 + TEXT_BYTES + 3 * frameBytes);
  new Int32Array(memory, 0, WORDS)[MIDDLE] = 1;
  return memory;
}

/** What both ends of a mailbox do. */
export abstract class MailboxEnd {
  /** The words in front. */
  protected readonly words: Int32Array;
  /** Why it ended. */
  protected readonly text: Uint8Array;
  readonly #slots: readonly Uint8Array[];
  /** The slot that this end owns. */
  protected own: number;

  /**
   * Opens an end.
   *
   * @param memory what `createMailbox` made
   * @param own the slot that this end begins with
   */
  constructor(memory: SharedArrayBuffer, own: number) {
    const frameBytes = (memory.byteLength - WORDS * 4 - TEXT_BYTES) / 3;
    this.words = new Int32Array(memory, 0, WORDS);
    this.text = new Uint8Array(memory, WORDS * 4, TEXT_BYTES);
    this.#slots = [0, 1, 2].map((slot) =>
      new Uint8Array(memory, WORDS * 4 + TEXT_BYTES + slot * frameBytes, frameBytes)
    );
    this.own = own;
  }

  /** The memory of the own slot. */
  protected get slot(): Uint8Array {
    return this.#slots[this.own]!;
  }

  /** Swaps the own slot, 0 or FRESH, for the one in the middle; returns whether that one was fresh. */
  protected swap(fresh: number): boolean {
    const middle = Atomics.exchange(this.words, MIDDLE, this.own | fresh);
    this.own = middle & ~FRESH;
    return (middle & FRESH) !== 0;
  }

  /**
   * Ends the mailbox and wakes who waits; the first end counts.
   *
   * @param reason why, in a sentence
   */
  end(reason: string): void {
    if (Atomics.compareExchange(this.words, ENDED, 0, 1) === 0) {
      // The shared bytes cannot be written directly: `encodeInto` refuses them.
      const bytes = new TextEncoder().encode(reason).subarray(0, TEXT_BYTES);
      this.text.set(bytes);
      Atomics.store(this.words, TEXT, bytes.length);
      Atomics.store(this.words, ENDED, 2);
    }
    this.signal();
  }

  /** Wakes who waits. */
  protected signal(): void {
    Atomics.add(this.words, SIGNAL, 1);
    Atomics.notify(this.words, SIGNAL);
  }
}

/** The end that frames are put into. */
export class MailboxWriter extends MailboxEnd {
  #written = 0;

  /**
   * Opens this end.
   *
   * @param memory what `createMailbox` made
   */
  constructor(memory: SharedArrayBuffer) {
    super(memory, 0);
  }

  /** Where the next frame goes; another one after each `publish`. */
  get next(): Uint8Array {
    return this.slot;
  }

  /** Hands over the frame in `next`. If the one before it was not read, it never will be, and counts as dropped. */
  publish(): void {
    this.#written++;
    Atomics.store(this.words, NUMBERS + this.own, this.#written);
    if (this.swap(FRESH)) Atomics.add(this.words, DROPPED, 1);
    this.signal();
  }
}

/** The end that frames are taken from. */
export class MailboxReader extends MailboxEnd {
  /**
   * Opens this end.
   *
   * @param memory what `createMailbox` made
   */
  constructor(memory: SharedArrayBuffer) {
    super(memory, 2);
  }

  /** Frames that nobody took in time. */
  get dropped(): number {
    return Atomics.load(this.words, DROPPED);
  }

  /** Why the mailbox has ended, or null while it goes on. */
  get ended(): string | null {
    if (Atomics.load(this.words, ENDED) !== 2) return null;
    return new TextDecoder().decode(this.text.slice(0, Atomics.load(this.words, TEXT)));
  }

  /**
   * Takes the newest frame that has not been taken.
   *
   * @param into where it is written
   * @returns its number, counted from 1, or 0 where there is none
   * @throws {RangeError} when `into` is shorter than a frame
   */
  take(into: Uint8Array): number {
    if (!this.fresh) return 0;
    this.swap(0);
    into.set(this.slot);
    return Atomics.load(this.words, NUMBERS + this.own);
  }

  /**
   * Waits until a frame can be taken or the mailbox has ended.
   *
   * @param milliseconds how long at most
   * @returns false when the time was up first
   */
  async wait(milliseconds: number = Infinity): Promise<boolean> {
    while (true) {
      const seen = Atomics.load(this.words, SIGNAL);
      if (this.fresh || this.ended !== null) return true;
      const { value } = Atomics.waitAsync(this.words, SIGNAL, seen, milliseconds);
      if (await value === "timed-out") return false;
    }
  }

  /** Whether there is a frame to take. */
  get fresh(): boolean {
    return (Atomics.load(this.words, MIDDLE) & FRESH) !== 0;
  }
}
