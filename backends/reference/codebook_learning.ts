/**
 * How weights of a codebook learn: a master behind each, in steps of its matrix (`model/codebook_grid.ts`), learns as fixed point does; its
 * place is that of the nearest centroid, and only the centroid is read by products. Now and then the centroids follow their weights.
 *
 *     term   = f(f(rate / (1 - mu)) * f(d[i])) * f(x[j])         no momentum is kept: a term counts as often as it would with it
 *     q      = addChange(q, changeOf(term, scale), noise)        `model/fixed_point.ts`
 *     q      = at least C[first] - 128, at most C[last] + 127
 *     where (step + unit) % 64 is 0, after that: `followMasters`, by bit 16 of the same noise
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { nearestCentroid } from "../../model/codebook.ts";
import { followMasters, type Grid, gridOf, masterOf } from "../../model/codebook_grid.ts";
import { addChange, changeOf } from "../../model/fixed_point.ts";

/** Steps between two moves of a unit's centroids. */
export const CENTROIDS_EVERY = 64;

/** The codebook of a matrix: views into the state, so that what learns is what is saved. */
export interface Codebook {
  /** Its numbers, ascending. */
  readonly centroids: Tensor;
  /** [1]: its step. */
  readonly scale: Tensor;
  /** What products read: the centroid of each weight; 0 where it is pruned. */
  readonly visible: Tensor;
}

/**
 * Finds the weights of a matrix in its codebook.
 *
 * @param weights masters
 * @param centroids the codebook
 * @param scale its step
 * @param mask of the matrix
 */
export function openCodebook(
  weights: Tensor,
  centroids: Tensor,
  scale: Tensor,
  mask?: Uint8Array,
): Codebook {
  const visible = weights.map((weight, at) =>
    mask?.[at] === 0 ? 0 : centroids[nearestCentroid(centroids, weight)]!
  );
  return { centroids, scale, visible };
}

/** A rank-1 term on its way into a matrix. */
export interface CodebookTerm {
  /** Masters of the matrix. */
  readonly weights: Tensor;
  /** 1 where one is kept; all are where there is none. */
  readonly mask?: Uint8Array | undefined;
  /** Its codebook. */
  readonly codebook: Codebook;
  /** The number of the step, plus that of the unit: centroids move at one in {@linkcode CENTROIDS_EVERY}. */
  readonly turn: number;
  /** [rows]: what stands before x of each row. */
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
  const { weights, mask, codebook, left, right, rows, columns } = term;
  const before = gridOf(codebook.centroids, codebook.scale[0]!);
  const steps = Int32Array.from(weights, (weight) => weight / before.scale);
  const noise = (at: number) => rows[Math.floor(at / right.length)]! ^ columns[at % right.length]!;
  for (let i = 0, at = 0; i < left.length; i++) {
    for (let j = 0; j < right.length; j++, at++) {
      if (mask?.[at] === 0) continue;
      const change = changeOf(Math.fround(left[i]! * right[j]!), before.scale);
      steps[at] = masterOf(before, addChange(steps[at]!, change, noise(at)));
    }
  }
  let grid = before;
  if (term.turn % CENTROIDS_EVERY === 0) {
    const places = placesOf(before, steps);
    grid = followMasters({ grid: before, steps, places, mask }, (at) => noise(at) >>> 16 & 1);
    codebook.centroids.set(Float32Array.from(grid.centroids, (C) => C * grid.scale));
    codebook.scale[0] = grid.scale;
  }
  for (const [at, place] of placesOf(grid, steps).entries()) {
    if (mask?.[at] === 0) continue;
    weights[at] = steps[at]! * grid.scale;
    codebook.visible[at] = codebook.centroids[place]!;
  }
}

function placesOf({ centroids }: Grid, steps: Int32Array): Uint8Array {
  return Uint8Array.from(steps, (q) => nearestCentroid(centroids, q));
}
