/**
 * A model running on a rung, on one thread or several.
 *
 * @module
 */
import type { Backend } from "../../backends/backend.ts";
import { SYNC, SYNC_BYTES, Threads } from "../../backends/wasm/threads.ts";
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { denseCheckpoint } from "../../model/pairs.ts";
import { type Plan, unitCount } from "../../model/plan.ts";
import { stateLengths } from "../../model/state.ts";
import type { Layout } from "./layout.ts";
import { LadderMemory } from "./memory.ts";
import { instantiateRungs, type Rungs } from "./records.ts";
import type { Start } from "./worker.ts";

/** A running model. */
export interface Runner extends AsyncDisposable {
  /** One learning step. */
  step(frame: Uint8Array): void | Promise<void>;
  /** Its state but for the frame, in the order of a checkpoint. */
  tensors(): Promise<Readonly<Record<string, Tensor>>>;
}

/** How a rung of this crate runs. */
export interface Build {
  /** The number that `src/lib.rs` knows the passes by. */
  readonly passes: number;
  /** The build: `scalar`, `simd` or `relaxed`. */
  readonly build: string;
  readonly layout: Layout;
  /** How threads hear of a step; one thread unless stated. */
  readonly told?: "by messages" | "by words";
  /** Whether units are claimed from a counter, in pieces, instead of shared out beforehand. */
  readonly claims?: boolean;
  /** Whether every other step goes through the pieces backwards. */
  readonly turns?: boolean;
}

/** Steps that a session may gather before its reports are drained. */
const DRAIN = 512;

/**
 * A model on a backend behind the contract.
 *
 * @param backend the backend; its first device, or the one for f32
 * @param plan the model
 * @param checkpoint its first state
 */
export async function runBackend(
  backend: Backend,
  plan: Plan,
  checkpoint: Checkpoint,
): Promise<Runner> {
  const ids = (await backend.probe()).map(({ id }) => id);
  const device = await backend.open(ids.includes("f32") ? "f32" : ids[0]!);
  const session = await device.load(plan, checkpoint);
  let gathered = 0;
  return {
    step(frame) {
      const stepped = session.step({ frame });
      if (++gathered % DRAIN === 0) return session.report().then(() => {});
      return stepped;
    },
    tensors: async () => denseCheckpoint(plan, await session.save()).tensors,
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

/**
 * A model on a rung of this crate.
 *
 * @param how the rung
 * @param plan the model, of rule 2016
 * @param checkpoint its first state
 * @param threads how many share it
 * @throws {TypeError} for a model that the rung does not run
 */
export async function runRung(
  how: Build,
  plan: Plan,
  checkpoint: Checkpoint,
  threads: number,
): Promise<Runner> {
  const url = new URL(`./pkg/${how.build}.wasm`, import.meta.url);
  const module = await WebAssembly.compile(await (await fetch(url)).arrayBuffer());
  const memory = new LadderMemory(plan, checkpoint, how.layout, threads);
  const rungs = instantiateRungs(module, memory.memory, 0);
  const { model, shares } = memory;
  const scratch = memory.scratch[0]!;
  if (rungs.start(how.passes, model, scratch, unitCount(plan)) === 0) {
    throw new TypeError(`The rung has no code for units of ${plan.hidden} hidden values`);
  }
  const starts = memory.scratch.slice(1).map((scratch, i): Start => ({
    module,
    memory: memory.memory,
    rung: how.passes,
    thread: i + 1,
    model,
    scratch,
    sync: how.told === "by words" ? memory.sync : null,
    share: how.claims ? null : [shares[i + 1]!, shares[i + 2]!],
    turns: how.turns === true,
  }));
  const work = () =>
    how.claims
      ? rungs.work_chunks(how.passes, model, scratch, how.turns === true)
      : rungs.work_units(how.passes, model, scratch, 0, shares[1]!);
  const others = how.told === undefined
    ? { step: work, dispose: () => {} }
    : how.told === "by messages"
    ? await byMessages(starts, work)
    : await byWords(starts, work, memory);
  return {
    step(frame) {
      memory.prepare(frame);
      const working = others.step();
      if (working instanceof Promise) return working.then(() => memory.done());
      memory.done();
    },
    tensors: () => Promise.resolve(memory.read(stateLengths(plan))),
    [Symbol.asyncDispose]: () => Promise.resolve(others.dispose()),
  };
}

/** What the first thread does, and how the others are ended. */
interface Others {
  step(): Promise<void> | ReturnType<Rungs["work_chunks"]> | void;
  dispose(): void;
}

const SCRIPT = new URL("./worker.ts", import.meta.url);

/** A message to each thread when a step begins, one back when its share is done. */
async function byMessages(starts: readonly Start[], work: () => number): Promise<Others> {
  const workers = starts.map(() => new Worker(SCRIPT, { type: "module" }));
  const answers = () =>
    Promise.all(
      workers.map((worker) => new Promise<void>((resolve) => worker.onmessage = () => resolve())),
    );
  const ready = answers();
  for (const [i, worker] of workers.entries()) worker.postMessage(starts[i]);
  await ready;
  return {
    async step() {
      const done = answers();
      for (const worker of workers) worker.postMessage("step");
      work();
      await done;
    },
    dispose: () => workers.forEach((worker) => worker.terminate()),
  };
}

/** The product's barrier: it spins for a while, then waits. */
async function byWords(
  starts: readonly Start[],
  work: () => number,
  { memory, sync }: LadderMemory,
): Promise<Others> {
  const words = new Int32Array(memory.buffer, sync, SYNC_BYTES / 4);
  const threads = new Threads(starts, words, () => {}, SCRIPT);
  // Shares that were dealt out beforehand need all threads.
  while (Atomics.load(words, SYNC.ready) < starts.length) await threads.gather();
  return {
    step() {
      threads.begin();
      work();
      threads.end();
    },
    dispose: () => threads[Symbol.dispose](),
  };
}
