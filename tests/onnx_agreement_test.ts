/** The ONNX graph against the reference, with every layer learning and all contexts on. */
import { onnxBackend } from "../backends/onnx/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { agree, ALL_LEARN, openSession } from "./agreement.ts";

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

for (const [label, fields] of Object.entries(VARIANTS)) {
  Deno.test(`onnx agrees with the reference: tiny, rule ${label}`, async () => {
    const rule = fields["rule"] === "2016" ? "2016" as const : "saccade" as const;
    // The rate of classic_medium, which tiny has, is too small for an error in learning to show.
    const fast = rule === "2016" ? { ...ALL_LEARN, initial_learning_rate: 0.02 } : {};
    const spec = builtinSpec("tiny", { rule, fields: { ...fast, ...fields } });
    // Small m / s amplifies rounding (learning-rule, Tolerances).
    await agree(spec, 40, label === "saccade" ? 5e-5 : 1e-5, [
      (plan) => openSession(onnxBackend(), "wasm", plan),
      (plan) => openSession(reference, "f32", plan),
    ]);
  });
}
