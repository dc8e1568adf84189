/**
 * Steps a second of the backends, beside each other in one run: the machine is the same, and so are its moods.
 *
 * @module
 */
import type { Backend, Session } from "../backends/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength, type Plan, weightCount } from "../model/plan.ts";
import type { RuleName, Spec } from "../model/spec.ts";
import { MotionKernel } from "../runtime/motion_kernel.ts";
import { openScene } from "../sources/synthetic.ts";
import { backend as naive } from "./naive.ts";
import { type Bandwidth, measureBandwidth } from "./roofline.ts";

/** One row of the bench. */
export interface Row {
  readonly name: string;
  readonly spec: string;
  readonly rule: RuleName;
  readonly backend: string;
  readonly format: "f32";
  readonly threads: number;
  /** Frames between flushes of deferred updates; 0 is none. */
  readonly defer: number;
  readonly stepsPerSecond: number;
  /** Weights that learned, a second. */
  readonly weightsPerSecond: number;
  readonly bytesPerStep: number;
  readonly gbPerSecond: number;
  /**
   * Of what passes that only read, or read and write, reach over as many bytes, with as many threads (`roofline.ts`): the time
   * they would take over the time it took.
   */
  readonly shareOfBandwidth: number | null;
  /** What passes that only read, or read and write, would make of these bytes; null as above. */
  readonly roofGbPerSecond: number | null;
  /** Of a step: how long a thread waits for the others. Null for backends that do not say. */
  readonly waiting: number | null;
  /** Whether the weights lie in a cache: passes over them are much faster than over memory. Null as above. */
  readonly cached: boolean | null;
}

/** What is measured. */
export interface BenchOptions {
  /** Built-in models. */
  readonly specs: readonly string[];
  /** Rules. */
  readonly rules: readonly RuleName[];
  /** Threads of the kernels. */
  readonly threads: readonly number[];
  /** Updates between two writes of deferred updates, 0 for none: a row each. */
  readonly defers: readonly Spec["defer"][];
  /** Seconds a row is measured for, in all. */
  readonly seconds: number;
}

/** Rounds that the time is cut into; the median counts. */
const ROUNDS = 5;
/** Bytes that no cache holds. */
const FAR_BYTES = 2 ** 28;
/** How much faster than from memory is read what lies in a cache. */
const MUCH_FASTER = 1.7;
/** Frames of the scene that are made in advance. */
const FRAMES = 48;

/** One backend with a model of its own. */
interface Entry {
  readonly backend: string;
  readonly threads: number;
  readonly plan: Plan;
  readonly session: Session;
  readonly motion: MotionKernel | undefined;
  readonly rates: number[];
  /** Mean bytes of a step. */
  bytesRead: number;
  bytesWritten: number;
  /** Milliseconds at the barrier, of all milliseconds. */
  waitedMs: number | null;
  ms: number;
  /** What the memory gives, measured right beside the steps; null where no kernels run. */
  roof: { readonly here: Bandwidth; readonly memory: Bandwidth } | null;
}

/**
 * Measures one model under one rule on every backend, in turns.
 *
 * @param name a built-in model
 * @param rule the rule; under 2016 all layers learn and all contexts are on
 * @param options threads and time
 * @returns a row a backend
 */
export async function measure(
  name: string,
  rule: RuleName,
  options: Pick<BenchOptions, "threads" | "defers" | "seconds"> & {
    /** What else takes its turn in every round, and for how many milliseconds. */
    readonly turn?: (ms: number) => Promise<void>;
  },
): Promise<Row[]> {
  const frames = makeFrames(benchPlan(name, rule));
  const peers: { backend: Backend; device: string; threads: number; defer: Spec["defer"] }[] = [
    { backend: reference, device: "f32", threads: 1, defer: 0 },
    { backend: naive, device: "f32", threads: 1, defer: 0 },
    ...options.defers.flatMap((defer) =>
      options.threads.map((threads) => {
        const backend = wasmBackend({ threads });
        return { backend, device: "", threads, defer };
      })
    ),
  ];
  await using stack = new AsyncDisposableStack();
  const entries: Entry[] = [];
  for (const { backend, device: id, threads, defer } of peers) {
    const plan = benchPlan(name, rule, defer);
    const device = stack.use(await backend.open(id || (await backend.probe())[0]!.id));
    const session = stack.use(await device.load(plan, initialCheckpoint(plan)));
    const motion = plan.rule.name === "saccade" && plan.rule.motion > 0
      ? await MotionKernel.create(plan.frame, plan.rule.motion)
      : undefined;
    entries.push({
      backend: backend.name,
      threads,
      plan,
      session,
      motion,
      rates: [],
      bytesRead: 0,
      bytesWritten: 0,
      waitedMs: 0,
      ms: 0,
      roof: null,
    });
  }
  for (const entry of entries) await steps(entry, frames, 200 / ROUNDS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const entry of entries) {
      const [count, ms] = await steps(entry, frames, 1000 * options.seconds / ROUNDS);
      entry.rates.push(1000 * count / ms);
    }
    await options.turn?.(1000 * options.seconds / ROUNDS);
  }
  const measured = new Map<string, Bandwidth>();
  const bandwidth = async (bytes: number, threads: number) => {
    const key = `${bytes} ${threads}`;
    const known = measured.get(key) ?? await measureBandwidth(bytes, threads);
    measured.set(key, known);
    return known;
  };
  for (const entry of entries) {
    if (entry.backend !== "wasm") continue;
    const { threads, session } = entry;
    entry.roof = {
      here: await bandwidth(session.memory().weights, threads),
      memory: await bandwidth(FAR_BYTES, threads),
    };
  }
  return entries.map((entry) => rowOf(name, rule, entry));
}

