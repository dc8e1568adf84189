/**
 * How far deferred updates stray from a write an update, in f32, after 60 and after 1000 steps of the built-in scene.
 *
 * Beside them stands how far the kernels stray from themselves when only the order of rounding differs: the same fused step in
 * plain instead of relaxed SIMD. What is no larger than that is rounding, not deferring.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { table } from "../cli/format.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength, type Plan } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import { stateLengths } from "../model/state.ts";
import { openScene } from "../sources/synthetic.ts";

const MARKS = [60, 1000];

/** What is compared with the fused step. */
interface Variant {
  readonly label: string;
  readonly defer: number;
  readonly window: number;
  readonly device: "relaxed" | "strict";
}

const VARIANTS: Readonly<Record<RuleName, readonly Variant[]>> = {
  "2016": [
    { label: "fused, other rounding", defer: 0, window: 0, device: "strict" },
    ...[[8, 8], [8, 12], [16, 16], [16, 20], [64, 16]].map((
      [defer, window],
    ) => ({
      label: `every ${defer}, window ${window}`,
      defer: defer!,
      window: window!,
      device: "relaxed" as const,
    })),
  ],
  "saccade": [
    { label: "fused, other rounding", defer: 0, window: 0, device: "strict" },
    ...[8, 16, 64].map((defer) => ({
      label: `every ${defer}`,
      defer,
      window: 0,
      device: "relaxed" as const,
    })),
  ],
};

function planOf(name: string, rule: RuleName, { defer, window }: Variant): Plan {
  const learning = {
    delay_each_layer_learning: 0,
    enable_lateral_at: 0,
    enable_feedback_at: 0,
    defer_window: window,
  };
  const fields = { defer, motion: 0, ...(rule === "2016" ? learning : {}) };
  return compilePlan(builtinSpec(name, { rule, fields }));
}

async function open(plan: Plan, { device }: Variant): Promise<Session> {
  return await (await wasmBackend().open(device)).load(plan, initialCheckpoint(plan));
}

/** The largest difference of two predictions, values in [0, 1]. */
async function distance(plan: Plan, [a, b]: readonly [Session, Session]): Promise<number> {
  const length = stateLengths(plan)["prediction"]!;
  const [x, y] = [new Float32Array(length), new Float32Array(length)];
  await a.read("prediction", x);
  await b.read("prediction", y);
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
}

/** Runs one variant beside the fused step: the largest difference up to each mark. */
async function compare(name: string, rule: RuleName, variant: Variant): Promise<number[]> {
  const plan = planOf(name, rule, variant);
  const fused: Variant = { label: "", defer: 0, window: 0, device: "relaxed" };
  await using a = await open(planOf(name, rule, fused), fused);
  await using b = await open(plan, variant);
  const scene = openScene({ size: plan.frame });
  const frame = new Uint8Array(frameLength(plan));
  const marks: number[] = [];
  let most = 0;
  for (let step = 1; step <= MARKS.at(-1)!; step++) {
    await scene.next(frame);
    a.step({ frame });
    b.step({ frame });
    if (step % 1000 === 0) await Promise.all([a.report(), b.report()]);
    if (step <= 60 || step % 20 === 0) most = Math.max(most, await distance(plan, [a, b]));
    if (MARKS.includes(step)) marks.push(most);
  }
  return marks;
}

if (import.meta.main) {
  const rows = [["model", "rule", "updates", ...MARKS.map((mark) => `${mark} steps`)]];
  for (const name of ["tiny", "small"]) {
    for (const rule of ["2016", "saccade"] as const) {
      for (const variant of VARIANTS[rule]) {
        const marks = await compare(name, rule, variant);
        rows.push([name, rule, variant.label, ...marks.map((most) => most.toExponential(1))]);
      }
    }
  }
  console.log("Largest difference of any value predicted (of [0, 1]) from the fused step:");
  console.log(table(rows));
}
