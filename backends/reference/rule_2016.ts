/**
 * The rule of 2016 (pvm-spec 1 to 3, in the order of design's step): the vectors of one unit, scalar. Where weights are touched
 * in between is said by `rule.ts`.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import type { Rule2016 } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import type { StepContext } from "./rule.ts";
import { compare } from "./skipping.ts";
import { gather, type Unit } from "./unit.ts";

/** How far the running extremes move towards each other in a step (pvm-spec 3). */
export const EXTREME_DRIFT = 1e-6;

/** f(z) (pvm-spec 2). */
export function activation(rule: Rule2016, z: number): number {
  return rule.activation === "polynomial"
    ? z / (2 * (Math.abs(z) + 1)) + 0.5
    : 1 / (1 + Math.exp(-z));
}

/** f', from the activation a = f(z); exactly 0 at a = 0 and a = 1 (pvm-spec 2). */
export function slope(rule: Rule2016, a: number): number {
  if (rule.activation === "logistic") return a * (1 - a);
  const rest = 1 - Math.abs(2 * a - 1);
  return 0.5 * rest * rest;
}

/** error = B - P: the first outputs are the prediction of the signal that arrives now. */
export function score(step: StepContext<Rule2016>, unit: Unit): void {
  gather(step.space, step.space.plan.signal, unit.id, unit.arriving, 0);
  compare(step, unit);
}

/** dz = (target - p) f'(p) (pvm-spec 2); layers whose scheduled rate is 0 rest, and so does who skips. */
export function outputErrors(step: StepContext<Rule2016>, unit: Unit): boolean {
  const { rule, space: { plan } } = step;
  const rate = rateAt(plan.rates, unit.layer, step.t);
  if (!step.learn || unit.skips || rate === 0) return false;
  const { outputErrors: dz, arriving: now, signal: last, past: { prediction: p } } = unit;
  // Two-step prediction learns one step late: from the outputs made before this signal's predecessor arrived.
  const near = !rule.twoSteps
    ? rule.autoencoder ? last : now
    : rule.autoencoder
    ? unit.state["signal.previous"]!
    : last;
  const far = rule.autoencoder ? last : now;
  const q = near.length;
  for (let i = 0; i < dz.length; i++) {
    const target = i < q ? near[i]! : far[i - q]!;
    dz[i] = (target - p[i]!) * slope(rule, p[i]!);
  }
  unit.decoderRate = unit.encoderRate = rate * step.rate;
  return true;
}

/** dh = (W2' dz) f'(h) (pvm-spec 2). */
export function deltas({ rule }: StepContext<Rule2016>, unit: Unit): void {
  const { deltas: dh, past: { hidden: h } } = unit;
  for (let j = 0; j < dh.length; j++) dh[j]! *= slope(rule, h[j]!);
}

/** Features of each signal block, then contexts times their factors, then the bias (pvm-spec 3). */
export function observe(step: StepContext<Rule2016>, unit: Unit): void {
  const { rule, space: { plan } } = step;
  const { state, past, input: x, arriving: now, signal: last, prediction: p } = unit;
  if (rule.twoSteps && rateAt(plan.rates, unit.layer, step.t) !== 0) {
    past.input.set(x);
    past.hidden.set(unit.hidden);
    past.prediction.set(p);
  }
  const integral = state["integral"];
  const block = plan.block[unit.id]!;
  let at = 0;
  for (let begin = 0; begin < now.length; begin += block) {
    // A feature of the whole block stands before the next feature.
    const end = begin + block;
    for (let i = begin; i < end; i++) x[at++] = now[i]!;
    if (rule.derivative) {
      for (let i = begin; i < end; i++) x[at++] = 0.5 * (now[i]! - last[i]!) + 0.5;
    }
    if (integral !== undefined) {
      for (let i = begin; i < end; i++) {
        integral[i] = rule.tau * integral[i]! + (1 - rule.tau) * now[i]!;
        x[at++] = integral[i]!;
      }
    }
    if (rule.error) { for (let i = begin; i < end; i++) x[at++] = 0.5 * (now[i]! - p[i]!) + 0.5; }
    if (rule.previous) { for (let i = begin; i < end; i++) x[at++] = last[i]!; }
  }
  const contexts = at;
  at = gather(step.space, plan.context, unit.id, x, at);
  scaleContexts(step, unit, x, contexts);
  x[at] = rule.bias;
  state["signal.previous"]?.set(last);
  last.set(now);
}

/** Contexts that are not enabled yet count 0. */
function scaleContexts(step: StepContext<Rule2016>, unit: Unit, x: Tensor, at: number): void {
  const { context, contextKind, contextFrom } = step.space.plan;
  for (let run = context.start[unit.id]!; run < context.start[unit.id + 1]!; run++) {
    const end = at + context.length[run]!;
    if (step.t < contextFrom[contextKind[run]!]!) x.fill(0, at, end);
    at = end;
  }
}

/** h = f(W1 x) (pvm-spec 2). */
export function activate({ rule }: StepContext<Rule2016>, unit: Unit): void {
  const { hidden: h } = unit;
  for (let j = 0; j < h.length; j++) h[j] = activation(rule, h[j]!);
}

/** p = f(W2 [h; bias]), and h is published; phase 0 of step t + 1, with the rate of that step (pvm-spec 1, 3). */
export function predict(step: StepContext<Rule2016>, unit: Unit): void {
  const { rule, space: { plan, publishing } } = step;
  const { state, hidden: h, outputs, prediction: p } = unit;
  for (let i = 0; i < p.length; i++) p[i] = activation(rule, outputs[i]!);
  const { minimum, maximum } = state;
  const learning = step.learn && !unit.skips &&
    rateAt(plan.rates, unit.layer, step.t + 1) !== 0;
  for (let j = 0; j < h.length; j++) {
    let out = h[j]!;
    if (minimum !== undefined && maximum !== undefined) {
      if (learning) {
        minimum[j] = Math.min(h[j]!, minimum[j]!) + EXTREME_DRIFT;
        maximum[j] = Math.max(h[j]!, maximum[j]!) - EXTREME_DRIFT;
      }
      out = (h[j]! - minimum[j]!) / (maximum[j]! - minimum[j]!);
    }
    publishing[unit.id * plan.hidden + j] = out;
  }
}
