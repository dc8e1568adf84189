/**
 * The rule "saccade" (learning-rule) as operators, for all units of a group at once.
 *
 * @module
 */
import { MOTION_PRIOR } from "../../model/initialise.ts";
import { layerOf, lengths, type RuleSaccade, signalLengths } from "../../model/plan.ts";
import { CONSTANTS as c } from "../reference/rule_saccade.ts";
import { ELEMENT, type Value } from "./graph.ts";
import {
  encode,
  type EncoderInputs,
  type Encoders,
  gatherContexts,
  power as powerOf,
  readEncoders,
  readInputs,
  updateEncoders,
  writeInputs,
} from "./encoder.ts";
import type { Group } from "./groups.ts";
import type { Matrices, Range } from "./passes.ts";
import type { GroupOutputs, StepContext } from "./step_graph.ts";
import { columnsOf, constantRow, rowsApart, rowsOf } from "./unit_rows.ts";

/** What arrives at a group. */
interface Arrival {
  readonly group: Group;
  /** y': [U, q]. */
  readonly arriving: Value;
  /** y, and what changed: D = y' - y. */
  readonly signal: Value;
  readonly change: Value;
  /** What the prediction was off by. */
  readonly error: Value;
}

/** What a group predicts with, after learning. */
interface Learned {
  readonly encoders: Encoders;
  readonly decoder: Matrices;
}

/** What units learn with: rows over all of them. */
interface Steps {
  /** w_z and w_m, w_m with the sign of what stands for m. */
  readonly ofChange: Value;
  readonly ofMotion: Value;
  /** Of decoders and encoders; 0 where weights rest. */
  readonly decoder: Value;
  readonly encoder: Value;
}

/**
 * Adds a step of all groups.
 *
 * @param step what it is built with
 * @param rule the scalars
 */
export function saccadeStep(step: StepContext, rule: RuleSaccade): GroupOutputs[] {
  const { math, graph, schedule } = step;
  // In the first step nothing was before.
  const first = graph.op("Cast", [schedule.is(0)], { to: ELEMENT.float });
  const later = math.sub(1, first);
  const moved = math.mul(math.sub(step.frame, step.lastFrame), later);
  const arrivals = step.layout.groups.map((group) => score(step, group, later));
  const steps = step.frozen ? undefined : combine(step, rule, arrivals);
  const [ofChange, ofMotion] = steps === undefined
    ? signed(step, rowsApart(step, step.readUnits("combiner.weights"), 2))
    : [steps.ofChange, steps.ofMotion];
  const learned = learn(step, arrivals, steps);
  const seen = step.layout.groups.map((group) =>
    group.ground ? step.space.gatherFrom(moved, step.plan.window, group.units) : null
  );
  const scale = scaleOf(step, arrivals, seen);
  step.writeUnits("scale", scale);
  const columns = columnsOf(step, [scale, math.mul(ofChange!, scale), ofMotion!]);
  return arrivals.map((arrival, i) => {
    const [scale, ofChange, ofMotion] = columns[i]!;
    const { motion, inputs } = observe(step, arrival, seen[i]!, scale!);
    const published = predict(step, arrival, learned[i]!, motion, inputs, ofChange!, ofMotion!);
    return { error: arrival.error, published };
  });
}

/** error = y' - p; in the first step nothing was predicted. */
function score(step: StepContext, group: Group, later: Value): Arrival {
  const { math } = step;
  const arriving = step.space.gather(step.plan.signal, group.units);
  const signal = step.read("signal", group.index);
  const since = (before: Value) => math.mul(math.sub(arriving, before), later);
  const error = since(step.read("prediction", group.index));
  return { group, arriving, signal, change: since(signal), error };
}

/** m, but for its sign: the motion candidate of a tile where there is one; above layer 0 the signal, from which to return to 0. */
function candidate(group: Group, signal: Value, motion: Value | null): Value | null {
  return group.ground ? motion : signal;
}

function lastMotion(step: StepContext, { index }: Group): Value | null {
  return step.has("motion", index) ? step.read("motion", index) : null;
}

/** The sign of m: a row. */
function signRow(step: StepContext): Value {
  const ground = new Set(step.layout.groups.flatMap((group) => group.ground ? group.units : []));
  return constantRow(step, (unit) => ground.has(unit) ? 1 : -1);
}

/** w_z and w_m, so that w_m counts for what stands for m. */
function signed(step: StepContext, [ofChange, ofMotion]: Value[]): [Value, Value] {
  return [ofChange!, step.math.mul(ofMotion!, signRow(step))];
}

