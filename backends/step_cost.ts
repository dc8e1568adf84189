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

/** How a backend stores weights. */
export interface StoredWeights {
  /** Bytes of a unit's encoder, padding included. */
  encoderBytes(unit: number): number;
  /** Bytes of a unit's decoder, padding included. */
  decoderBytes(unit: number): number;
  /** Whether momentum of the same size is kept beside them. */
  readonly momentum: boolean;
  /** Bytes of momentum for each byte of weights; 1 unless stated. */
  readonly momentumScale?: number;
  /** Bytes that a step reads which only predicts for each byte of weights; 1 unless stated. */
  readonly predictionScale?: number;
  /** Bytes that say which weights of a unit are kept: read in every step. */
  indexBytes?(unit: number): number;
}

/**
 * What a step that touches each weight once does: weights (and momentum) that learn are read and written once, others are read;
 * those that are pruned do not count.
 * Two multiply-accumulates an encoder weight that learns and three a decoder weight (learning-rule, Execution), one of each
 * otherwise; one more where there is momentum.
 *
 * @param plan the model
 * @param stored how the weights lie in memory
 * @returns the cost of a step, by step number and whether it learns
 */
export function stepCost(
  plan: Plan,
  stored: StoredWeights,
): (step: number, learn: boolean) => StepCost {
  const at = offsetsOf(plan);
  const layers = layerOf(plan);
  const totals = Array.from(
    { length: plan.layerStart.length - 1 },
    () => ({ encoder: 0, decoder: 0, bytes: 0, index: 0 }),
  );
  const kept = (name: "encoder" | "decoder", u: number) => {
    const [begin, end] = [at[name][u]!, at[name][u + 1]!];
    return plan.mask === undefined
      ? end - begin
      : plan.mask[name].subarray(begin, end).reduce((sum, bit) => sum + bit, 0);
  };
  for (let u = 0; u < unitCount(plan); u++) {
    const total = totals[layers[u]!]!;
    total.encoder += kept("encoder", u);
    total.decoder += kept("decoder", u);
    total.index += stored.indexBytes?.(u) ?? 0;
    total.bytes += stored.encoderBytes(u) + stored.decoderBytes(u);
  }
  const arrays = stored.momentum ? 2 : 1;
  const moved = stored.momentum ? 1 + (stored.momentumScale ?? 1) : 1;
  const cost = { macs: 0, bytesRead: 0, bytesWritten: 0 };
  // The same record every time: a step must not make garbage.
  return (step, learn) => {
    cost.macs = cost.bytesRead = cost.bytesWritten = 0;
    for (let layer = 0; layer < totals.length; layer++) {
      const { encoder, decoder, bytes, index } = totals[layer]!;
      cost.bytesRead += index;
      if (learns(plan, layer, step, learn)) {
        cost.macs += (arrays + 1) * encoder + (arrays + 2) * decoder;
        cost.bytesRead += moved * bytes;
        cost.bytesWritten += moved * bytes;
      } else {
        cost.macs += encoder + decoder;
        cost.bytesRead += (stored.predictionScale ?? 1) * bytes;
      }
    }
    return cost;
  };
}
