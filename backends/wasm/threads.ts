/**
 * The threads that share a model: the caller works as the first, the others wait for its word. One barrier a step.
 *
 * @module
 */
import { DeviceLostError } from "../backend.ts";

/** The words that threads wait on, as indices into an Int32Array in shared memory. */
export const SYNC = { step: 0, done: 1, failed: 2, stop: 3 } as const;

/** How often a thread looks before it sleeps: waking takes longer than most of a step's imbalance. */
export const SPINS = 20_000;

/** What a worker is sent. */
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
  readonly #workers: Worker[] = [];
  readonly #sync: Int32Array;

  private constructor(sync: Int32Array) {
    this.#sync = sync;
  }

  /**
   * Starts them and waits until all are ready.
   *
   * @param starts what each is sent
   * @param sync the words to wait on
   * @param fail called when one of them breaks
   */
  static async start(
    starts: readonly WorkerStart[],
    sync: Int32Array,
    fail: (message: string) => void,
  ): Promise<Threads> {
    const threads = new Threads(sync);
    await Promise.all(starts.map((start) => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      threads.#workers.push(worker);
      return new Promise<void>((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = (event) => {
          event.preventDefault();
          // Whoever waits for this thread must not wait for ever.
          Atomics.store(sync, SYNC.failed, 1);
          Atomics.notify(sync, SYNC.done);
          fail(event.message);
          reject(new DeviceLostError(`A worker thread broke: ${event.message}`));
        };
        worker.postMessage(start);
      });
    }));
    return threads;
  }

  /** Lets the others work on a step. */
  begin(): void {
    if (this.#workers.length === 0) return;
    Atomics.store(this.#sync, SYNC.done, 0);
    Atomics.add(this.#sync, SYNC.step, 1);
    Atomics.notify(this.#sync, SYNC.step);
  }

  /**
   * Waits until the others have finished.
   *
   * @throws {DeviceLostError} when one of them broke
   */
  end(): void {
    const others = this.#workers.length;
    if (others === 0) return;
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(this.#sync, SYNC.done) === others) return;
    }
    for (;;) {
      const done = Atomics.load(this.#sync, SYNC.done);
      if (done === others) return;
      if (Atomics.load(this.#sync, SYNC.failed) !== 0) {
        throw new DeviceLostError("A worker thread broke: open the device again");
      }
      Atomics.wait(this.#sync, SYNC.done, done, 1000);
    }
  }

  /** Ends them. */
  [Symbol.dispose](): void {
    Atomics.store(this.#sync, SYNC.stop, 1);
    Atomics.add(this.#sync, SYNC.step, 1);
    Atomics.notify(this.#sync, SYNC.step);
    for (const worker of this.#workers) worker.terminate();
  }
}
