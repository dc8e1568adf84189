/**
 * The rule "saccade" (learning-rule) as operators, for all units of a group at once.
 *
 * @module
 */
import { MOTION_PRIOR } from "../../model/initialise.ts";
import type { RuleSaccade } from "../../model/plan.ts";
import { CONSTANTS as c } from "../reference/rule_saccade.ts";
import type { Value } from "./graph.ts";
import {
  encode,
  type EncoderInputs,
  type Encoders,
  power as powerOf,
  readEncoders,
  readInputs,
  updateEncoders,
  writeInputs,
} from "./encoder.ts";
import type { Group } from "./layout.ts";
import type { Matrices, Range } from "./passes.ts";
import type { GroupOutputs, StepContext } from "./step_graph.ts";

/** What arrives at a group. */
interface Arrival {
  /** y': [U, q]. */
  readonly arriving: Value;
  /** y, and what changed: D = y' - y. */
  readonly signal: Value;
  readonly change: Value;
}

/** The matrices and combiner of a group, after learning. */
interface Learned {
  readonly encoders: Encoders;
  readonly decoder: Matrices;
  /** w_z and w_m: columns. */
  readonly ofChange: Value;
  readonly ofMotion: Value;
}

/**
 * Adds a step of all groups.
 *
 * @param step what it is built with
 * @param rule the scalars
 */
export function saccadeStep(step: StepContext, rule: RuleSaccade): GroupOutputs[] {
  const first = step.schedule.is(0);
  const rates = step.math.mul(step.schedule.rates(), step.rate);
  const before = step.math.where(first, step.frame, step.lastFrame);
  const moved = step.math.sub(step.frame, before);
  return step.layout.groups.map((group) => {
    const { error, ...arrival } = score(step, group, first);
    const learned = learn(step, rule, group, arrival, step.ofLayer(rates, group));
    const published = predict(step, group, arrival, learned, observe(step, group, arrival, moved));
    return { error, published };
  });
}

/** error = y' - p; in the first step nothing was predicted. */
function score(step: StepContext, group: Group, first: Value): Arrival & { error: Value } {
  const { math } = step;
  const arriving = step.space.gather(step.plan.signal, group.units);
  const signal = math.where(first, arriving, step.read("signal", group.index));
  const prediction = math.where(first, arriving, step.read("prediction", group.index));
  const error = math.sub(arriving, prediction);
  return { arriving, signal, change: math.sub(arriving, signal), error };
}

/** 1 combiner, 2 running means, 3 error, 4 transposed product, 5 one rank-1 term each. */
function learn(
  step: StepContext,
  rule: RuleSaccade,
  group: Group,
  { signal, change: D }: Arrival,
  rate: Value,
): Learned {
  const { graph, math, passes, plan, learn: active } = step;
  const { index: g, units, signal: q } = group;
  if (step.frozen) {
    const weights = math.cut(step.read("combiner.weights", g), [1, 1]);
    return {
      encoders: readEncoders(step, group),
      decoder: step.matrices("decoder", group.decoder),
      ofChange: weights[0]!,
      ofMotion: weights[1]!,
    };
  }
  const H = plan.hidden;
  const z = step.read("change", g);
  const s = step.read("scale", g);
  const h = step.read("hidden", g);
  const x = readInputs(step, group, "input");
  const m = candidate(step, group, signal, step.has("motion", g) ? step.read("motion", g) : null);
  const hold = (now: Value, before: Value) => math.where(active, now, before);

  // 1: A = forget A + F F', B = forget B + F D with F = [s z, m], w = (A + 1)^-1 (B + (0, w0)).
  const none = graph.float(new Array(units.length).fill(0), [units.length, 1]);
  const F = math.mul(s, z);
  const ofM = (other: Value) => m === null ? none : math.sum(math.mul(m, other));
  const sums = [math.sumOfSquares(F), ofM(F), m === null ? none : math.sumOfSquares(m)];
  const products = [math.sum(math.mul(F, D)), ofM(D)];
  const moments = step.read("combiner.moments", g);
  const A = math.add(math.mul(moments, c.forget), math.columns(sums));
  const before = step.read("combiner.products", g);
  const B = math.add(math.mul(before, c.forget), math.columns(products));
  const [zz, a12, mm] = math.cut(A, [1, 1, 1]) as [Value, Value, Value];
  const [b1, mD] = math.cut(B, [1, 1]) as [Value, Value];
  const [a11, a22] = [math.add(zz, c.ridge), math.add(mm, c.ridge)];
  const prior = group.ground && plan.external.motion > 0 ? MOTION_PRIOR : 0;
  const b2 = prior === 0 ? mD : math.add(mD, c.ridge * prior);
  const determinant = math.sub(math.mul(a11, a22), math.square(a12));
  const wz = math.div(math.sub(math.mul(b1, a22), math.mul(a12, b2)), determinant);
  const wm = math.div(math.sub(math.mul(a11, b2), math.mul(a12, b1)), determinant);
  const w = hold(math.columns([wz, wm]), step.read("combiner.weights", g));
  const [ofChange, ofMotion] = math.cut(w, [1, 1]) as [Value, Value];
  step.write("combiner.moments", g, hold(A, moments));
  step.write("combiner.products", g, hold(B, before));
  step.write("combiner.weights", g, w);

  // 2: v and Q, means at first, then running ones.
  const r = math.max(math.div(1, math.max(step.learned, 1)), c.meanFloor);
  const xx = powerOf(step, group, x);
  const mean = (old: Value, now: Value) => math.add(old, math.mul(r, math.sub(now, old)));
  const oldVariance = step.read("variance", g);
  const oldPower = step.read("power", g);
  const variance = hold(mean(oldVariance, math.div(math.sumOfSquares(D), q)), oldVariance);
  const power = hold(mean(oldPower, xx), oldPower);
  step.write("variance", g, variance);
  step.write("power", g, power);

  // 3: what z should have added, and the gate: small changes teach less.
  const rest = m === null ? D : math.sub(D, math.mul(ofMotion, m));
  const e = math.clip(math.sub(math.div(rest, s), z), -c.clipError, c.clipError);
  const ss = math.square(s);
  const gate = math.div(math.mul(rate, ss), math.add(ss, math.max(variance, c.varianceFloor)));

  // 4: with the old decoder.
  const decoder = step.matrices("decoder", group.decoder);
  const [back] = math.cut(passes.product(decoder, e, []), [H, 1]);
  const dh = math.mul(back!, math.square(math.sub(1, math.abs(h))));

  // 5: normalised steps.
  const hh = math.add(math.sumOfSquares(h), c.decoderFloor * H + 1);
  const decoderStep = hold(math.div(math.mul(gate, rule.decoderRate), hh), none);
  const floors = units.map((unit) => c.encoderFloor * plan.inputs[unit]!);
  const norm = math.add(math.add(power, xx), graph.float(floors, [units.length, 1]));
  const encoderStep = hold(math.div(math.mul(gate, rule.encoderRate), norm), none);
  const terms = passes.after(math.mul(decoderStep, e), dh, [group.outputs, H]);
  const delta = math.mul(encoderStep, dh);
  const encoders = updateEncoders(step, group, readEncoders(step, group), x, delta);
  const updated = passes.update(decoder, terms, withOnes(step, h, units.length));
  step.writeMatrices("decoder", group.decoder, updated);
  return { encoders, decoder: updated, ofChange, ofMotion };
}

