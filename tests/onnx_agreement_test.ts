/** The ONNX graph against the reference, with every layer learning and all contexts on. */
import { onnxBackend } from "../backends/onnx/backend.ts";
import { publicOrt } from "../backends/onnx/public_executor.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import type { Spec } from "../model/spec.ts";
import { assertEquals } from "../std_assert.ts";
import { agree, ALL_LEARN, inputs, openSession } from "./agreement.ts";
import { needing } from "./needs.ts";

const VARIANTS: Record<string, Record<string, unknown>> = {
  "saccade": {},
  "saccade without motion": { motion: 0 },
  "saccade without contexts": { disable_lateral: true, disable_feedback: true, motion: 0 },
  "2016": { rule: "2016" },
  "2016, momentum 0.3": { rule: "2016", momentum: 0.3 },
  "2016, layers and contexts that begin late": {
    rule: "2016",
    delay_each_layer_learning: 5,
    enable_lateral_at: 4,
    enable_feedback_at: 9,
    normalize_output: true,
  },
  "2016, two steps, normalised": {
    rule: "2016",
    predict_two_steps: true,
    normalize_output: true,
    use_t_minus_2_block: true,
    use_integral: false,
  },
  "2016, logistic, bias free, autoencoder": {
    rule: "2016",
    activation: "logistic",
    bias_free: true,
    autoencoder: true,
  },
  "2016, two steps, autoencoder, legacy": {
    rule: "2016",
    predict_two_steps: true,
    autoencoder: true,
    lateral: "legacy",
  },
};

function specOf(fields: Record<string, unknown>): Spec {
  const rule = fields["rule"] === "2016" ? "2016" as const : "saccade" as const;
  // The rate of classic_medium, which tiny has, is too small for an error in learning to show.
  const fast = rule === "2016" ? { ...ALL_LEARN, initial_learning_rate: 0.02 } : {};
  return builtinSpec("tiny", { rule, fields: { ...fast, ...fields } });
}

/** Small m / s amplifies rounding (learning-rule, Tolerances). */
function limit(label: string): number {
  return label === "saccade" ? 5e-5 : 1e-5;
}

for (const [label, fields] of Object.entries(VARIANTS)) {
  Deno.test(`onnx agrees with the reference: tiny, rule ${label}`, async () => {
    await agree(specOf(fields), 40, limit(label), [
      (plan) => openSession(onnxBackend(), "wasm", plan),
      (plan) => openSession(reference, "f32", plan),
    ]);
  });
}

for (const label of ["saccade", "2016, two steps, normalised"]) {
  Deno.test(`onnx agrees with the reference through the public API: rule ${label}`, async () => {
    const ort = await publicOrt("wasm");
    await agree(specOf(VARIANTS[label]!), 12, limit(label), [
      (plan) => openSession(onnxBackend({ ort }), "wasm", plan),
      (plan) => openSession(reference, "f32", plan),
    ]);
  });

  await needing(["gpu"], `onnx agrees with the reference on WebGPU: rule ${label}`, async () => {
    await agree(specOf(VARIANTS[label]!), 12, limit(label), [
      (plan) => openSession(onnxBackend(), "webgpu", plan),
      (plan) => openSession(reference, "f32", plan),
    ]);
  });
}

Deno.test("momentum that is stored scaled has the bits of the plain one, and stays in bounds", async () => {
  // 0.25 is brought back to its own size after thirty steps; 200 steps would be 2^-400.
  const fields = { rule: "2016", momentum: 0.25 };
  const plan = compilePlan(specOf(fields));
  const frames = inputs(plan, 90);
  await using device = await onnxBackend().open("wasm");
  await using whole = await device.load(plan, initialCheckpoint(plan));
  let half = await device.load(plan, initialCheckpoint(plan));
  for (const [n, input] of frames.entries()) {
    await whole.step(input, { learn: n % 9 !== 8 });
    await half.step(input, { learn: n % 9 !== 8 });
    if (n % 20 !== 13) continue;
    const state = await half.save();
    await half[Symbol.asyncDispose]();
    half = await device.load(plan, state);
  }
  assertEquals(await half.save(), await whole.save());
  await half[Symbol.asyncDispose]();
});
