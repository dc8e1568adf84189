/**
 * How weights of a codebook learn. There is nothing wider behind them: a weight is a place in its codebook, and learning moves
 * weights from place to place, and the centroids.
 *
 * All arithmetic on weights is of f32, rounded after every operation; what is summed is not, so a sum may be made in any order:
 *
 *     a[i]   = f(rate / (1 - mu)) * d[i]                  no momentum is kept: a term counts as often as it would with it
 *     term   = a[i] * x[j]
 *     least  = REACH * sqrt(sum a^2 * sum x^2 / (rows * columns))            of the whole matrix, bias and pruned weights too
 *     where |term| > least, and there is a centroid beside that of the weight in the direction of the term:
 *       the weight moves there if gain * |term| > u * (distance of the two)  u = (noise >>> 8) / 2^24
 *     where (step + unit) % CENTROIDS_EVERY is 0:
 *       centroid = centroid + mean of the terms of its members before the moves; then `ascend`
 *
 * Terms that are large beside the others move a weight, all others do not: rounding every term by chance, as wider formats do,
 * is unbiased, but its noise is so large beside the distance of two centroids that it undoes what is learned (docs/compression.md
 * has the numbers). A row whose |a| times the largest |x| is at most `least` need not be looked at.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { ascend, placeOf } from "../../model/codebook.ts";
import type { CodebookFormat } from "../../model/weight_format.ts";
import type { Matrix } from "./passes.ts";

/** How many times the root mean square of all terms a term is that moves a weight. */
const REACH: Readonly<Record<CodebookFormat, number>> = { codebook4: 4, codebook2: 8 };
/** What such a term counts: it stands for those that move nothing. A power of two. */
const GAIN: Readonly<Record<CodebookFormat, number>> = { codebook4: 32, codebook2: 128 };
/** Steps between two moves of a unit's centroids. */
export const CENTROIDS_EVERY = 4;

/**
 * The share of a matrix's weights that a step moves at most: no more can have a term so many times the root mean square of all. How
 * many do is a matter of what is learned; on video it was one in 400 (codebook4, rule saccade) to one in millions.
 *
 * @param format how its weights are stored
 */
export const mostMoving = (format: CodebookFormat): number => REACH[format] ** -2;

/** The codebook of a matrix. */
export interface Codebook {
  /** Its numbers, ascending. */
  readonly centroids: Tensor;
  /** The place of each weight; 0 where it is pruned. */
  readonly places: Uint8Array;
}

/**
 * Finds the weights of a matrix in its codebook.
 *
 * @param weights all of which that are kept are centroids
 * @param centroids the codebook
 * @param mask of the matrix
 */
export function openCodebook(weights: Tensor, centroids: Tensor, mask?: Uint8Array): Codebook {
  const places = Uint8Array.from(
    weights,
    (weight, at) => mask?.[at] === 0 ? 0 : placeOf(centroids, weight),
  );
  return { centroids, places };
}

/** A rank-1 term on its way into a matrix. */
export interface CodebookTerm {
  /** The matrix. */
  readonly target: Pick<Matrix, "weights" | "mask">;
  /** Its codebook. */
  readonly codebook: Codebook;
  /** Its format. */
  readonly format: CodebookFormat;
  /** The number of the step, plus that of the unit: centroids move at one in {@linkcode CENTROIDS_EVERY}. */
  readonly turn: number;
  /** [rows]: a. */
  readonly left: Float32Array;
  /** [columns]: x, and the bias. */
  readonly right: Float32Array;
  /** Noise words of the rows and of the columns. */
  readonly rows: Uint32Array;
  readonly columns: Uint32Array;
}

/**
 * Learns a rank-1 term.
 *
 * @param term the term, and the matrix
 */
export function learnInCodebook(term: CodebookTerm): void {
  const { target: { weights, mask }, codebook: { centroids, places }, turn } = term;
  const moves = turn % CENTROIDS_EVERY === 0;
  const means = moves ? meanTerms(term) : undefined;
  moveWeights(term);
  if (means !== undefined) {
    for (const [k, mean] of means.entries()) {
      const moved = Math.fround(centroids[k]! + mean);
      // A term that is no number teaches nothing, here as in fixed point.
      if (Number.isFinite(moved)) centroids[k] = moved + 0;
    }
    ascend(centroids);
  }
  for (let at = 0; at < weights.length; at++) {
    if (mask?.[at] !== 0) weights[at] = centroids[places[at]!]!;
  }
}

/** What the terms of each centroid's members are on average; 0 where it has none. */
function meanTerms({ target: { mask }, codebook, left, right }: CodebookTerm): Float64Array {
  const { centroids, places } = codebook;
  const sums = new Float64Array(centroids.length);
  const members = new Float64Array(centroids.length);
  for (let i = 0; i < left.length; i++) {
    for (let j = 0; j < right.length; j++) {
      const at = i * right.length + j;
      if (mask?.[at] === 0) continue;
      sums[places[at]!]! += Math.fround(left[i]! * right[j]!);
      members[places[at]!]!++;
    }
  }
  return sums.map((sum, k) => members[k] === 0 ? 0 : sum / members[k]!);
}

/** Moves the weights whose terms are large to the centroid beside theirs. */
function moveWeights(term: CodebookTerm): void {
  const { target: { mask }, codebook: { centroids, places }, format, left, right } = term;
  const least = REACH[format] *
    Math.sqrt(sumOfSquares(left) * sumOfSquares(right) / (left.length * right.length));
  const gain = GAIN[format];
  for (let i = 0; i < left.length; i++) {
    for (let j = 0; j < right.length; j++) {
      const at = i * right.length + j;
      const change = Math.fround(left[i]! * right[j]!);
      if (mask?.[at] === 0 || !(Math.abs(change) > least)) continue;
      const from = places[at]!;
      const to = change > 0 ? from + 1 : from - 1;
      if (to < 0 || to >= centroids.length) continue;
      const distance = Math.fround(Math.abs(centroids[to]! - centroids[from]!));
      const chance = ((term.rows[i]! ^ term.columns[j]!) >>> 8) / 2 ** 24;
      if (gain * Math.abs(change) > Math.fround(chance * distance)) places[at] = to;
    }
  }
}

function sumOfSquares(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
