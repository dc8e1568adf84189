/**
 * The rule of 2016 (pvm-spec 1 to 3) as operators, for all units of a group at once.
 *
 * @module
 */
import type { Rule2016 } from "../../model/plan.ts";
import { EXTREME_DRIFT } from "../reference/rule_2016.ts";
import type { Value } from "./graph.ts";
import type { Group } from "./groups.ts";
import {
  type Bounds,
  encode,
  type EncoderInputs,
  type Encoders,
  gatherContexts,
  inputsWhere,
  readEncoders,
  readInputs,
  updateEncoders,
  writeInputs,
} from "./encoder.ts";
import type { Matrices, Momentum, Range } from "./passes.ts";
import type { GroupOutputs, StepContext } from "./step_graph.ts";

/** What the schedule says to a group: columns, a value for each unit. */
interface Rates {
  /** Whether its layer learns by the schedule; null where all always do. */
  readonly due: Value | null;
  /** Whether it will in the next step, and is let. */
  readonly learnsNext: Value;
  /** What gradients are multiplied with. */
  readonly pace: Value;
  /** What momentum does. */
  readonly momentum: Momentum;
}

/**
 * Adds a step of all groups.
 *
 * @param step what it is built with
 * @param rule the scalars
 */
export function step2016(step: StepContext, rule: Rule2016): GroupOutputs[] {
  const { math } = step;
  const rates = ratesOf(step, rule);
  return step.layout.groups.map((group, i) => {
    const mine = rates[i]!;
    const arriving = step.space.gather(step.plan.signal, group.units);
    const prediction = step.read("prediction", group.index);
    const first = rule.twoSteps ? math.first(prediction, group.signal) : prediction;
    const error = math.sub(arriving, first);
    const { encoders, decoder } = learn(step, rule, group, arriving, mine);
    const inputs = observe(step, rule, group, arriving, error);
    return { error, published: predict(step, rule, group, encoders, decoder, inputs, mine) };
  });
}

/** Of each group; computed for layers. */
function ratesOf(step: StepContext, rule: Rule2016): Rates[] {
  const { math, graph, schedule, learn, scale } = step;
  const nonZero = (rates: Value) => graph.op("Not", [graph.op("Equal", [rates, graph.float(0)])]);
  const now = schedule.rates();
  const due = nonZero(now);
  const learns = graph.op("And", [due, learn]);
  const learnsNext = graph.op("And", [nonZero(schedule.rates(1)), learn]);
  const rate = math.mul(now, step.rate);
  const pace = math.where(learns, scale === null ? rate : math.div(rate, scale), 0);
  const gain = math.where(learns, scale ?? 1, 0);
  const decay = scale === null ? math.where(learns, rule.momentum, 1) : null;
  return step.layout.groups.map((group) => ({
    due: schedule.always ? null : step.ofLayer(due, group),
    learnsNext: schedule.always ? learn : step.ofLayer(learnsNext, group),
    pace: step.ofLayer(pace, group),
    momentum: {
      decay: decay === null ? null : step.ofLayer(decay, group),
      gain: step.ofLayer(gain, group),
    },
  }));
}

/** f(z) (pvm-spec 2). */
function activate({ graph, math }: StepContext, rule: Rule2016, z: Value): Value {
  return rule.activation === "logistic"
    ? graph.op("Sigmoid", [z])
    : math.add(math.mul(math.softsign(z), 0.5), 0.5);
}

/** f', from the activation a = f(z). */
function slope({ math }: StepContext, rule: Rule2016, a: Value): Value {
  if (rule.activation === "logistic") return math.mul(a, math.sub(1, a));
  const rest = math.sub(0.5, math.abs(math.sub(a, 0.5)));
  return math.mul(math.square(rest), 2);
}

