/**
 * A thread that sweeps over its share of the memory.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { serve, SYNC_BYTES } from "../backends/wasm/threads.ts";
import { instantiate } from "../kernels/load.ts";
import type { SweepStart } from "./roofline.ts";

self.onmessage = ({ data }: MessageEvent<SweepStart>) => {
  const { module, memory, sync, at, length, writes } = data;
  const kernels = instantiate(module, memory);
  const mode = new Int32Array(memory.buffer, writes, 1);
  serve(new Int32Array(memory.buffer, sync, SYNC_BYTES / 4), () => {
    if (Atomics.load(mode, 0) === 0) kernels.sweep_read(at, length);
    else kernels.sweep_update(at, length, 1);
  });
};
