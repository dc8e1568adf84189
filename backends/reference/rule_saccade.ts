/**
 * The rule "saccade" (learning-rule): the vectors of one unit, scalar, in the order of a step. Where weights are touched in
 * between is said by `rule.ts`.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { combinerPrior } from "../../model/initialise.ts";
import type { RuleSaccade } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import { combine } from "./combiner.ts";
import type { StepContext } from "./rule.ts";
import { observeShift } from "./shift.ts";
import { compare } from "./skipping.ts";
import { gather, gatherChange, type Unit } from "./unit.ts";

/** The constants of the rule (learning-rule, One step). */
export const CONSTANTS = {
  clipInput: 8,
  clipError: 4,
  scaleFloor: 0.005,
  varianceFloor: 0.0015 ** 2,
  meanFloor: 0.001,
  forget: 0.998,
  ridge: 1,
  hiddenGain: 2,
  encoderFloor: 0.001,
  decoderFloor: 0.25,
} as const;

const clip = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

function sumOfSquares(x: Tensor, count: number = x.length): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += x[i]! * x[i]!;
  return sum;
}

/**
 * The candidates behind z. 1 is m: the motion candidate of the tile, 0 without one; above layer 0 the return to 0. From 2 on
 * the shift candidates, 0 above layer 0.
 */
function candidate(unit: Unit, i: number, a: number): number {
  if (a > 1) return unit.state["shift"]![(a - 2) * unit.signal.length + i] ?? 0;
  return unit.layer > 0 ? -unit.signal[i]! : unit.state["motion"]?.[i] ?? 0;
}

/** What the prediction adds to the signal beside z. */
function believed(unit: Unit, i: number): number {
  const w = unit.state["combiner.weights"]!;
  let sum = w[1]! * candidate(unit, i, 1);
  for (let a = 2; a < w.length; a++) sum += w[a]! * candidate(unit, i, a);
  return sum;
}

/** error = y' - p; in the first step nothing was predicted. */
export function score(step: StepContext<RuleSaccade>, unit: Unit): void {
  gather(step.space, step.space.plan.signal, unit.id, unit.arriving, 0);
  if (step.t === 0) {
    unit.signal.set(unit.arriving);
    unit.prediction.set(unit.arriving);
  }
  compare(step, unit);
}

/** 1 combiner, 2 running means, 3 error, and the rates of 5; learning rests in the first two steps, and where a unit skips. */
export function outputErrors(step: StepContext<RuleSaccade>, unit: Unit): boolean {
  if (!step.learn || unit.skips || step.t < 2) return false;
  const c = CONSTANTS;
  const { rule, space: { plan } } = step;
  const { state, input: x, hidden: h, arriving, signal: y } = unit;
  const z = unit.outputs;
  const [scale, variance, power] = [state["scale"]!, state["variance"]!, state["power"]!];
  const q = y.length;
  const s = scale[0]!;

  // 1: A = forget A + F F', B = forget B + F D with F = [s z, m, g ...], w = (A + 1)^-1 (B + w0).
  const combiner = {
    moments: state["combiner.moments"]!,
    products: state["combiner.products"]!,
    weights: state["combiner.weights"]!,
  };
  const change = (i: number) => arriving[i]! - y[i]!;
  const candidates = combiner.weights.length;
  const F = Array.from(
    { length: candidates },
    (_, a) => (i: number) => a === 0 ? s * z[i]! : candidate(unit, i, a),
  );
  const prior = unit.layer === 0 ? combinerPrior(plan) : new Array(candidates).fill(0);
  combine(combiner, F, change, q, prior, c);

  // 2: v and Q, means at first, then running ones.
  const r = Math.max(1 / step.learned, c.meanFloor);
  const xx = sumOfSquares(x);
  let DD = 0;
  for (let i = 0; i < q; i++) DD += change(i) ** 2;
  variance[0]! += r * (DD / q - variance[0]!);
  power[0]! += r * (xx - power[0]!);

  // 3: what z should have added, and the gate: small changes teach less.
  const e = unit.outputErrors;
  for (let i = 0; i < q; i++) {
    const other = believed(unit, i);
    e[i] = clip((change(i) - other) / s - z[i]!, -c.clipError, c.clipError);
  }
  const multiplier = rateAt(plan.rates, unit.layer, step.t) * step.rate;
  const gate = multiplier * s * s / (s * s + Math.max(variance[0]!, c.varianceFloor));

  // 5: normalised steps.
  unit.decoderRate = rule.decoderRate * gate / (c.decoderFloor * h.length + 1 + sumOfSquares(h));
  unit.encoderRate = rule.encoderRate * gate / (power[0]! + xx + c.encoderFloor * x.length);
  return true;
}

/** 4: dh = (W2' e) (1 - |h|)^2. */
export function deltas(_: StepContext<RuleSaccade>, unit: Unit): void {
  const { deltas: dh, hidden: h } = unit;
  for (let j = 0; j < dh.length; j++) dh[j]! *= (1 - Math.abs(h[j]!)) ** 2;
}

/** x = [features | contexts | 1]; y := y'. */
export function observe(step: StepContext<RuleSaccade>, unit: Unit): void {
  const { space } = step;
  const { plan } = space;
  const { state, input: x, arriving, signal: y } = unit;
  const scale = state["scale"]!;
  let features: number;
  if (unit.layer === 0) {
    features = gatherChange(space, plan.window, unit.id, x);
    if (step.t === 0) x.fill(0, 0, features);
    const s = Math.sqrt(sumOfSquares(x, features) / features + CONSTANTS.scaleFloor ** 2);
    scale[0] = s;
    if (step.rule.shift !== undefined) observeShift(step, unit);
    if (plan.external.motion > 0) {
      gather(space, plan.motion, unit.id, state["motion"]!, 0);
      x.set(state["motion"]!, features);
      features += y.length;
    }
    for (let i = 0; i < features; i++) {
      x[i] = clip(x[i]! / s, -CONSTANTS.clipInput, CONSTANTS.clipInput);
    }
  } else {
    features = y.length;
    let change = 0;
    for (let i = 0; i < features; i++) {
      change += (arriving[i]! - y[i]!) ** 2;
      x[i] = CONSTANTS.hiddenGain * arriving[i]!;
    }
    scale[0] = Math.sqrt(change / features + CONSTANTS.scaleFloor ** 2);
  }
  const bias = gather(space, plan.context, unit.id, x, features);
  x[bias] = 1;
  y.set(arriving);
}

/** h = a / (1 + |a|), a = W1 x. */
export function activate(_: StepContext<RuleSaccade>, unit: Unit): void {
  const { hidden: h } = unit;
  for (let j = 0; j < h.length; j++) h[j] = h[j]! / (1 + Math.abs(h[j]!));
}

/** p = clip(y + w_z s z + w_m m + sum w_g g, low, 1), z = W2 [h; 1]. */
export function predict(step: StepContext<RuleSaccade>, unit: Unit): void {
  const { state, outputs: z, prediction: p, signal: y } = unit;
  const s = state["scale"]![0]!;
  const w = state["combiner.weights"]!;
  const low = unit.layer === 0 ? 0 : -1;
  for (let i = 0; i < p.length; i++) {
    p[i] = clip(y[i]! + w[0]! * s * z[i]! + believed(unit, i), low, 1);
  }
  step.space.publishing.set(unit.hidden, unit.id * unit.hidden.length);
}
