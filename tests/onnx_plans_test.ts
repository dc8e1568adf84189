/** The ONNX graph on plans that no specification makes: delays, other parts, one unit, runs that begin anywhere. */
import { onnxBackend } from "../backends/onnx/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength, type Plan, type Sources } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import { assert } from "../std_assert.ts";
import { buildCase } from "../conformance/case.ts";
import type { Recipe } from "../conformance/recipe.ts";
import { deviation } from "../conformance/tolerance.ts";
import { ALL_LEARN } from "./agreement.ts";

function plan(rule: RuleName, fields: Record<string, unknown> = {}): Plan {
  const common = rule === "2016" ? { ...ALL_LEARN, initial_learning_rate: 0.02 } : { motion: 2 };
  return compilePlan(builtinSpec("tiny", { rule, fields: { ...common, ...fields } }));
}

/** Every source of hidden outputs one to three steps late. */
function delayed(plan: Plan): Plan {
  const arriving = frameLength(plan) + plan.external.motion;
  const late = (sources: Sources): Sources => ({
    ...sources,
    delay: sources.delay.map((delay, run) => sources.index[run]! < arriving ? delay : 1 + run % 3),
  });
  return { ...plan, maxDelay: 3, signal: late(plan.signal), context: late(plan.context) };
}

/** Hidden outputs of other parts before our own; every third context comes from there, from anywhere. */
function parted(plan: Plan): Plan {
  const parts = 2 * plan.hidden + 3;
  const arriving = frameLength(plan) + plan.external.motion;
  const move = (sources: Sources, other: (run: number) => boolean): Sources => ({
    ...sources,
    index: sources.index.map((index, run) =>
      index < arriving ? index : other(run) ? arriving + run % 4 : index + parts
    ),
  });
  return {
    ...plan,
    external: { ...plan.external, parts },
    signal: move(plan.signal, () => false),
    context: move(plan.context, (run) => run % 3 === 0),
  };
}

const single = {
  layer_shapes: [1],
  input_block_size: 3,
  hidden_block_size: 1,
  readout_block_size: [1],
};
const odd = {
  layer_shapes: [5, 3],
  input_block_size: 3,
  hidden_block_size: 3,
  readout_block_size: [1, 1],
};
const PLANS: Record<string, (rule: RuleName) => Plan> = {
  "sources up to three steps late": (rule) => delayed(plan(rule)),
  "context from other parts": (rule) => parted(plan(rule)),
  "late, from other parts, and contexts that begin late": (rule) => ({
    ...parted(delayed(plan(rule))),
    ...(rule === "2016" ? { contextFrom: Float64Array.of(3.5, 6) } : {}),
  }),
  "a single unit with one hidden output": (rule) =>
    plan(rule, rule === "2016" ? single : { ...single, motion: 0 }),
  "layers that learn one after another": (rule) =>
    plan(rule, rule === "2016" ? { delay_each_layer_learning: 4, normalize_output: true } : {}),
  "odd sizes": (rule) => plan(rule, rule === "2016" ? odd : { ...odd, halo: 2 }),
};

for (const rule of ["saccade", "2016"] as const) {
  for (const [label, make] of Object.entries(PLANS)) {
    Deno.test(`onnx agrees with the reference: rule ${rule}, ${label}`, async () => {
      const plan = make(rule);
      const begin = initialCheckpoint(plan);
      // Extremes that many hidden outputs pass: their first move is a large one.
      begin.tensors["minimum"]?.fill(0.45);
      begin.tensors["maximum"]?.fill(0.55);
      await using ours = await onnxBackend().open("wasm");
      await using theirs = await reference.open("f32");
      await using a = await ours.load(plan, begin);
      await using b = await theirs.load(plan, begin);
      const external = new Float32Array(plan.external.motion + plan.external.parts);
      const frame = new Uint8Array(frameLength(plan));
      for (let n = 0; n < 20; n++) {
        for (let i = 0; i < frame.length; i++) frame[i] = 128 + 127 * Math.sin(i * 0.7 + n * 0.3);
        for (let i = 0; i < external.length; i++) external[i] = 0.2 * Math.sin(i + n);
        // Some steps only predict, some learn at another rate.
        const options = { learn: n % 5 !== 3, rate: n % 7 === 6 ? 0 : 1 + n % 2 };
        await a.step({ frame, external }, options);
        await b.step({ frame, external }, options);
      }
      const errors = deviation((await a.report()).mse, (await b.report()).mse);
      assert(errors <= 5e-5, `errors deviate by ${errors}`);
      const [got, want] = [await a.save(), await b.save()];
      for (const [name, values] of Object.entries(want.tensors)) {
        const off = deviation(got.tensors[name]!, values, name);
        assert(off <= 5e-5, `${name} deviates by ${off}`);
      }
    });
  }
}

Deno.test("momentum of a single row rests bit for bit: a -0 stays out of it", async () => {
  // One hidden output, so that the one context is a matrix of one row; momentum 0 makes -0 of what is negative.
  const recipe: Recipe = {
    rule: "2016",
    layers: [1],
    hidden: 1,
    width: 3,
    height: 1,
    contexts: 1,
    delay: 1,
    parts: 0,
    format: "f32",
    density: 100,
    skip: 0,
    surprise: 0,
    motion: false,
    shift: 0,
    options: 0,
    activation: "polynomial",
    bias: 1,
    momentum: 0,
    scheduled: false,
    before: 3,
    steps: 14,
    stimulus: "noise",
    floats: false,
    learn: "always",
    rates: true,
    seed: 9834289,
  };
  const { plan, checkpoint, stimuli } = await buildCase(recipe);
  await using device = await onnxBackend().open("wasm");
  await using session = await device.load(plan, checkpoint);
  for (const { input, options } of stimuli.slice(0, 7)) await session.step(input, options);
  const before = (await session.save()).tensors["encoder.momentum"]!;
  for (const { input, options } of stimuli.slice(7)) {
    await session.step(input, { ...options, learn: false });
  }
  const after = (await session.save()).tensors["encoder.momentum"]!;
  assert(before.every((value, i) => Object.is(value, after[i])), `${before} became ${after}`);
});
