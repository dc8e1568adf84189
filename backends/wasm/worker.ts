/**
 * A thread of a model: waits for a step, works its share, says so.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { instantiate } from "../../kernels/load.ts";
import { SPINS, SYNC, type WorkerStart } from "./threads.ts";

self.onmessage = ({ data }: MessageEvent<WorkerStart>) => {
  const { module, memory, model, scratch, sync } = data;
  const kernels = instantiate(module, memory);
  const words = new Int32Array(memory.buffer, sync, 4);
  let step = Atomics.load(words, SYNC.step);
  self.postMessage("ready");
  for (;;) {
    waitForStep(words, step++);
    if (Atomics.load(words, SYNC.stop) !== 0) return;
    try {
      // One call a step: a call that never returned would stay in the engine's baseline code.
      kernels.work(model, scratch);
    } catch (error) {
      Atomics.store(words, SYNC.failed, 1);
      Atomics.notify(words, SYNC.done);
      throw error;
    }
    Atomics.add(words, SYNC.done, 1);
    Atomics.notify(words, SYNC.done);
  }
};

/** Looks for a while, then sleeps. */
function waitForStep(words: Int32Array, seen: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(words, SYNC.step) !== seen) return;
  }
  while (Atomics.load(words, SYNC.step) === seen) Atomics.wait(words, SYNC.step, seen);
}