/** 1 combiner, 2 running means; of 3 the gate, of 5 the normalised steps. */
function combine(step: StepContext, rule: RuleSaccade, arrivals: readonly Arrival[]): Steps {
  const { graph, math, plan, learn: active } = step;
  const H = plan.hidden;
  const sums = arrivals.map(({ group, signal, change: D }) => {
    const none = graph.float(new Array(group.units.length).fill(0), [group.units.length]);
    const z = step.read("change", group.index);
    const m = candidate(group, signal, lastMotion(step, group));
    const of = (a: Value | null, b: Value | null) =>
      a === null || b === null ? none : math.sum(math.mul(a, b));
    const hidden = step.read("hidden", group.index);
    const inputs = readInputs(step, group, "input");
    return {
      squares: [of(z, z), of(z, m), of(m, m)],
      products: [of(z, D), of(m, D)],
      power: [math.sumOfSquares(D), powerOf(step, group, inputs), math.sumOfSquares(hidden)],
    };
  });
  const rows = (kind: keyof typeof sums[number], count: number) =>
    rowsOf(step, Array.from({ length: count }, (_, i) => sums.map((sum) => sum[kind][i]!)));
  const one = constantRow(step, () => 1);
  const sign = signRow(step);
  const s = step.readUnits("scale");
  const ss = math.square(s);

  // 1: A = forget A + F F', B = forget B + F D with F = [s z, m], w = (A + 1)^-1 (B + (0, w0)).
  const moments = step.readUnits("combiner.moments");
  const FF = math.mul(rows("squares", 3), step.join([ss, math.mul(s, sign), one]));
  const A = math.add(math.mul(moments, c.forget), FF);
  const products = step.readUnits("combiner.products");
  const FD = math.mul(rows("products", 2), step.join([s, sign]));
  const B = math.add(math.mul(products, c.forget), FD);
  const [zz, a12, mm] = rowsApart(step, A, 3) as [Value, Value, Value];
  const [b1, mD] = rowsApart(step, B, 2) as [Value, Value];
  const [a11, a22] = [math.add(zz, c.ridge), math.add(mm, c.ridge)];
  const layers = layerOf(plan);
  const prior = plan.external.motion > 0 ? c.ridge * MOTION_PRIOR : 0;
  const b2 = prior === 0
    ? mD
    : math.add(mD, constantRow(step, (unit) => layers[unit] === 0 ? prior : 0));
  const determinant = math.sub(math.mul(a11, a22), math.square(a12));
  const wz = math.div(math.sub(math.mul(b1, a22), math.mul(a12, b2)), determinant);
  const wm = math.div(math.sub(math.mul(a11, b2), math.mul(a12, b1)), determinant);

  // 2: v and Q, means at first, then running ones.
  const signals = signalLengths(plan);
  const [DD, xx, hh] = rowsApart(step, rows("power", 3), 3) as [Value, Value, Value];
  const r = math.max(math.div(1, math.max(step.learned, 1)), c.meanFloor);
  const means = step.join([step.readUnits("variance"), step.readUnits("power")]);
  const now = step.join([math.div(DD, constantRow(step, (unit) => signals[unit]!)), xx]);
  const moved = math.add(means, math.mul(r, math.sub(now, means)));

  // What rests where nothing is learned.
  const before = step.join([moments, products, step.readUnits("combiner.weights"), means]);
  const kept = math.where(active, step.join([A, B, wz, wm, moved]), before);
  const split = graph.ops("Split", [kept, graph.ints(3, 2, 2, 1, 1)], 5, { axis: 0 });
  const [ofMoments, ofProducts, weights, variance, power] = split as [
    Value,
    Value,
    Value,
    Value,
    Value,
  ];
  step.writeUnits("combiner.moments", ofMoments);
  step.writeUnits("combiner.products", ofProducts);
  step.writeUnits("combiner.weights", weights);
  step.writeUnits("variance", variance);
  step.writeUnits("power", power);

  // 3: small changes teach less; 5: steps are normalised.
  const learns = math.mul(step.rate, graph.op("Cast", [active], { to: ELEMENT.float }));
  const rates = graph.op("Gather", [
    math.mul(step.schedule.rates(), learns),
    graph.table(step.layout.order.map((unit) => layers[unit]!), [1, step.layout.order.length]),
  ], { axis: 0 });
  const gate = math.div(math.mul(rates, ss), math.add(ss, math.max(variance, c.varianceFloor)));
  const floors = constantRow(step, (unit) => c.encoderFloor * plan.inputs[unit]!);
  const [ofChange, ofMotion] = signed(step, rowsApart(step, weights, 2));
  return {
    ofChange,
    ofMotion,
    decoder: math.div(math.mul(gate, rule.decoderRate), math.add(hh, c.decoderFloor * H + 1)),
    encoder: math.div(
      math.mul(gate, rule.encoderRate),
      math.add(math.add(power, xx), floors),
    ),
  };
}

