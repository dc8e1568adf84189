/**
 * What the memory gives: bytes a second of passes that do nothing but read, or read and write, with the instruction set, the
 * threads and the memory of the kernels. A step that moves its bytes at this rate cannot be made faster by other loops.
 *
 * @module
 */
import { SYNC_BYTES, Threads } from "../backends/wasm/threads.ts";
import { compileKernels, instantiate, sharedMemory } from "../kernels/load.ts";

/** What a sweeping thread is sent; byte offsets in the memory, `length` in values. */
export interface SweepStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly sync: number;
  readonly at: number;
  readonly length: number;
  /** The word that says whether sweeps write. */
  readonly writes: number;
}

/** Bytes a second, counting each byte read and each byte written. */
export interface Bandwidth {
  /** Of passes that only read. */
  readonly read: number;
  /** Of passes that read and write each value. */
  readonly update: number;
}

const ROUNDS = 5;
const ROUND_MS = 60;
/** Values that a pass takes at once (`kernels/src/sweep.rs`). */
const STRIDE = 32;

/**
 * Measures both kinds of pass.
 *
 * @param bytes how much memory they go over: those of a model's weights, for what fits in a cache is faster
 * @param threads how many share it
 */
export async function measureBandwidth(bytes: number, threads: number): Promise<Bandwidth> {
  const length = Math.max(Math.floor(bytes / 4 / threads / STRIDE), 1) * STRIDE;
  const module = await compileKernels("relaxed");
  const memory = sharedMemory(4 * length * threads + 4096, threads);
  const kernels = instantiate(module, memory);
  const sync = kernels.allocate(SYNC_BYTES);
  const writes = kernels.allocate(64);
  const shares = Array.from({ length: threads }, () => kernels.allocate(4 * length));
  for (const at of shares) new Float32Array(memory.buffer, at, length).fill(1);
  const starts = shares.slice(1).map((at): SweepStart => ({
    module,
    memory,
    sync,
    at,
    length,
    writes,
  }));
  const words = new Int32Array(memory.buffer, sync, SYNC_BYTES / 4);
  const script = new URL("./roofline_worker.ts", import.meta.url);
  using others = new Threads(starts, words, () => {}, script);
  await others.gather();
  const mode = new Int32Array(memory.buffer, writes, 1);
  const measure = (updates: boolean) => {
    Atomics.store(mode, 0, Number(updates));
    const rates = Array.from({ length: ROUNDS }, () => {
      const begin = performance.now();
      let passes = 0;
      while (performance.now() - begin < ROUND_MS) {
        others.begin();
        if (updates) kernels.sweep_update(shares[0]!, length, 1);
        else kernels.sweep_read(shares[0]!, length);
        others.end();
        passes++;
      }
      const moved = passes * 4 * length * threads * (updates ? 2 : 1);
      return 1000 * moved / (performance.now() - begin);
    });
    return rates.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  };
  return { read: measure(false), update: measure(true) };
}
