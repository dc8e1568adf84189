/**
 * The state that the first step of a graph begins with.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import { ReferenceModel } from "../reference/step.ts";
import { copyTensors } from "../reference/unit.ts";

/**
 * A checkpoint's tensors, after the prediction on zero inputs that rule 2016 makes before its first frame: the reference makes it.
 *
 * @param plan a compiled model
 * @param checkpoint its state; not changed
 */
export function startedTensors(plan: Plan, checkpoint: Checkpoint): Checkpoint["tensors"] {
  if (checkpoint.started || plan.rule.name !== "2016") return checkpoint.tensors;
  const tensors = copyTensors(checkpoint.tensors, Float32Array);
  new ReferenceModel(plan, tensors, checkpoint.step, checkpoint.learned).start();
  return tensors;
}
