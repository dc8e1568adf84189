/**
 * The rule of 2016 (pvm-spec 1 to 3) as operators, for all units of a group at once.
 *
 * @module
 */
import type { Rule2016 } from "../../model/plan.ts";
import { EXTREME_DRIFT } from "../reference/rule_2016.ts";
import type { Value } from "./graph.ts";
import type { Group } from "./layout.ts";
import {
  type Bounds,
  encode,
  type EncoderInputs,
  type Encoders,
  readEncoders,
  readInputs,
  spread,
  updateEncoders,
  writeInputs,
} from "./encoder.ts";
import type { Matrices, Momentum, Range } from "./passes.ts";
import type { GroupOutputs, StepContext } from "./step_graph.ts";

/** What the schedule says to a group: columns, a value for each unit. */
interface Rates {
  /** Whether its layer learns by the schedule, this step and the next. */
  readonly due: Value;
  readonly dueNext: Value;
  /** The rate, with the factor of this step. */
  readonly rate: Value;
}

/**
 * Adds a step of all groups.
 *
 * @param step what it is built with
 * @param rule the scalars
 */
export function step2016(step: StepContext, rule: Rule2016): GroupOutputs[] {
  const { math, graph, schedule } = step;
  const nonZero = (rates: Value) => graph.op("Not", [graph.op("Equal", [rates, graph.float(0)])]);
  const now = schedule.rates();
  const due = nonZero(now);
  const dueNext = nonZero(schedule.rates(1));
  const rate = math.mul(now, step.rate);
  return step.layout.groups.map((group) => {
    const rates = {
      due: step.ofLayer(due, group),
      dueNext: step.ofLayer(dueNext, group),
      rate: step.ofLayer(rate, group),
    };
    const arriving = step.space.gather(step.plan.signal, group.units);
    const prediction = step.read("prediction", group.index);
    const first = math.cut(prediction, halves(rule, group))[0]!;
    const error = math.sub(arriving, first);
    const { encoders, decoder } = learn(step, rule, group, arriving, rates);
    const inputs = observe(step, rule, group, arriving, error);
    return { error, published: predict(step, rule, group, encoders, decoder, inputs, rates) };
  });
}

function halves(rule: Rule2016, { signal }: Group): number[] {
  return rule.twoSteps ? [signal, signal] : [signal];
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
  const rest = math.sub(1, math.abs(math.sub(math.mul(a, 2), 1)));
  return math.mul(math.square(rest), 0.5);
}

/** Backpropagation inside the unit (pvm-spec 2, 3). */
function learn(
  step: StepContext,
  rule: Rule2016,
  group: Group,
  arriving: Value,
  { due, rate }: Rates,
): { encoders: Encoders; decoder: Matrices } {
  const { graph, math, passes, plan } = step;
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
  const learns = graph.op("And", [due, step.learn]);
  const { scale } = step;
  const own = scale === null ? null : step.ofLayer(scale, group);
  const momentum: Momentum = {
    decay: own === null ? math.where(learns, rule.momentum, 1) : null,
    gain: math.where(learns, own ?? 1, 0),
  };
  const pace = math.where(learns, own === null ? rate : math.div(rate, own), 0);
  const dz = math.mul(math.sub(math.columns(targets), p), slope(step, rule, p));
  const [back] = math.cut(passes.product(decoder, dz, []), [H, 1]);
  const dh = math.mul(back!, slope(step, rule, h));
  const terms = passes.after(math.mul(pace, dz), dh, [group.outputs, H]);
  const delta = math.mul(pace, dh);
  const encoders = updateEncoders(step, group, readEncoders(step, group), x, delta, momentum);
  const biased = withBias(step, rule, h, group.units.length);
  const updated = passes.update(decoder, terms, biased, momentum);
  step.writeMatrices("decoder", group.decoder, updated);
  if (rule.twoSteps) {
    const lag = (name: string, index: number, due: Value) => {
      const now = step.read(name, index);
      step.write(`lag.${name}`, index, math.where(due, now, step.read(`lag.${name}`, index)));
    };
    lag("hidden", g, due);
    lag("prediction", g, due);
    const dues = spread(step, group, due);
    for (const [i, { index }] of [group.own, ...group.contexts].entries()) {
      lag("input", index, dues[i]!);
    }
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
  const { graph, math, plan, schedule } = step;
  const { index: g, units, signal, block } = group;
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
  // The features of a block stand together: [units, blocks, kinds, block].
  const blocks = graph.ints(units.length, signal / block, 1, block);
  const stacked = kinds.map((kind) => graph.op("Reshape", [kind, blocks]));
  const features = kinds.length === 1 ? now : graph.op("Reshape", [
    graph.op("Concat", stacked, { axis: 2 }),
    graph.ints(units.length, signal * kinds.length),
  ]);
  const conditions = Array.from(plan.contextFrom, (from) => schedule.from(from));
  const always = plan.contextFrom.every((from) => from <= 0);
  const inputs: EncoderInputs = [
    withBias(step, rule, features, units.length),
    ...group.contexts.map(({ units }) =>
      always
        ? step.space.gather(plan.context, units)
        : step.space.gatherIf(plan.context, units, plan.contextKind, conditions)
    ),
  ];
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
  { dueNext }: Rates,
): Value {
  const { graph, math, passes, plan } = step;
  const { index: g, units } = group;
  const bounds: Bounds = { own: [rangeOf(group.features + 1)], context: rangeOf };
  const h = activate(step, rule, encode(step, group, encoders, inputs, bounds));
  const ranges = [rangeOf(plan.hidden + 1)];
  const p = passes.transposed(decoder, withBias(step, rule, h, units.length), ranges);
  step.write("hidden", g, h);
  step.write("prediction", g, activate(step, rule, p));
  if (!rule.normalise) return h;
  const learns = graph.op("And", [dueNext, step.learn]);
  const [least, most] = [step.read("minimum", g), step.read("maximum", g)];
  const minimum = math.where(learns, math.add(math.min(h, least), EXTREME_DRIFT), least);
  const maximum = math.where(learns, math.sub(math.max(h, most), EXTREME_DRIFT), most);
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
