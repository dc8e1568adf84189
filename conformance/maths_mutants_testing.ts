/** Faults in the mathematics, for testing the kit. */
import type { Backend } from "../backends/backend.ts";
import { backend as reference, referenceBackend } from "../backends/reference/backend.ts";
import { type Matrix, PASSES, type Passes } from "../backends/reference/passes.ts";
import { fromBfloat, toBfloat } from "../model/bfloat.ts";
import { upperByte } from "../model/fixed_point.ts";
import { fromHalf, toHalf } from "../model/half.ts";
import type { Plan } from "../model/plan.ts";
import { stepsOf } from "../model/weight_format.ts";
import { faulty, type Mutant } from "./mutants_testing.ts";

/** The reference with other weight passes. */
function passing(change: Partial<Passes>): Backend {
  const backend = referenceBackend("mutant", { ...PASSES, ...change });
  return faulty(() => ({}), () => ({}), backend);
}

/** The reference, given another plan than it should have. */
function planning(replan: (plan: Plan) => Plan): Backend {
  return faulty(() => ({}), () => ({}), reference, replan);
}

const { product, transposed, update } = PASSES;

/** As narrow as bf16: the upper half of an f32, cut off. */
function narrow(matrix: Matrix): void {
  const { weights } = matrix;
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  for (let i = 0; i < bits.length; i++) bits[i]! &= 0xffff0000;
}

/** A narrow matrix after an update that `change` makes in its own way: on the grid of the scales that it leaves. */
function rounding(change: (matrix: Matrix, ...rest: UpdateRest) => void): Partial<Passes> {
  return {
    update: (matrix, ...rest) => {
      if (matrix.rounding === undefined) return update(matrix, ...rest);
      change(matrix, ...rest);
      const { weights, visible, rounding: { scale, matrix: which } } = matrix;
      if (scale === undefined) return;
      const columns = weights.length / rest[2].length;
      for (let at = 0; at < weights.length; at++) {
        const step = scale[which === 0 ? Math.floor(at / columns) : at % columns]!;
        const steps = stepsOf(weights[at]!, step);
        weights[at] = steps * step;
        if (visible !== undefined) visible[at] = upperByte(steps);
      }
    },
  };
}

type UpdateRest = Parameters<Passes["update"]> extends [unknown, ...infer Rest] ? Rest : never;

/** Faults in the mathematics: what is computed is a little wrong. */
export const MATHS_MUTANTS: readonly Mutant[] = [
  {
    fault: "rates are 1 % too high",
    noticed: "steps that learn agree",
    backend: passing({ update: (m, rate, ...rest) => update(m, 1.01 * rate, ...rest) }),
  },
  {
    fault: "momentum is 1 % too high",
    noticed: "steps that learn agree",
    backend: passing({ update: (m, rate, mu, ...rest) => update(m, rate, 1.01 * mu, ...rest) }),
  },
  {
    fault: "the decoder's bias does not learn",
    noticed: "steps that learn agree",
    backend: passing({
      update: (m, rate, mu, d, x, bias) => update(m, rate, mu, d, x, bias && 0),
    }),
  },
  {
    fault: "the last column of an odd matrix is not read",
    noticed: "single unit",
    backend: passing({
      product: (m, x, out, bias) => {
        const short = x.slice();
        if (x.length % 2 === 1) short[x.length - 1] = 0;
        product(m, short, out, bias);
      },
    }),
  },
  {
    fault: "the decoder sends nothing back from its last row",
    noticed: "steps that learn agree",
    backend: passing({
      transposed: (m, e, dh) => {
        const short = e.slice();
        short[e.length - 1] = 0;
        transposed(m, short, dh);
      },
    }),
  },
  {
    fault: "weights are kept in 16 bits though it says f32",
    noticed: "steps that learn agree",
    backend: passing({
      update: (m, ...rest) => {
        update(m, ...rest);
        narrow(m);
      },
    }),
  },
  {
    fault: "narrow weights are rounded to the nearest, not by chance",
    noticed: "rounded by the noise",
    backend: passing(rounding(({ rounding: how, ...matrix }, ...rest) => {
      update(matrix, ...rest);
      const { weights } = matrix;
      if (how!.format === "f16") weights.set(weights.map((w) => fromHalf(toHalf(w))));
      if (how!.format === "bf16") weights.set(weights.map((w) => fromBfloat(toBfloat(w))));
    })),
  },
  {
    fault: "the noise of rounding is the same in all units",
    noticed: "rounded by the noise",
    backend: passing({
      update: ({ rounding, ...m }, ...rest) =>
        update(rounding === undefined ? m : { ...m, rounding: { ...rounding, unit: 0 } }, ...rest),
    }),
  },
  {
    fault: "a row that is full is cut instead of halved",
    noticed: "rounded by the noise",
    backend: passing(rounding((matrix, ...rest) => {
      const before = matrix.rounding!.scale?.slice();
      update(matrix, ...rest);
      if (before !== undefined) matrix.rounding!.scale!.set(before);
    })),
  },
  {
    fault: "weights are not rounded though the plan says so",
    noticed: "stay numbers of their format",
    backend: passing({
      update: ({ rounding: _, visible: __, ...m }, ...rest) => update(m, ...rest),
    }),
  },
  {
    fault: "masks are ignored where weights learn",
    noticed: "pruned weights are not written",
    backend: passing({
      update: ({ mask: _, ...m }, ...rest) => update(m, ...rest),
    }),
  },
  {
    fault: "masks are ignored where weights are read",
    noticed: "pruned weights are not read",
    backend: passing({ product: ({ mask: _, ...m }, ...rest) => product(m, ...rest) }),
  },
  {
    fault: "every delay is one step",
    noticed: "steps that do not learn agree",
    backend: planning((plan) => ({
      ...plan,
      context: { ...plan.context, delay: plan.context.delay.map((delay) => Math.min(delay, 1)) },
    })),
  },
  {
    fault: "the schedule is a step late",
    noticed: "steps that learn agree",
    backend: planning((plan) => ({
      ...plan,
      rates: { ...plan.rates, from: plan.rates.from.map((step) => step === 0 ? 0 : step + 1) },
    })),
  },
  {
    fault: "units never skip",
    noticed: "steps that learn agree",
    backend: planning((plan) => ({ ...plan, skipBelow: [0, 0, 0] })),
  },
  {
    fault: "whoever is surprised a little learns as well",
    noticed: "steps that learn agree",
    backend: planning((plan) =>
      plan.surprise === undefined ? plan : { ...plan, surprise: plan.surprise / 4 }
    ),
  },
  {
    fault: "all layers skip by the threshold of the first",
    noticed: "steps that learn agree",
    backend: planning((plan) =>
      plan.skipBelow === undefined
        ? plan
        : { ...plan, skipBelow: plan.skipBelow.map(() => plan.skipBelow![0]!) }
    ),
  },
  {
    fault: "lateral context and feedback are mistaken for each other",
    noticed: "steps that do not learn agree",
    backend: planning((plan) => ({
      ...plan,
      contextKind: plan.contextKind.map((kind) => 1 - kind),
    })),
  },
  {
    fault: "a unit's context depends on where it stands in its layer",
    noticed: "another order",
    backend: planning((plan) => ({
      ...plan,
      context: {
        ...plan.context,
        index: plan.context.index.map((index, run) => run === 0 ? index % 7 : index),
      },
    })),
  },
];
