/**
 * The pairs of deferred updates in a checkpoint, and how they become weights.
 *
 * Each unit has as many places as the plan keeps pairs, taken in turn. Tensors: `pairs.inputs` (x, what the encoder learned from),
 * `pairs.deltas` (d / (1 - mu), what it learned), `pairs.hidden` (rate h / (1 - mu)) and `pairs.errors` (the same of the decoder),
 * `pairs.state` (five counts a unit, see {@linkcode PairState}). `encoder` and `decoder` hold Z (`defer.ts`).
 *
 * @module
 */
import type { Checkpoint, Tensor } from "./checkpoint.ts";
import { ringLength } from "./defer.ts";
import { type Defer, offsetsOf, type Plan, unitCount } from "./plan.ts";
import { formatOf, hasMomentum, roundToFormat } from "./weight_format.ts";

/** What `pairs.state` counts of a unit, in this order. */
export interface PairState {
  /** The place of the next pair. */
  readonly next: number;
  /** Pairs that there are. */
  readonly count: number;
  /** The newest of them, which the matrices lack. */
  readonly pending: number;
  /** Updates until they are written. */
  readonly due: number;
  /** Updates since a momentum matrix was loaded, up to the window: from there on it counts no more. */
  readonly carried: number;
}

/** Values a unit has in `pairs.state`. */
export const PAIR_STATE = 5;

/** The counts of a unit. */
export function pairStateOf(state: ArrayLike<number>, unit: number): PairState {
  const [next = 0, count = 0, pending = 0, due = 0, carried = 0] = Array.from(
    { length: PAIR_STATE },
    (_, i) => state[unit * PAIR_STATE + i]!,
  );
  return { next, count, pending, due, carried };
}

/** The names and lengths of the tensors of pairs; there are none where nothing is deferred. */
export function pairLengths(plan: Plan, defer: Defer): Record<string, number> {
  if (defer.every === 0) return {};
  const at = offsetsOf(plan);
  const units = unitCount(plan);
  const ring = ringLength(defer);
  return {
    "pairs.deltas": ring * units * plan.hidden,
    "pairs.errors": ring * at.output[units]!,
    "pairs.hidden": ring * units * (plan.hidden + 1),
    "pairs.inputs": ring * at.input[units]!,
    "pairs.state": PAIR_STATE * units,
  };
}

/**
 * A checkpoint whose matrices hold all that was learned, for whoever does not defer, or not in the same way.
 *
 * @param plan the model
 * @param checkpoint a checkpoint of it
 * @returns the same one where nothing is deferred in it; narrow weights are rounded to the nearest number of their format
 */
export function denseCheckpoint(plan: Plan, checkpoint: Checkpoint): Checkpoint {
  const { deferred, tensors, ...rest } = checkpoint;
  if (deferred === undefined) return checkpoint;
  const at = offsetsOf(plan);
  const H = plan.hidden;
  const ring = ringLength(deferred);
  const keeps = hasMomentum(plan);
  const momentum = plan.rule.name === "2016" && keeps ? plan.rule.momentum : 0;
  const dense: Record<string, Tensor> = Object.fromEntries(
    Object.entries(tensors).filter(([name]) => !name.startsWith("pairs.")),
  );
  const begins = { encoder: at.encoder, decoder: at.decoder };
  const lefts = { encoder: tensors["pairs.deltas"]!, decoder: tensors["pairs.errors"]! };
  const rights = { encoder: tensors["pairs.inputs"]!, decoder: tensors["pairs.hidden"]! };
  const lengths = {
    encoder: { rows: () => H, columns: (u: number) => plan.inputs[u]! },
    decoder: { rows: (u: number) => plan.outputs[u]!, columns: () => H + 1 },
  };
  for (const name of ["encoder", "decoder"] as const) {
    const weights = tensors[name]!.slice();
    const carriedMomentum = tensors[`${name}.momentum`];
    const moments = keeps ? weights.map(() => 0) : null;
    let [left, right] = [0, 0];
    for (let u = 0; u < unitCount(plan); u++) {
      const state = pairStateOf(tensors["pairs.state"]!, u);
      const [rows, columns] = [lengths[name].rows(u), lengths[name].columns(u)];
      writeUnit({
        weights: weights.subarray(begins[name][u], begins[name][u + 1]),
        moments: moments?.subarray(begins[name][u], begins[name][u + 1]),
        loaded: carriedMomentum?.subarray(begins[name][u], begins[name][u + 1]),
        left: lefts[name].subarray(left, left + ring * rows),
        right: rights[name].subarray(right, right + ring * columns),
        rows,
        columns,
        state,
        window: deferred.window,
        momentum,
      });
      left += ring * rows;
      right += ring * columns;
    }
    dense[name] = weights;
    if (moments !== null) dense[`${name}.momentum`] = moments;
  }
  return { ...rest, tensors: formatOf(plan) === "f32" ? dense : roundToFormat(plan, dense) };
}

/** One matrix of one unit, in place: from Z to W, and its momentum. */
function writeUnit(matrix: {
  weights: Tensor;
  moments: Tensor | undefined;
  loaded: Tensor | undefined;
  left: Tensor;
  right: Tensor;
  rows: number;
  columns: number;
  state: PairState;
  window: number;
  momentum: number;
}): void {
  const { weights, moments, loaded, left, right, rows, columns, state, window, momentum } = matrix;
  const gain = 1 / (1 - momentum);
  const rest = state.carried < window ? momentum ** state.carried : 0;
  const ages = Math.min(state.count, Math.max(state.pending, window));
  const ring = left.length / rows;
  const powers = Array.from({ length: ages }, (_, age) => age < window ? momentum ** age : 0);
  const sums = new Float64Array(columns);
  const momentSums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const begin = row * columns;
    for (let column = 0; column < columns; column++) {
      const moment = loaded === undefined ? 0 : rest * loaded[begin + column]!;
      sums[column] = weights[begin + column]! - momentum * gain * moment;
      momentSums[column] = moment;
    }
    for (const [age, power] of powers.entries()) {
      const place = (state.next + ring - 1 - age) % ring;
      const delta = left[place * rows + row]!;
      const weight = ((age < state.pending ? 1 : 0) - momentum * power) * delta;
      const moment = power * (1 - momentum) * delta;
      for (let column = 0; column < columns; column++) {
        const x = right[place * columns + column]!;
        sums[column]! += weight * x;
        momentSums[column]! += moment * x;
      }
    }
    weights.set(sums, begin);
    moments?.set(momentSums, begin);
  }
}
