/**
 * A thread of a model.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { instantiate } from "../../kernels/load.ts";
import { serve, SYNC_BYTES, type WorkerStart } from "./threads.ts";

self.onmessage = ({ data }: MessageEvent<WorkerStart>) => {
  const { module, memory, model, scratch, sync } = data;
  const kernels = instantiate(module, memory);
  // One call a step: a call that never returned would stay in the engine's baseline code.
  serve(new Int32Array(memory.buffer, sync, SYNC_BYTES / 4), () => kernels.work(model, scratch));
};
