/**
 * What a page does for `browser_webgpu_test.ts`: some models on WebGPU and on the reference, and what deviates most.
 *
 * @module
 */
import { backend as reference } from "../backends/reference/backend.ts";
import { webgpuBackend } from "../backends/webgpu/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { inputs, openSession } from "./agreement.ts";
import { deviation } from "../conformance/tolerance.ts";

/** What the page found. */
export interface Found {
  /** What kind of adapter. */
  readonly adapter: string;
  /** Of each model the worst deviation of errors and state, and the steps that were compared. */
  readonly models: Readonly<Record<string, { readonly worst: number; readonly steps: number }>>;
  /** What went wrong. */
  readonly error?: string;
}

const STEPS = 12;
const LEARNING = {
  delay_each_layer_learning: 0,
  enable_lateral_at: 0,
  enable_feedback_at: 0,
  initial_learning_rate: 0.02,
};
const MODELS: Readonly<Record<string, ["saccade" | "2016", Record<string, unknown>]>> = {
  saccade: ["saccade", {}],
  "2016": ["2016", LEARNING],
  "2016, two steps, normalised": [
    "2016",
    { ...LEARNING, predict_two_steps: true, normalize_output: true, use_integral: false },
  ],
};

async function compare(rule: "saccade" | "2016", fields: Record<string, unknown>): Promise<number> {
  const plan = compilePlan(builtinSpec("tiny", { rule, fields }));
  await using got = await openSession(webgpuBackend({ binding: 2 ** 19 }), "f32", plan);
  await using want = await openSession(reference, "f32", plan);
  let worst = 0;
  for (const input of inputs(plan, STEPS)) {
    await got.step(input);
    await want.step(input);
    worst = Math.max(worst, deviation((await got.report()).mse, (await want.report()).mse));
  }
  const [a, b] = [(await got.save()).tensors, (await want.save()).tensors];
  for (const [name, values] of Object.entries(b)) {
    worst = Math.max(worst, deviation(a[name]!, values, name));
  }
  return worst;
}

/** 16 bits: how far apart two equal runs are, one of them saved and resumed half way. */
async function resumed(): Promise<number> {
  const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
  await using device = await webgpuBackend().open("f16");
  await using whole = await openSession(webgpuBackend(), "f16", plan);
  const all = inputs(plan, STEPS);
  for (const input of all) await whole.step(input);
  await using half = await openSession(webgpuBackend(), "f16", plan);
  for (const input of all.slice(0, 6)) await half.step(input);
  await using rest = await device.load(plan, await half.save());
  for (const input of all.slice(6)) await rest.step(input);
  const [a, b] = [(await rest.save()).tensors, (await whole.save()).tensors];
  let worst = 0;
  for (const [name, values] of Object.entries(b)) {
    worst = Math.max(worst, deviation(a[name]!, values, name));
  }
  return worst;
}

async function main(): Promise<Found> {
  const models: Record<string, { worst: number; steps: number }> = {};
  let adapter = "";
  try {
    const [info] = await webgpuBackend().probe();
    if (info === undefined) throw new Error("there is no WebGPU adapter");
    adapter = info.description;
    for (const [name, [rule, fields]] of Object.entries(MODELS)) {
      models[name] = { worst: await compare(rule, fields), steps: STEPS };
    }
    models["f16, resumed"] = { worst: await resumed(), steps: STEPS };
    return { adapter, models };
  } catch (error) {
    return { adapter, models, error: `${error}` };
  }
}

await fetch("/found", { method: "POST", body: JSON.stringify(await main()) });
