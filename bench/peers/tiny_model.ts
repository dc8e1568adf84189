/** A small model as the peers know rule 2016, for their tests. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { frameLength, type Plan } from "../../model/plan.ts";
import type { ExportedInput } from "./export.ts";

/** `tiny` with the options of `small`: every layer learns, every context is on. */
export function tinyPlan(): Plan {
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

/** Frames that differ from each other everywhere. */
export function tinyInput(plan: Plan, count = 8): ExportedInput {
  const frames = Array.from(
    { length: count },
    (_, n) => Uint8Array.from({ length: frameLength(plan) }, (_, i) => (i * 7 + n * 13) % 256),
  );
  return { frames, candidates: [] };
}
