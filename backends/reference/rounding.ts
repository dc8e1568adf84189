/**
 * How narrow weights learn: an update as in `passes.ts`, in f32, then rounded by chance to the format's grid. Weights of a codebook
 * learn in another way, that of `codebook_learning.ts`.
 *
 * All arithmetic is of f32, rounded after every operation, or of whole numbers, so that equal vectors give equal bits everywhere:
 *
 *     term = (rate * d[i]) * x[j]                            with momentum M = (rate * d[i]) * x[j] + (mu * M), term = M
 *     bf16, f16:  W = chance(W + term)                       `toBfloatByChance`, `toHalfByChance`
 *     i16, i8:    q = addChange(q, changeOf(term, scale))    W = q * scale
 *
 * Where a q of fixed point is beyond 32638, every q of its row is halved by chance and the row's scale doubles; once is enough. A row is
 * what belongs to one hidden unit: a row of the encoder, a column of the decoder. The noise is that of `model/noise.ts`.
 *
 * @module
 */
import { fromBfloat, toBfloatByChance } from "../../model/bfloat.ts";
import type { Tensor } from "../../model/checkpoint.ts";
import { addChange, changeOf, halve, MOST_STEPS, upperByte } from "../../model/fixed_point.ts";
import { fromHalf, toHalfByChance } from "../../model/half.ts";
import { columnWord, noiseKey, rowWord } from "../../model/noise.ts";
import { isCodebookFormat, type NarrowFormat } from "../../model/weight_format.ts";
import { type Codebook, learnInCodebook } from "./codebook_learning.ts";
import type { Matrix } from "./passes.ts";

/** When a model learns; the same record all its life. */
export interface Clock {
  /** The plan's seed. */
  readonly seed: number;
  /** The number of the step. */
  step: number;
}

/** How the weights of a matrix are rounded. */
export interface Rounding {
  /** The grid. */
  readonly format: NarrowFormat;
  /** When. */
  readonly clock: Clock;
  /** Whose matrix. */
  readonly unit: number;
  /** 0 is an encoder, its rows are those of fixed point; 1 a decoder, its columns are. */
  readonly matrix: 0 | 1;
  /** Fixed point: the scale of each row. */
  readonly scale?: Tensor;
  /** Formats of codebooks: that of the matrix. */
  readonly codebook?: Codebook;
}

/** What an update needs of each weight. */
interface Learning {
  /** The matrix, and its grid. */
  readonly target: Matrix & { readonly rounding: Rounding };
  /** [rows]: rate * d. */
  readonly left: Float32Array;
  /** [columns]: x, and the bias. */
  readonly right: Float32Array;
  /** Of the momentum. */
  readonly mu: number;
  /** Noise words of the rows and of the columns. */
  readonly rows: Uint32Array;
  readonly columns: Uint32Array;
}

/**
 * One rank-1 term, as `update` of `passes.ts`.
 *
 * @param target the matrix, and its grid
 * @param rate of the term
 * @param mu of the momentum
 * @param d the rows
 * @param x the columns
 * @param bias behind them, where there is one
 */
export function updateNarrow(
  target: Learning["target"],
  rate: number,
  mu: number,
  d: Tensor,
  x: Tensor,
  bias?: number,
): void {
  const { format, clock, unit, matrix } = target.rounding;
  const key = noiseKey({ ...clock, unit, matrix });
  const right = new Float32Array(x.length + (bias === undefined ? 0 : 1)).fill(bias ?? 0);
  right.set(x);
  const words = {
    rows: Uint32Array.from(d, (_, i) => rowWord(key, i)),
    columns: Uint32Array.from(right, (_, j) => columnWord(key, j)),
  };
  const scaled = (by: number) =>
    Float32Array.from(d, (value) => Math.fround(by) * Math.fround(value));
  if (isCodebookFormat(format)) {
    const { weights, mask, rounding: { codebook } } = target;
    const left = scaled(rate / (1 - mu));
    const turn = clock.step + unit;
    learnInCodebook({ weights, mask, codebook: codebook!, turn, left, right, ...words });
    return;
  }
  const learning: Learning = { target, left: scaled(rate), right, mu: Math.fround(mu), ...words };
  if (format === "bf16" || format === "f16") updateFloats(learning, format);
  else updateFixed(learning);
}

/** What is added to a weight; its momentum, where it has any, goes on. */
function termOf(
  { target: { momentum }, left, right, mu }: Learning,
  i: number,
  j: number,
): number {
  const outer = Math.fround(left[i]! * right[j]!);
  if (momentum === undefined) return outer;
  const at = i * right.length + j;
  return momentum[at] = Math.fround(outer + Math.fround(mu * momentum[at]!));
}

function updateFloats(learning: Learning, format: "bf16" | "f16"): void {
  const { target: { weights, mask }, left, right, rows, columns } = learning;
  for (let i = 0; i < left.length; i++) {
    for (let j = 0; j < right.length; j++) {
      const at = i * right.length + j;
      if (mask?.[at] === 0) continue;
      const value = Math.fround(weights[at]! + termOf(learning, i, j));
      const noise = (rows[i]! ^ columns[j]!) >>> 0;
      weights[at] = format === "f16"
        ? fromHalf(toHalfByChance(value, noise))
        : fromBfloat(toBfloatByChance(value, noise));
    }
  }
}

function updateFixed(learning: Learning): void {
  const { target: { weights, mask, visible, rounding }, left, right, rows, columns } = learning;
  const scale = rounding.scale!;
  const byRow = rounding.matrix === 0;
  const [groups, members] = byRow ? [left.length, right.length] : [right.length, left.length];
  const q = new Int32Array(members);
  for (let g = 0; g < groups; g++) {
    let beyond = false;
    const before = scale[g]!;
    for (let k = 0; k < members; k++) {
      const [i, j] = byRow ? [g, k] : [k, g];
      const at = i * right.length + j;
      if (mask?.[at] === 0) continue;
      const change = changeOf(termOf(learning, i, j), before);
      q[k] = addChange(weights[at]! / before, change, rows[i]! ^ columns[j]!);
      beyond ||= Math.abs(q[k]!) > MOST_STEPS;
    }
    if (beyond) scale[g]! *= 2;
    for (let k = 0; k < members; k++) {
      const [i, j] = byRow ? [g, k] : [k, g];
      const at = i * right.length + j;
      if (mask?.[at] === 0) continue;
      const steps = beyond ? halve(q[k]!, rows[i]! ^ columns[j]!) : q[k]!;
      weights[at] = steps * scale[g]!;
      if (visible !== undefined) visible[at] = upperByte(steps);
    }
  }
}

/**
 * What the products read of i8 weights: upper bytes.
 *
 * @param weights [rows, columns], the masters
 * @param rounding how they are rounded
 * @param columns of the matrix
 */
export function visibleWeights(weights: Tensor, rounding: Rounding, columns: number): Tensor {
  const { matrix, scale } = rounding;
  return weights.map((weight, at) => {
    const step = scale![matrix === 0 ? Math.floor(at / columns) : at % columns]!;
    return upperByte(weight / step);
  });
}
