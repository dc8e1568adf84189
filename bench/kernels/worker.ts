/**
 * A further thread of a rung: told by messages, or by words that it waits on.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { serve, SYNC_BYTES } from "../../backends/wasm/threads.ts";
import { instantiateRungs } from "./records.ts";

/** What a thread is sent first. */
export interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly rung: number;
  /** The number of this thread. */
  readonly thread: number;
  readonly model: number;
  readonly scratch: number;
  /** The words to wait on; null for messages. */
  readonly sync: number | null;
  /** The units it works on; null for those that it claims. */
  readonly share: readonly [number, number] | null;
  /** Whether every other step goes backwards. */
  readonly turns: boolean;
}

self.onmessage = ({ data }: MessageEvent<Start>) => {
  const { module, memory, rung, thread, model, scratch, sync, share, turns } = data;
  const rungs = instantiateRungs(module, memory, thread);
  const work = () => {
    if (share === null) rungs.work_chunks(rung, model, scratch, turns);
    else rungs.work_units(rung, model, scratch, ...share);
  };
  if (sync !== null) {
    serve(new Int32Array(memory.buffer, sync, SYNC_BYTES / 4), work);
    return;
  }
  self.onmessage = () => {
    work();
    self.postMessage("done");
  };
  self.postMessage("ready");
};