/** 3 error, 4 transposed product, 5 one rank-1 term each. */
function learn(step: StepContext, arrivals: readonly Arrival[], steps?: Steps): Learned[] {
  const { math, passes, plan } = step;
  const H = plan.hidden;
  if (steps === undefined) {
    return arrivals.map(({ group }) => ({
      encoders: readEncoders(step, group),
      decoder: step.matrices("decoder", group.decoder),
    }));
  }
  const scale = step.readUnits("scale");
  const columns = columnsOf(step, [scale, steps.ofMotion, steps.decoder, steps.encoder]);
  return arrivals.map(({ group, signal, change }, i) => {
    const [s, ofMotion, decoderStep, encoderStep] = columns[i] as [Value, Value, Value, Value];
    const z = step.read("change", group.index);
    const h = step.read("hidden", group.index);
    // What z should have added.
    const m = candidate(group, signal, lastMotion(step, group));
    const rest = m === null ? change : math.sub(change, math.mul(ofMotion, m));
    const e = math.clip(math.sub(math.div(rest, s), z), -c.clipError, c.clipError);
    // With the old decoder.
    const decoder = step.matrices("decoder", group.decoder);
    const back = math.first(passes.product(decoder, e), H);
    const dh = math.mul(back, math.square(math.sub(1, math.abs(h))));
    const terms = math.mul(passes.after(decoderStep, dh), e);
    const delta = math.mul(encoderStep, dh);
    const x = readInputs(step, group, "input");
    const encoders = updateEncoders(step, group, readEncoders(step, group), x, delta);
    const updated = passes.update(decoder, terms, withOnes(step, h, group.units.length));
    step.writeMatrices("decoder", group.decoder, updated);
    return { encoders, decoder: updated };
  });
}

/** s: the deviation of what changed, on the ground in the window: a row. */
function scaleOf(
  step: StepContext,
  arrivals: readonly Arrival[],
  seen: readonly (Value | null)[],
): Value {
  const { math, plan } = step;
  const squares = arrivals.map(({ change }, i) => math.sumOfSquares(seen[i] ?? change));
  const windows = lengths(plan.window);
  const signals = signalLengths(plan);
  const layers = layerOf(plan);
  const counts = constantRow(
    step,
    (unit) => layers[unit] === 0 ? windows[unit]! : signals[unit]!,
  );
  const mean = math.div(rowsOf(step, [squares]), counts);
  return math.sqrt(math.add(mean, c.scaleFloor ** 2));
}

/** x: features and 1, and contexts; y := y'. */
function observe(
  step: StepContext,
  { group, arriving }: Arrival,
  seen: Value | null,
  scale: Value,
): { motion: Value | null; inputs: EncoderInputs } {
  const { math, plan } = step;
  const { index: g, units } = group;
  let features: Value;
  let motion: Value | null = null;
  if (seen === null) {
    features = math.mul(arriving, c.hiddenGain);
  } else {
    motion = group.motion > 0 ? step.space.gather(plan.motion, units) : null;
    const parts = motion === null ? seen : math.columns([seen, motion]);
    features = math.clip(math.div(parts, scale), -c.clipInput, c.clipInput);
  }
  step.write("signal", g, arriving);
  if (motion !== null) step.write("motion", g, motion);
  const inputs: EncoderInputs = {
    own: withOnes(step, features, units.length),
    contexts: gatherContexts(step, group),
  };
  writeInputs(step, group, "input", inputs);
  return { motion, inputs };
}

/** Of hidden outputs and the 1 behind them. */
function hiddenRange(columns: number): Range {
  return { columns, low: -1, high: 1 };
}

/** a = W1 x, h = a / (1 + |a|), z = W2 [h; 1], p = clip(y + w_z s z + w_m m, low, 1). */
function predict(
  step: StepContext,
  { group, arriving }: Arrival,
  { encoders, decoder }: Learned,
  motion: Value | null,
  inputs: EncoderInputs,
  /** w_z s and w_m: columns. */
  ofChange: Value,
  ofMotion: Value,
): Value {
  const { math, passes } = step;
  const { index: g, units } = group;
  const bound = group.ground ? c.clipInput : c.hiddenGain;
  const features = { columns: group.features, low: -bound, high: bound };
  const a = encode(step, group, encoders, inputs, {
    own: [features, hiddenRange(1)],
    context: hiddenRange,
  });
  const h = math.softsign(a);
  const z = passes.transposed(decoder, withOnes(step, h, units.length), [
    hiddenRange(step.plan.hidden + 1),
  ]);
  const learned = math.add(arriving, math.mul(ofChange, z));
  const m = candidate(group, arriving, motion);
  const sum = m === null ? learned : math.add(learned, math.mul(ofMotion, m));
  step.write("hidden", g, h);
  step.write("change", g, z);
  step.write("prediction", g, math.clip(sum, group.ground ? 0 : -1, 1));
  return h;
}

function withOnes({ graph, math }: StepContext, values: Value, rows: number): Value {
  return math.columns([values, graph.float(new Array(rows).fill(1), [rows, 1])]);
}
