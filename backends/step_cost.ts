/**
 * What a step must do with its weights, counted from the plan.
 *
 * @module
 */
import { layerOf, offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import { rateAt } from "../model/schedule.ts";
import type { StepCost } from "./report_ring.ts";

/** Whether a unit's weights change at a step: which layers learn is a matter of the schedule. */
export function learns(plan: Plan, layer: number, step: number, learn: boolean): boolean {
  if (!learn) return false;
  return plan.rule.name === "saccade" ? step >= 2 : rateAt(plan.rates, layer, step) !== 0;
}

/**
 * The least a step can do: each weight (and momentum) that learns is read once and written once, every other is read once.
 * Two multiply-accumulates an encoder weight that learns and three a decoder weight (learning-rule, Execution), one of each
 * otherwise; one more where there is momentum.
 *
 * @param plan the model
 * @param options bytes of a weight as stored, and whether momentum is kept beside it
 * @returns the cost of a step, by step number and whether it learns
 */
export function stepCost(
  plan: Plan,
  options: { readonly weightBytes: number; readonly momentum: boolean },
): (step: number, learn: boolean) => StepCost {
  const at = offsetsOf(plan);
  const layers = layerOf(plan);
  const count = plan.layerStart.length - 1;
  const encoder = new Float64Array(count);
  const decoder = new Float64Array(count);
  for (let u = 0; u < unitCount(plan); u++) {
    encoder[layers[u]!]! += at.encoder[u + 1]! - at.encoder[u]!;
    decoder[layers[u]!]! += at.decoder[u + 1]! - at.decoder[u]!;
  }
  const arrays = options.momentum ? 2 : 1;
  return (step, learn) => {
    let macs = 0;
    let bytesRead = 0;
    let bytesWritten = 0;
    for (let layer = 0; layer < count; layer++) {
      const weights = encoder[layer]! + decoder[layer]!;
      if (learns(plan, layer, step, learn)) {
        macs += (arrays + 1) * encoder[layer]! + (arrays + 2) * decoder[layer]!;
        bytesRead += weights * arrays * options.weightBytes;
        bytesWritten += weights * arrays * options.weightBytes;
      } else {
        macs += weights;
        bytesRead += weights * options.weightBytes;
      }
    }
    return { macs, bytesRead, bytesWritten };
  };
}