/**
 * The model that is measured.
 *
 * @param name a built-in model
 * @param rule the rule; under 2016 all layers learn and all contexts are on
 * @param defer updates between two writes of deferred updates
 */
export function benchPlan(name: string, rule: RuleName, defer: Spec["defer"] = 0): Plan {
  const fields = rule === "saccade" ? {} : {
    delay_each_layer_learning: 0,
    enable_lateral_at: 0,
    enable_feedback_at: 0,
  };
  return compilePlan(builtinSpec(name, { rule, fields: { ...fields, defer } }));
}

/** Frames of the built-in scene; they are played forth and back. */
export function makeFrames(plan: Plan): Uint8Array[] {
  const scene = openScene({ size: plan.frame });
  return Array.from({ length: FRAMES }, () => {
    const frame = new Uint8Array(frameLength(plan));
    scene.next(frame);
    return frame;
  });
}

/** Steps for a while, forth and back through the frames: at least three, and no report in between. */
async function steps(
  entry: Entry,
  frames: readonly Uint8Array[],
  forMs: number,
): Promise<[number, number]> {
  const { session, motion } = entry;
  const begin = performance.now();
  let count = 0;
  while (count < 3 || (performance.now() - begin < forMs && count < 1000)) {
    const at = count++ % (2 * FRAMES - 2);
    const frame = frames[at < FRAMES ? at : 2 * FRAMES - 2 - at]!;
    motion?.next(frame);
    await session.step(motion === undefined ? { frame } : { frame, external: motion.candidate });
  }
  const ms = performance.now() - begin;
  const report = await session.report();
  entry.bytesRead = report.bytesRead / report.steps;
  entry.bytesWritten = report.bytesWritten / report.steps;
  entry.waitedMs = report.waitedMs === undefined ? null : entry.waitedMs! + report.waitedMs;
  entry.ms += ms;
  return [count, ms];
}

/** The shares of a row for a person, empty where they are unknown or mean nothing. */
export function sharesOf(row: Row): { readonly roof: string; readonly waiting: string } {
  const { shareOfBandwidth, cached, waiting, threads } = row;
  const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)} %`;
  return {
    roof: shareOfBandwidth === null
      ? ""
      : `${percent(shareOfBandwidth, 0)}${cached ? " (cache)" : ""}`,
    waiting: waiting === null || threads === 1 ? "" : percent(waiting, 1),
  };
}

function rowOf(spec: string, rule: RuleName, entry: Entry): Row {
  const { plan, backend, threads, bytesRead, bytesWritten, roof } = entry;
  const defer = plan.defer.every;
  const sorted = entry.rates.toSorted((a, b) => a - b);
  const stepsPerSecond = sorted[Math.floor(sorted.length / 2)]!;
  const bytesPerStep = bytesRead + bytesWritten;
  // What is written was read by the same pass; the rest is only read.
  const least = roof === null
    ? null
    : Math.max(bytesRead - bytesWritten, 0) / roof.here.read + 2 * bytesWritten / roof.here.update;
  return {
    name: `${spec} ${rule} ${backend}${defer === 0 ? "" : ` defer ${defer}`} ${threads}`,
    spec,
    rule,
    backend,
    format: "f32",
    threads,
    defer,
    stepsPerSecond,
    weightsPerSecond: stepsPerSecond * weightCount(plan),
    bytesPerStep,
    gbPerSecond: stepsPerSecond * bytesPerStep / 1e9,
    shareOfBandwidth: least === null ? null : stepsPerSecond * least,
    roofGbPerSecond: least === null ? null : bytesPerStep / least / 1e9,
    waiting: entry.waitedMs === null ? null : entry.waitedMs / entry.ms,
    cached: roof === null ? null : roof.here.read > MUCH_FASTER * roof.memory.read,
  };
}

/**
 * What the naive loops make of a model and rule, for ratios. The engine now and then leaves them uncompiled for a whole run; the
 * reference, which does more for a weight, is then the faster of both, and a ratio to them would flatter everything else.
 *
 * @param rows those of one model and rule
 * @returns steps/s; NaN where there is no such row, or none that can be compared with
 */
export function naiveRate(
  rows: readonly Pick<Row, "backend" | "stepsPerSecond">[],
): number {
  const rateOf = (name: string) =>
    rows.find(({ backend }) => backend === name)?.stepsPerSecond ?? NaN;
  const naive = rateOf("naive");
  return naive < rateOf("reference") ? NaN : naive;
}
