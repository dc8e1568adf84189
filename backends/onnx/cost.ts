/**
 * What a step of the graph moves.
 *
 * @module
 */
import { offsetsOf, type Plan } from "../../model/plan.ts";
import type { StepCost } from "../report_ring.ts";
import { isScaled } from "./momentum_scale.ts";
import { stepCost } from "../step_cost.ts";

/**
 * The cost of a step by its number and whether it learns: the work that the plan asks for, and the bytes of weights and momentum
 * that the operators move. One graph serves all steps, so a step that only predicts writes its weights as well, unchanged; and
 * an operator is a pass of its own: the update reads and writes, then the product reads again.
 *
 * @param plan a compiled model
 */
export function graphCost(plan: Plan): (step: number, learn: boolean) => StepCost {
  const at = offsetsOf(plan);
  const encoder = 4 * at.encoder.at(-1)!;
  const decoder = 4 * at.decoder.at(-1)!;
  const momentum = plan.rule.name === "2016";
  const work = stepCost(plan, { encoderBytes: () => 0, decoderBytes: () => 0, momentum });
  // Momentum is added to, and read by the update of the weights; unless it is stored scaled, it is decayed before.
  const passes = isScaled(plan) ? 1 : 2;
  const extra = momentum ? encoder + decoder : 0;
  const bytesRead = 2 * encoder + 3 * decoder + (passes + 1) * extra;
  const bytesWritten = encoder + decoder + passes * extra;
  return (step, learn) => ({ macs: work(step, learn).macs, bytesRead, bytesWritten });
}
