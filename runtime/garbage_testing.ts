/**
 * What a loop leaves behind it, measured in a process of its own: `deno run --v8-flags=... garbage_testing.ts BACKEND MOTION FROM`
 * prints it as JSON. For `garbage_test.ts`.
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import type { Source } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { DirectFeed } from "./feed.ts";
import { ThreadFeed } from "./feeder.ts";
import { runFeed } from "./runtime.ts";

/** What steps left behind. */
export interface Garbage {
  /** Steps that were counted. */
  readonly steps: number;
  /** Bytes of the heap that were taken, whether or not they are still in use. */
  readonly taken: number;
  /** Bytes that are still in use, at the end more than at the beginning. */
  readonly kept: number;
  /** Typed arrays and buffers that were made. */
  readonly arrays: number;
  /** What the first two say of 1000 bytes a step that are dropped at once: whether the measure can be believed. */
  readonly known: { readonly taken: number; readonly kept: number };
}

/** Steps before the count: code is compiled in the first ones. */
const BEFORE = 10_000;
const STEPS = 10_000;
const WINDOW = 500;

async function main(): Promise<void> {
  const [backend = "null", motion = "0", from = "memory"] = Deno.args;
  const spec = builtinSpec("tiny", { fields: { motion: Number(motion) } });
  const size = { width: 20, height: 20 };
  const stop = new AbortController();
  await using stack = new AsyncDisposableStack();
  let feed;
  if (from === "thread") {
    const worker = new Worker(new URL("./feeder_worker.ts", import.meta.url), { type: "module" });
    stack.defer(() => worker.terminate());
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port1, [port1]);
    feed = stack.use(await ThreadFeed.open(port2, { kind: "scene" }, size, stop.signal));
  } else {
    feed = new DirectFeed(new Frames(size, from === "promised"));
  }
  const arrays = countArrays();
  const end = BEFORE + STEPS;
  const options = { spec, backend, threads: 1, meter: null, steps: end, window: WINDOW };
  let begin = { heap: 0, arrays: 0 };
  for await (const { kind, step } of runFeed(options, feed)) {
    if (kind === "window" && step === BEFORE) begin = { heap: collected(), arrays: arrays() };
    if (kind !== "window" || step !== end) continue;
    const taken = heap() - begin.heap;
    const made = arrays() - begin.arrays;
    const kept = collected() - begin.heap;
    const known = litter();
    console.log(JSON.stringify({ steps: STEPS, taken, kept, arrays: made, known }));
  }
}

/** Frames that are there already. */
export class Frames implements Source {
  readonly name = "frames";
  readonly live = false;
  readonly dropped = 0;
  readonly truncated = null;
  readonly #frames: Uint8Array[];
  #next = 0;

  constructor(readonly size: Source["size"], readonly promised: boolean) {
    const scene = openScene({ size });
    this.#frames = Array.from({ length: 48 }, () => {
      const frame = new Uint8Array(3 * size.width * size.height);
      scene.next(frame);
      return frame;
    });
  }

  next(into: Uint8Array): boolean | Promise<boolean> {
    into.set(this.#frames[this.#next++ % this.#frames.length]!);
    return this.promised ? Promise.resolve(true) : true;
  }

  skip(): Promise<number> {
    return Promise.resolve(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function heap(): number {
  return Deno.memoryUsage().heapUsed;
}

function collected(): number {
  const { gc } = globalThis as unknown as { gc(): void };
  for (let i = 0; i < 3; i++) gc();
  return heap();
}

/** Drops 1000 bytes a step. */
function litter(): Garbage["known"] {
  const begin = collected();
  let last: number[] = [];
  for (let i = 0; i < STEPS; i++) last = new Array(125).fill(i + 0.5);
  const taken = heap() - begin;
  console.assert(last.length === 125);
  last = [];
  return { taken, kept: collected() - begin };
}

/** Counts whatever makes a typed array or a buffer from now on. */
function countArrays(): () => number {
  let count = 0;
  const names = ["ArrayBuffer", "SharedArrayBuffer", "DataView"].concat(
    ["Int8", "Uint8", "Int16", "Uint16", "Int32", "Uint32", "Float32", "Float64", "BigUint64"]
      .map((type) => `${type}Array`),
  );
  const world = globalThis as unknown as Record<string, new () => unknown>;
  for (const name of names) {
    world[name] = new Proxy(world[name]!, {
      construct(target, values, made) {
        count++;
        return Reflect.construct(target, values, made);
      },
    });
  }
  const methods = Object.getPrototypeOf(Uint8Array.prototype);
  for (const name of ["slice", "subarray", "map", "filter"]) {
    const method = methods[name];
    methods[name] = function (...values: unknown[]) {
      count++;
      return method.apply(this, values);
    };
  }
  return () => count;
}

if (import.meta.main) await main();