/** x: features and 1, and contexts; y := y'. */
function observe(
  step: StepContext,
  group: Group,
  { arriving, change }: Arrival,
  moved: Value,
): { scale: Value; motion: Value | null; inputs: EncoderInputs } {
  const { math, plan } = step;
  const { index: g, units, signal: q, window } = group;
  const deviation = (values: Value, count: number) =>
    math.sqrt(math.add(math.div(math.sumOfSquares(values), count), c.scaleFloor ** 2));
  let scale: Value;
  let features: Value;
  let motion: Value | null = null;
  if (group.ground) {
    const seen = step.space.gatherFrom(moved, plan.window, units);
    scale = deviation(seen, window);
    motion = group.motion > 0 ? step.space.gather(plan.motion, units) : null;
    const parts = motion === null ? seen : math.columns([seen, motion]);
    features = math.clip(math.div(parts, scale), -c.clipInput, c.clipInput);
  } else {
    scale = deviation(change, q);
    features = math.mul(arriving, c.hiddenGain);
  }
  step.write("signal", g, arriving);
  step.write("scale", g, scale);
  if (motion !== null) step.write("motion", g, motion);
  const inputs: EncoderInputs = [
    withOnes(step, features, units.length),
    ...group.links.map(({ runs }) => step.space.gatherRuns(plan.context, runs)),
  ];
  writeInputs(step, group, "input", inputs);
  return { scale, motion, inputs };
}

/** Of hidden outputs and the 1 behind them. */
function hiddenRange(columns: number): Range {
  return { columns, low: -1, high: 1 };
}

/** a = W1 x, h = a / (1 + |a|), z = W2 [h; 1], p = clip(y + w_z s z + w_m m, low, 1). */
function predict(
  step: StepContext,
  group: Group,
  { arriving }: Arrival,
  { encoders, decoder, ofChange, ofMotion }: Learned,
  { scale, motion, inputs }: ReturnType<typeof observe>,
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
  const learned = math.add(arriving, math.mul(math.mul(ofChange, scale), z));
  const m = candidate(step, group, arriving, motion);
  const sum = m === null ? learned : math.add(learned, math.mul(ofMotion, m));
  step.write("hidden", g, h);
  step.write("change", g, z);
  step.write("prediction", g, math.clip(sum, group.ground ? 0 : -1, 1));
  return h;
}

/** m: the motion candidate of the tile where there is one; above layer 0 the return to 0. */
function candidate(
  { math }: StepContext,
  group: Group,
  signal: Value,
  motion: Value | null,
): Value | null {
  return group.ground ? motion : math.sub(0, signal);
}

function withOnes({ graph, math }: StepContext, values: Value, rows: number): Value {
  return math.columns([values, graph.float(new Array(rows).fill(1), [rows, 1])]);
}
