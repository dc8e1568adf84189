/**
 * The threads that share a model: the caller works as the first, the others wait for its word. One barrier a step.
 *
 * Threads join when they are ready, so that a model need not wait for them: one that is created by a worker takes Deno about a
 * second to start. Which thread computes a unit does not change its numbers.
 *
 * @module
 */
import { DeviceLostError } from "../backend.ts";

/**
 * The words that threads wait on, as indices into an Int32Array in shared memory: the step with the number of threads that are
 * to work on it, those that have finished it, those that are ready, and whether one broke or all are to end.
 */
export const SYNC = { step: 0, done: 1, ready: 2, failed: 3, stop: 4 } as const;
/** Bytes of these words. */
export const SYNC_BYTES = 64;

/** Bits of the step's word that count threads. Both in one word: a thread sees them change together. */
const COUNT_BITS = 11;

/** How often a thread looks before it sleeps: waking takes longer than most of a step's imbalance. */
const SPINS = 20_000;

/** How long a session waits for its threads: one created by the main thread needs a fifth of this. */
const PATIENCE_MS = 100;

/** What a worker of a model is sent. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Byte offsets in the memory. */
  readonly model: number;
  readonly scratch: number;
  readonly sync: number;
}

/** The other threads of a session. */
export class Threads implements Disposable {
  readonly #workers: Worker[];
  readonly #sync: Int32Array;
  #step = 0;
  #others = 0;
  /** Milliseconds that the caller waited for the others. Who is last is chance, so each of them waited about as long. */
  waitedMs = 0;

  /**
   * Starts them; does not wait until they are ready.
   *
   * @param starts what each is sent
   * @param sync the words to wait on
   * @param fail called when one of them breaks
   * @param script what they run; the thread of a model unless stated
   */
  constructor(
    starts: readonly unknown[],
    sync: Int32Array,
    fail: (message: string) => void,
    script: URL = new URL("./worker.ts", import.meta.url),
  ) {
    this.#sync = sync;
    this.#workers = starts.map((start) => {
      const worker = new Worker(script, { type: "module" });
      worker.onerror = (event) => {
        event.preventDefault();
        // Whoever waits for this thread must not wait for ever.
        Atomics.store(sync, SYNC.failed, 1);
        Atomics.notify(sync, SYNC.done);
        fail(event.message);
      };
      worker.postMessage(start);
      return worker;
    });
  }

  /** Waits until all are ready, but not for long: a model can do without them for a while. */
  async gather(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const ready = Atomics.load(this.#sync, SYNC.ready);
      if (ready >= this.#workers.length || performance.now() >= deadline) return;
      // No message tells: those of a worker's workers take as long as their start.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Lets those that are ready work on a step. */
  begin(): void {
    this.#others = this.#workers.length === 0 ? 0 : Atomics.load(this.#sync, SYNC.ready);
    if (this.#others === 0) return;
    this.#step++;
    Atomics.store(this.#sync, SYNC.done, 0);
    Atomics.store(this.#sync, SYNC.step, (this.#step << COUNT_BITS) | this.#others);
    Atomics.notify(this.#sync, SYNC.step);
  }

  /**
   * Waits until they have finished.
   *
   * @throws {DeviceLostError} when one of them broke
   */
  end(): void {
    if (this.#others === 0) return;
    const from = performance.now();
    this.#wait();
    this.waitedMs += performance.now() - from;
  }

  #wait(): void {
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(this.#sync, SYNC.done) === this.#others) return;
    }
    for (;;) {
      const done = Atomics.load(this.#sync, SYNC.done);
      if (done === this.#others) return;
      if (Atomics.load(this.#sync, SYNC.failed) !== 0) {
        throw new DeviceLostError("A worker thread broke: open the device again");
      }
      Atomics.wait(this.#sync, SYNC.done, done, 1000);
    }
  }

  /** Ends them. */
  [Symbol.dispose](): void {
    Atomics.store(this.#sync, SYNC.stop, 1);
    Atomics.store(this.#sync, SYNC.step, -1);
    Atomics.notify(this.#sync, SYNC.step);
    for (const worker of this.#workers) worker.terminate();
  }
}

/**
 * A thread's life: works on every step that counts on it, until it is told to stop.
 *
 * @param sync the words to wait on
 * @param work does this thread's share of a step
 */
export function serve(sync: Int32Array, work: () => void): void {
  let seen = Atomics.load(sync, SYNC.step);
  const ticket = Atomics.add(sync, SYNC.ready, 1) + 1;
  for (;;) {
    seen = waitForStep(sync, seen);
    if (Atomics.load(sync, SYNC.stop) !== 0) return;
    if (ticket > (seen & ((1 << COUNT_BITS) - 1))) continue;
    try {
      work();
    } catch (error) {
      Atomics.store(sync, SYNC.failed, 1);
      Atomics.notify(sync, SYNC.done);
      throw error;
    }
    Atomics.add(sync, SYNC.done, 1);
    Atomics.notify(sync, SYNC.done);
  }
}

/** Looks for a while, then sleeps. */
function waitForStep(sync: Int32Array, seen: number): number {
  for (let spin = 0; spin < SPINS; spin++) {
    const step = Atomics.load(sync, SYNC.step);
    if (step !== seen) return step;
  }
  for (;;) {
    const step = Atomics.load(sync, SYNC.step);
    if (step !== seen) return step;
    Atomics.wait(sync, SYNC.step, seen);
  }
}
