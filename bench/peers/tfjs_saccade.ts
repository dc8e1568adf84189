/**
 * Rule saccade in TensorFlow.js, for all units of a group at once.
 *
 * @module
 */
import type { RuleSaccade } from "../../model/plan.ts";
import type { Group } from "./export.ts";
import {
  contextOf,
  outer,
  product,
  signalOf,
  type State,
  type Steps,
  type Tensors,
  tf,
  transposed,
} from "./tfjs.ts";

const { add, concat, div, gather, mul, slice, square, sub, sum } = tf;

/** Rule saccade, with its constants. */
export function ruleSaccade(rule: RuleSaccade, group: Group, H: number): Steps {
  const g = group.units.length;
  const { ground, signal: q, inputs: n } = group;
  const one = tf.keep(tf.ones([g, 1]));
  const prior = ground && rule.motion > 0 ? 0.7 : 0;
  const dot = (a: tf.Tensor, b: tf.Tensor) => sum(mul(a, b), 1, true);
  const scaleOf = (change: tf.Tensor) =>
    tf.sqrt(add(mul(dot(change, change), 1 / change.shape[1]!), 0.005 ** 2));

  const learn = (old: State, change: tf.Tensor, k: number): State => {
    const { s, z, m, x, h, rate, variance, power } = old as Tensors;
    // 1: the combiner
    const fz = mul(s, z);
    const kept = (name: string, term: tf.Tensor) => add(mul(old[name]!, 0.998), term);
    const zz = kept("zz", dot(fz, fz));
    const zm = kept("zm", dot(fz, m));
    const mm = kept("mm", dot(m, m));
    const bz = kept("bz", dot(fz, change));
    const bm = kept("bm", dot(m, change));
    const [a11, a22, b2] = [add(zz, 1), add(mm, 1), add(bm, prior)];
    const determinant = sub(mul(a11, a22), square(zm));
    const wz = div(sub(mul(bz, a22), mul(zm, b2)), determinant);
    const wm = div(sub(mul(a11, b2), mul(zm, bz)), determinant);
    // 2: the means
    const r = Math.max(1 / k, 0.001);
    const xx = dot(x, x);
    const v = add(mul(variance, 1 - r), mul(dot(change, change), r / q));
    const Q = add(mul(power, 1 - r), mul(xx, r));
    // 3: the error and the gate
    const e = tf.clipByValue(sub(div(sub(change, mul(wm, m)), s), z), -4, 4);
    const ss = square(s);
    const gate = mul(rate, div(ss, add(ss, tf.maximum(v, 0.0015 ** 2))));
    // 4, with the old decoder
    const rest = square(sub(1, tf.abs(slice(h, [0, 0], [g, H]))));
    const dh = mul(transposed(old["decoder"]!, e, H), rest);
    // 5; the last of h is 1
    const decoderStep = div(mul(gate, rule.decoderRate), add(dot(h, h), 0.25 * H));
    const encoderStep = div(mul(gate, rule.encoderRate), add(add(Q, xx), 0.001 * n));
    const decoder = add(old["decoder"]!, outer(mul(decoderStep, e), h));
    const encoder = add(old["encoder"]!, outer(mul(encoderStep, dh), x));
    return { ...old, zz, zm, mm, bz, bm, wz, wm, variance: v, power: Q, decoder, encoder };
  };

  /** Features of x, and what else of the state they come from. */
  const observe = (
    old: State,
    frame: tf.Tensor,
    now: tf.Tensor,
    change: tf.Tensor,
    t: number,
  ): State & Record<"features" | "s" | "m", tf.Tensor> => {
    if (!ground) return { features: mul(now, 2), s: scaleOf(change), m: tf.neg(now) };
    const seen = gather(frame, old["windowIndex"]!);
    const window = sub(seen, t === 0 ? seen : old["seen"]!);
    const s = scaleOf(window);
    const motion = old["motionIndex"];
    const m = motion === undefined ? old["m"]! : gather(frame, motion);
    const raw = motion === undefined ? window : concat([window, m], 1);
    return { features: tf.clipByValue(div(raw, s), -8, 8), s, m, seen };
  };

  return {
    start(state) {
      const zero = () => tf.zeros([g, 1]);
      const names = ["zz", "zm", "mm", "bz", "bm", "wz", "variance", "power"];
      return {
        ...state,
        ...Object.fromEntries(names.map((name) => [name, zero()])),
        wm: tf.fill([g, 1], prior),
        s: tf.fill([g, 1], 0.005),
        x: concat([tf.zeros([g, n - 1]), one], 1),
        h: concat([tf.zeros([g, H]), one], 1),
        ...Object.fromEntries(["y", "p", "z", "m"].map((name) => [name, tf.zeros([g, q])])),
        published: tf.zeros([g, H]),
        squares: tf.zeros([g]),
      };
    },
    step(state, arriving, t) {
      // score
      const now = signalOf(state, arriving, group);
      const first = t === 0 ? { ...state, y: now, p: now } : state;
      const squares = sum(square(sub(now, first.p!)), 1);
      const change = sub(now, first.y!);
      const old = t >= 2 ? learn(first, change, t - 1) : first;
      // observe
      const { features, ...seen } = observe(old, arriving.frame, now, change, t);
      const context = contextOf(old, arriving, group);
      const x = concat([features, context, one], 1);
      // predict
      const a = product(old["encoder"]!, x);
      const published = div(a, add(tf.abs(a), 1));
      const h = concat([published, one], 1);
      const z = product(old["decoder"]!, h);
      const believed = add(mul(mul(old["wz"]!, seen.s), z), mul(old["wm"]!, seen.m));
      const p = tf.clipByValue(add(now, believed), ground ? 0 : -1, 1);
      return { ...old, ...seen, x, h, z, p, y: now, published, squares };
    },
  };
}
