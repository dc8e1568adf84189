/**
 * Rule 2016 in TensorFlow.js, for all units of a group at once.
 *
 * @module
 */
import type { Rule2016 } from "../../model/plan.ts";
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

const { add, concat, div, mul, reshape, slice, square, sub, sum } = tf;

/** z / (2 (|z| + 1)) + 1/2. */
function activate(z: tf.Tensor): tf.Tensor {
  return add(div(z, add(mul(tf.abs(z), 2), 2)), 0.5);
}

/** 1/2 (1 - |2 a - 1|)^2, from the activation. */
function slope(a: tf.Tensor): tf.Tensor {
  return mul(square(sub(1, tf.abs(sub(mul(a, 2), 1)))), 0.5);
}

/** Rule 2016 with two-step prediction and normalised outputs. */
export function rule2016(rule: Rule2016, group: Group, H: number): Steps {
  const g = group.units.length;
  const { signal: q, block, inputs: n, outputs: m } = group;
  const one = tf.keep(tf.ones([g, 1]));
  const predict = (state: State, lag: State): State => {
    const h = activate(product(state["encoder"]!, state["x"]!));
    const withBias = concat([h, one], 1);
    const p = activate(product(state["decoder"]!, withBias));
    const minimum = add(tf.minimum(h, state["minimum"]!), 1e-6);
    const maximum = sub(tf.maximum(h, state["maximum"]!), 1e-6);
    const published = div(sub(h, minimum), sub(maximum, minimum));
    return { ...state, ...lag, h: withBias, p, minimum, maximum, published };
  };
  return {
    start(state) {
      const lag = { lagX: tf.zeros([g, n]), lagH: tf.zeros([g, H + 1]), lagP: tf.zeros([g, m]) };
      return predict({
        ...state,
        encoderMomentum: tf.zeros([g, H, n]),
        decoderMomentum: tf.zeros([g, m, H + 1]),
        x: concat([tf.zeros([g, n - 1]), one], 1),
        last: tf.zeros([g, q]),
        minimum: tf.zeros([g, H]),
        maximum: tf.ones([g, H]),
        squares: tf.zeros([g]),
      }, lag);
    },
    step(state, arriving) {
      const { lagX, lagH, lagP, x, h, p, last, rate } = state as Tensors;
      // score
      const now = signalOf(state, arriving, group);
      const squares = sum(square(sub(now, slice(p!, [0, 0], [g, q]))), 1);
      // learn, from what was computed a step earlier
      const error = sub(concat([last!, now], 1), lagP!);
      const dz = mul(mul(error, slope(lagP!)), rate!);
      const back = transposed(state["decoder"]!, dz, H);
      const dh = mul(back, slope(slice(lagH!, [0, 0], [g, H])));
      const moved = (momentum: tf.Tensor, d: tf.Tensor, x: tf.Tensor) =>
        add(mul(momentum, rule.momentum), outer(d, x));
      const decoderMomentum = moved(state["decoderMomentum"]!, dz, lagH!);
      const encoderMomentum = moved(state["encoderMomentum"]!, dh, lagX!);
      const decoder = add(state["decoder"]!, decoderMomentum);
      const encoder = add(state["encoder"]!, encoderMomentum);
      // observe
      const blocks = [g, q / block, 1, block];
      const features = concat([reshape(now, blocks), reshape(last!, blocks)], 2);
      const context = contextOf(state, arriving, group);
      const next = concat([reshape(features, [g, 2 * q]), context, one], 1);
      // predict
      return predict(
        {
          ...state,
          encoder,
          decoder,
          encoderMomentum,
          decoderMomentum,
          x: next,
          last: now,
          squares,
        },
        { lagX: x!, lagH: h!, lagP: p! },
      );
    },
  };
}