/** Backpropagation inside the unit (pvm-spec 2, 3). */
function learn(
  step: StepContext,
  rule: Rule2016,
  group: Group,
  arriving: Value,
  { due, pace, momentum }: Rates,
): { encoders: Encoders; decoder: Matrices } {
  const { math, passes, plan } = step;
  const { index: g } = group;
  const decoder = step.matrices("decoder", group.decoder);
  if (step.frozen) return { encoders: readEncoders(step, group), decoder };
  const H = plan.hidden;
  const lagging = (name: string) => rule.twoSteps ? `lag.${name}` : name;
  const h = step.read(lagging("hidden"), g);
  const p = step.read(lagging("prediction"), g);
  const x = readInputs(step, group, lagging("input"));
  const last = step.read("signal", g);
  // Two-step prediction learns one step late: from the outputs made before this signal's predecessor arrived.
  const targets = rule.twoSteps
    ? rule.autoencoder ? [step.read("signal.previous", g), last] : [last, arriving]
    : [rule.autoencoder ? last : arriving];
  const dz = math.mul(math.sub(math.columns(targets), p), slope(step, rule, p));
  const back = math.first(passes.product(decoder, dz), H);
  const dh = math.mul(back, slope(step, rule, h));
  const terms = math.mul(passes.after(pace, dh), dz);
  const delta = math.mul(pace, dh);
  const encoders = updateEncoders(step, group, readEncoders(step, group), x, delta, momentum);
  const biased = withBias(step, rule, h, group.units.length);
  const updated = passes.update(decoder, terms, biased, momentum);
  step.writeMatrices("decoder", group.decoder, updated);
  if (rule.twoSteps) {
    for (const name of ["hidden", "prediction"]) {
      const now = step.read(name, g);
      const lag = due === null ? now : math.where(due, now, step.read(`lag.${name}`, g));
      step.write(`lag.${name}`, g, lag);
    }
    const now = readInputs(step, group, "input");
    const lag = due === null ? now : inputsWhere(step, group, due, now, x);
    writeInputs(step, group, "lag.input", lag);
  }
  return { encoders, decoder: updated };
}

/** Features of each signal block, then contexts times their factors, then the bias (pvm-spec 3). */
function observe(
  step: StepContext,
  rule: Rule2016,
  group: Group,
  now: Value,
  error: Value,
): EncoderInputs {
  const { math, plan, schedule } = step;
  const { index: g, units } = group;
  const last = step.read("signal", g);
  const centred = (value: Value) => math.add(math.mul(value, 0.5), 0.5);
  const kinds = [now];
  if (rule.derivative) kinds.push(centred(math.sub(now, last)));
  if (rule.integral) {
    const before = step.read("integral", g);
    const integral = math.add(math.mul(before, rule.tau), math.mul(now, 1 - rule.tau));
    step.write("integral", g, integral);
    kinds.push(integral);
  }
  if (rule.error) kinds.push(centred(error));
  if (rule.previous) kinds.push(last);
  if (rule.twoSteps && rule.autoencoder) step.write("signal.previous", g, last);
  step.write("signal", g, now);
  const conditions = Array.from(plan.contextFrom, (from) => schedule.from(from));
  const always = plan.contextFrom.every((from) => from <= 0);
  const inputs: EncoderInputs = {
    own: withBias(step, rule, math.columns(kinds), units.length),
    contexts: gatherContexts(step, group, always ? [] : conditions),
  };
  writeInputs(step, group, "input", inputs);
  return inputs;
}

/** Everything that units of this rule see lies between 0 and 1. */
function rangeOf(columns: number): Range {
  return { columns, low: 0, high: 1 };
}

/** hidden = f(W1 x), prediction = f(W2 [h; 1]); the extremes follow the rate of the next step (pvm-spec 1, 3). */
function predict(
  step: StepContext,
  rule: Rule2016,
  group: Group,
  encoders: Encoders,
  decoder: Matrices,
  inputs: EncoderInputs,
  { learnsNext }: Rates,
): Value {
  const { math, passes, plan } = step;
  const { index: g, units } = group;
  const bounds: Bounds = { own: [rangeOf(group.features + 1)], context: rangeOf };
  const h = activate(step, rule, encode(step, group, encoders, inputs, bounds));
  const ranges = [rangeOf(plan.hidden + 1)];
  const p = passes.transposed(decoder, withBias(step, rule, h, units.length), ranges);
  step.write("hidden", g, h);
  step.write("prediction", g, activate(step, rule, p));
  if (!rule.normalise) return h;
  const [least, most] = [step.read("minimum", g), step.read("maximum", g)];
  const minimum = math.where(learnsNext, math.add(math.min(h, least), EXTREME_DRIFT), least);
  const maximum = math.where(learnsNext, math.sub(math.max(h, most), EXTREME_DRIFT), most);
  step.write("minimum", g, minimum);
  step.write("maximum", g, maximum);
  return math.div(math.sub(h, minimum), math.sub(maximum, minimum));
}

function withBias(
  { graph, math }: StepContext,
  rule: Rule2016,
  values: Value,
  rows: number,
): Value {
  return math.columns([values, graph.float(new Array(rows).fill(rule.bias), [rows, 1])]);
}
