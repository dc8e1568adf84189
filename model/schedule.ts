/**
 * What changes with the step count: rates and the factors of context. A schedule is data, a function of the step alone.
 *
 * @module
 */
import type { Spec } from "./spec.ts";

/** Piecewise constant rates, one run of entries a layer. */
export interface Rates {
  /** layers + 1: the entries of layer l are start[l] .. start[l + 1]. */
  readonly start: Uint32Array;
  /** The step from which an entry counts; ascending within a layer. */
  readonly from: Float64Array;
  /** Rule 2016: the learning rate. Rule saccade: the multiplier of both rates. */
  readonly value: Float64Array;
}

/**
 * The rates of a specification (rule 2016: pvm-spec 6; the equality tests of the release, as a function of the step).
 *
 * @param spec a complete specification
 */
export function compileRates(spec: Spec): Rates {
  const entries = spec.layer_shapes.map((_, layer): readonly (readonly [number, number])[] => {
    if (spec.rule === "saccade") return spec.schedule;
    const begin = spec.delay_each_layer_learning * layer;
    return [
      [0, 0],
      [begin, spec.initial_learning_rate],
      [begin + spec.delay_final_learning_rate, spec.final_learning_rate],
    ];
  });
  const start = [0];
  for (const list of entries) start.push(start.at(-1)! + list.length);
  return {
    start: Uint32Array.from(start),
    from: Float64Array.from(entries.flat(), ([from]) => from),
    value: Float64Array.from(entries.flat(), ([, value]) => value),
  };
}

/**
 * The rate of a layer at a step: the last entry that has begun; 0 before the first.
 *
 * @param rates compiled rates
 * @param layer the layer
 * @param step the step
 */
export function rateAt(rates: Rates, layer: number, step: number): number {
  let value = 0;
  for (let i = rates.start[layer]!; i < rates.start[layer + 1]!; i++) {
    if (rates.from[i]! <= step) value = rates.value[i]!;
  }
  return value;
}

/**
 * The steps from which lateral context and feedback count with factor 1; before, it is 0.
 *
 * @param spec a complete specification
 * @returns [lateral, feedback]; Infinity for never
 */
export function contextStarts(spec: Spec): Float64Array {
  if (spec.rule === "saccade") return Float64Array.of(0, 0);
  return Float64Array.of(
    spec.disable_lateral ? Infinity : spec.enable_lateral_at,
    spec.disable_feedback ? Infinity : spec.enable_feedback_at,
  );
}
