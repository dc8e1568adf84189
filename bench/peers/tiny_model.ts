/** Small models as the peers know them, for their tests. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { frameLength, type Plan } from "../../model/plan.ts";
import type { RuleName } from "../../model/spec.ts";
import type { ExportedInput } from "./export.ts";

/** `tiny`; under rule 2016 with the options of `small`, every layer learning and every context on. */
export function tinyPlan(rule: RuleName = "2016"): Plan {
  if (rule === "saccade") return compilePlan(builtinSpec("tiny"));
  const fields = {
    use_derivative: false,
    use_integral: false,
    use_error: false,
    use_t_minus_2_block: true,
    predict_two_steps: true,
    normalize_output: true,
    initial_learning_rate: 0.01,
    delay_each_layer_learning: 0,
    delay_final_learning_rate: 1000,
    enable_lateral_at: 0,
    enable_feedback_at: 0,
  };
  return compilePlan(builtinSpec("tiny", { rule: "2016", fields }));
}

/** Frames and, with motion, candidates that differ from each other everywhere. */
export function tinyInput(plan: Plan, count = 8): ExportedInput {
  const frames = Array.from(
    { length: count },
    (_, n) => Uint8Array.from({ length: frameLength(plan) }, (_, i) => (i * 7 + n * 13) % 256),
  );
  const candidates = frames.map((_, n) =>
    Float32Array.from({ length: plan.external.motion }, (_, i) => ((i * 3 + n * 5) % 11 - 5) / 50)
  );
  return { frames, candidates: plan.external.motion > 0 ? candidates : [] };
}
