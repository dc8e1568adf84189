/**
 * The rule of 2016 (pvm-spec 1 to 3, in the order of design's step): one unit, scalar, in four functions.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import type { Rule2016 } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import type { StepContext } from "./step.ts";
import { gather, type Unit } from "./unit.ts";

/** How far the running extremes move towards each other in a step (pvm-spec 3). */
const EXTREME_DRIFT = 1e-6;

/** f(z) (pvm-spec 2). */
export function activate(rule: Rule2016, z: number): number {
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
export function score(_: Rule2016, step: StepContext, unit: Unit): void {
  gather(step.space, step.space.plan.signal, unit.id, unit.arriving, 0);
  for (let i = 0; i < unit.error.length; i++) {
    unit.error[i] = unit.arriving[i]! - unit.prediction[i]!;
  }
}

/** Backpropagation inside the unit (pvm-spec 2, 3). */
export function learn(rule: Rule2016, step: StepContext, unit: Unit): void {
  const rate = rateAt(step.space.plan.rates, unit.layer, step.t);
  if (rate === 0) return;
  const { state, arriving: now, signal: last } = unit;
  // Two-step prediction learns one step late: from the outputs made before this signal's predecessor arrived.
  const x = rule.twoSteps ? state["lag.input"]! : unit.input;
  const h = rule.twoSteps ? state["lag.hidden"]! : unit.hidden;
  const p = rule.twoSteps ? state["lag.prediction"]! : unit.prediction;
  if (step.learn) {
    const targets = rule.twoSteps
      ? rule.autoencoder ? [state["signal.previous"]!, last] : [last, now]
      : [rule.autoencoder ? last : now];
    const dz = p.slice();
    for (const [half, target] of targets.entries()) {
      for (let i = 0; i < target.length; i++) {
        const at = half * target.length + i;
        dz[at] = (target[i]! - p[at]!) * slope(rule, p[at]!);
      }
    }
    const dh = h.slice();
    step.passes.transposed(unit.decoder, dz, dh);
    for (let j = 0; j < dh.length; j++) dh[j]! *= slope(rule, h[j]!);
    step.passes.update(unit.decoder, rate * step.rate, rule.momentum, dz, h, rule.bias);
    step.passes.update(unit.encoder, rate * step.rate, rule.momentum, dh, x);
  }
  if (rule.twoSteps) {
    x.set(unit.input);
    h.set(unit.hidden);
    p.set(unit.prediction);
  }
}

/** Features of each signal block, then contexts times their factors, then the bias (pvm-spec 3). */
export function observe(rule: Rule2016, step: StepContext, unit: Unit): void {
  const { plan } = step.space;
  const { state, input: x, arriving: now, signal: last, prediction: p } = unit;
  const integral = state["integral"];
  if (integral !== undefined) {
    for (let i = 0; i < now.length; i++) {
      integral[i] = rule.tau * integral[i]! + (1 - rule.tau) * now[i]!;
    }
  }
  const block = plan.block[unit.id]!;
  let at = 0;
  for (let begin = 0; begin < now.length; begin += block) {
    const feature = (value: (i: number) => number) => {
      for (let i = begin; i < begin + block; i++) x[at++] = value(i);
    };
    feature((i) => now[i]!);
    if (rule.derivative) feature((i) => 0.5 * (now[i]! - last[i]!) + 0.5);
    if (integral !== undefined) feature((i) => integral[i]!);
    if (rule.error) feature((i) => 0.5 * (now[i]! - p[i]!) + 0.5);
    if (rule.previous) feature((i) => last[i]!);
  }
  const contexts = at;
  at = gather(step.space, plan.context, unit.id, x, at);
  scaleContexts(step, unit, x, contexts);
  x[at] = rule.bias;
  state["signal.previous"]?.set(last);
  last.set(now);
}

/** Contexts that are not enabled yet count 0. */
function scaleContexts(step: StepContext, unit: Unit, x: Tensor, at: number): void {
  const { context, contextKind, contextFrom } = step.space.plan;
  for (let run = context.start[unit.id]!; run < context.start[unit.id + 1]!; run++) {
    const end = at + context.length[run]!;
    if (step.t < contextFrom[contextKind[run]!]!) x.fill(0, at, end);
    at = end;
  }
}

/** hidden = f(W1 x), prediction = f(W2 [h; 1]); phase 0 of step t + 1, with the rate of that step (pvm-spec 1, 3). */
export function predict(rule: Rule2016, step: StepContext, unit: Unit): void {
  const { plan, publishing } = step.space;
  const { state, hidden: h, prediction: p } = unit;
  step.passes.product(unit.encoder, unit.input, h);
  for (let j = 0; j < h.length; j++) h[j] = activate(rule, h[j]!);
  step.passes.product(unit.decoder, h, p, rule.bias);
  for (let i = 0; i < p.length; i++) p[i] = activate(rule, p[i]!);
  const { minimum, maximum } = state;
  const learning = step.learn && rateAt(plan.rates, unit.layer, step.t + 1) !== 0;
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
