/**
 * How far a backend may be from the reference.
 *
 * What it may differ by is rounding: of a size that follows the number of operations, and that a model may magnify. So the limit of
 * a tensor is the larger of what the operations explain and a multiple of how far the reference in f32 is from itself in f64 on the
 * very same case.
 *
 * @module
 */
import type { Plan } from "../model/plan.ts";
import type { Trace } from "./trace.ts";

/** The distance of 1 and the next number, by weight format. */
const EPSILON: Readonly<Record<string, number>> = {
  f64: 2 ** -52,
  f32: 2 ** -23,
  f16: 2 ** -10,
  bf16: 2 ** -7,
  // Of the largest weight of its row: a step, and of i8 an upper byte.
  i16: 2 ** -14,
  i8: 2 ** -7,
  // Of the whole matrix: the next centroid, which half the range may be away.
  codebook4: 2 ** -3,
  codebook2: 2 ** -1,
};

/** How much more another order of the operations may stray than the reference's own order does in f32. */
const ORDERS = 16;

/** Sums over a unit whose terms cancel: their error is that of the terms, so they are compared with the largest sum. */
const CANCELLING: readonly string[] = [
  "combiner.moments",
  "combiner.products",
  "shift.moments",
  "shift.products",
];

/**
 * The largest deviation of two vectors, relative above 1.
 *
 * @param got one of them
 * @param want the other
 * @param name of the tensor, where it is one
 * @returns Infinity for other lengths, NaN where one of them is not a number and the other is
 */
export function deviation(got: ArrayLike<number>, want: ArrayLike<number>, name = ""): number {
  let most = got.length === want.length ? 0 : Infinity;
  let floor = 1;
  if (CANCELLING.includes(name)) {
    for (let i = 0; i < want.length; i++) floor = Math.max(floor, Math.abs(want[i]!));
  }
  for (let i = 0; i < want.length; i++) {
    const off = Math.abs(got[i]! - want[i]!) / Math.max(floor, Math.abs(want[i]!));
    if (!(off <= most)) most = off;
  }
  return most;
}

/**
 * What rounding alone may do to values around 1.
 *
 * @param plan the model
 * @param format of its weights; a narrow one is rounded once a step, everything else is f32
 * @param steps how many
 */
export function roundingOf(plan: Plan, format: string, steps: number): number {
  const epsilon = EPSILON[format] ?? EPSILON["f32"]!;
  if (epsilon > EPSILON["f32"]!) return 4 * steps * epsilon;
  const operations = Math.max(...plan.inputs) + Math.max(...plan.outputs) + plan.hidden + 16;
  return 2 * steps * Math.sqrt(operations) * epsilon;
}

/**
 * Compares what a backend did with what the reference does.
 *
 * @param got of the backend
 * @param want of the reference, f64
 * @param rounded of the reference, f32
 * @param rounding see {@linkcode roundingOf}
 * @throws {Error} naming the first thing that is too far off
 */
export function compare(got: Trace, want: Trace, rounded: Trace, rounding: number): void {
  const parts = (trace: Trace): [string, ArrayLike<number>][] => [
    ["mse", trace.mse],
    ...Object.entries(trace.checkpoint.tensors),
    ...Object.entries(trace.reads).map(([name, values]): [string, ArrayLike<number>] => [
      `read ${name}`,
      values,
    ]),
  ];
  const [mine, alike] = [new Map(parts(got)), new Map(parts(rounded))];
  for (const [name, values] of parts(want)) {
    const limit = Math.max(rounding, ORDERS * deviation(alike.get(name)!, values, name));
    const off = deviation(mine.get(name) ?? [], values, name);
    if (!(off <= limit)) {
      throw new Error(
        `"${name}" is ${off.toExponential(1)} from the reference, ${
          limit.toExponential(1)
        } is what rounding explains`,
      );
    }
  }
  const { step, learned } = got.checkpoint;
  if (step !== want.checkpoint.step || learned !== want.checkpoint.learned) {
    throw new Error(
      `The checkpoint is of step ${step}, ${learned} learned; it should be ${want.checkpoint.step}, ${want.checkpoint.learned}`,
    );
  }
}
