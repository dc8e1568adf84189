/**
 * What a step must do with its weights, counted from the plan.
 *
 * @module
 */
import { layerOf, offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import { rateAt } from "../model/schedule.ts";
import type { StepCost } from "./report_ring.ts";
import { shiftMacs } from "./shift_cost.ts";

/** Whether a unit's weights change at a step: which layers learn is a matter of the schedule. */
export function learns(plan: Plan, layer: number, step: number, learn: boolean): boolean {
  if (!learn) return false;
  return plan.rule.name === "saccade" ? step >= 2 : rateAt(plan.rates, layer, step) !== 0;
}

/**
 * The cost of a step.
 *
 * @param step its number
 * @param learn whether weights change
 * @param skipped the units that would have learned but for their small error are not 0 in it; nothing where none may
 * @returns the same record every time: a step must not make garbage
 */
export type CostOf = (step: number, learn: boolean, skipped?: Uint8Array) => StepCost;

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
 * otherwise; one more where there is momentum. Behind the first step those of shift candidates.
 *
 * @param plan the model
 * @param stored how the weights lie in memory
 * @returns the cost of a step
 */
export function stepCost(plan: Plan, stored: StoredWeights): CostOf {
  const at = offsetsOf(plan);
  const layers = layerOf(plan);
  const kept = (name: "encoder" | "decoder", u: number) => {
    const [begin, end] = [at[name][u]!, at[name][u + 1]!];
    return plan.mask === undefined
      ? end - begin
      : plan.mask[name].subarray(begin, end).reduce((sum, bit) => sum + bit, 0);
  };
  const arrays = stored.momentum ? 2 : 1;
  const moved = stored.momentum ? 1 + (stored.momentumScale ?? 1) : 1;
  const units = Array.from({ length: unitCount(plan) }, (_, u): Weights => ({
    encoder: kept("encoder", u),
    decoder: kept("decoder", u),
    index: stored.indexBytes?.(u) ?? 0,
    bytes: stored.encoderBytes(u) + stored.decoderBytes(u),
  }));
  const totals = Array.from(
    { length: plan.layerStart.length - 1 },
    (_, layer) => total(units.filter((_, u) => layers[u] === layer)),
  );
  const shift = shiftMacs(plan);
  const cost = { macs: 0, bytesRead: 0, bytesWritten: 0 };
  const add = (
    { encoder, decoder, bytes, index }: Weights,
    learning: boolean,
    sign: 1 | -1,
  ) => {
    cost.bytesRead += sign * index;
    if (learning) {
      cost.macs += sign * ((arrays + 1) * encoder + (arrays + 2) * decoder);
      cost.bytesRead += sign * moved * bytes;
      cost.bytesWritten += sign * moved * bytes;
    } else {
      cost.macs += sign * (encoder + decoder);
      cost.bytesRead += sign * (stored.predictionScale ?? 1) * bytes;
    }
  };
  return (step, learn, skipped) => {
    cost.bytesRead = cost.bytesWritten = 0;
    cost.macs = step === 0 ? 0 : shift;
    for (let layer = 0; layer < totals.length; layer++) {
      add(totals[layer]!, learns(plan, layer, step, learn), 1);
    }
    if (skipped === undefined) return cost;
    for (let u = 0; u < units.length; u++) {
      if (skipped[u] === 0) continue;
      add(units[u]!, true, -1);
      add(units[u]!, false, 1);
    }
    return cost;
  };
}

/** What there is of weights: how many, the bytes of them, and those of what says which there are. */
interface Weights {
  readonly encoder: number;
  readonly decoder: number;
  readonly bytes: number;
  readonly index: number;
}

function total(units: readonly Weights[]): Weights {
  const sum = (of: (unit: Weights) => number) => units.reduce((all, unit) => all + of(unit), 0);
  return {
    encoder: sum((unit) => unit.encoder),
    decoder: sum((unit) => unit.decoder),
    bytes: sum((unit) => unit.bytes),
    index: sum((unit) => unit.index),
  };
}
