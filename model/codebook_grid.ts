/**
 * The grid behind a codebook: what its weights really are while they learn, and how its centroids follow them.
 *
 * Weights and centroids of a matrix are whole numbers of a step, a power of two that the matrix has: its scale. The master of a weight is
 * such a number q; its place is that of the nearest centroid, the lower one of two that are as near, and only the centroid is read by
 * products. Two centroids are 253 steps apart at most, and what is beyond the outermost ones 127 above or 128 below, so that a master is
 * a place and a byte: what it has beside its centroid.
 *
 * @module
 */
import type { Tensor } from "./checkpoint.ts";

/** Steps between two centroids at most. */
const MOST_GAP = 253;
/** The largest centroid, in steps: masters fit i16. */
const MOST_CENTROID = 32000;
/** Where no gap is wider, and no centroid larger, the step is halved. */
const FINE_GAP = 100;
const FINE_CENTROID = 12800;
/** The smallest step. */
const LEAST_SCALE = 2 ** -20;
/** What a master may have beside the outermost centroids. */
const LOWEST_REST = -128;
const HIGHEST_REST = 127;

/** A codebook and its step. */
export interface Grid {
  /** Ascending whole numbers of steps. */
  readonly centroids: Int32Array<ArrayBuffer>;
  /** The step. */
  readonly scale: number;
}

/**
 * The grid of a codebook whose numbers are on one.
 *
 * @param centroids ascending
 * @param scale the step
 */
export function gridOf(centroids: Tensor, scale: number): Grid {
  return { centroids: Int32Array.from(centroids, (centroid) => centroid / scale), scale };
}

/**
 * Puts centroids on the finest grid that holds them. Each moves by half a step at most, but that no two are the same.
 *
 * @param centroids finite and ascending
 */
export function snap(centroids: ArrayLike<number>): Grid {
  for (let scale = LEAST_SCALE;; scale *= 2) {
    const steps = Int32Array.from(
      centroids,
      (centroid) => Math.max(-(2 ** 30), Math.min(Math.round(centroid / scale), 2 ** 30)),
    );
    ascendSteps(steps);
    if (fits(steps, MOST_GAP, MOST_CENTROID)) return { centroids: steps, scale };
  }
}

function ascendSteps(steps: Int32Array): void {
  for (let k = 1; k < steps.length; k++) steps[k] = Math.max(steps[k]!, steps[k - 1]! + 1);
}

function fits(steps: Int32Array, gap: number, largest: number): boolean {
  return steps.every((step, k) =>
    Math.abs(step) <= largest && (k === 0 || step - steps[k - 1]! <= gap)
  );
}

/**
 * The nearest master to a number.
 *
 * @param grid the codebook
 * @param steps a number of steps, whole or not
 */
export function masterOf({ centroids }: Grid, steps: number): number {
  const lowest = centroids[0]! + LOWEST_REST;
  const highest = centroids.at(-1)! + HIGHEST_REST;
  return Math.max(lowest, Math.min(Math.round(steps), highest)) || 0;
}

/**
 * What is wrong with a codebook and its step.
 *
 * @param centroids of f32
 * @param scale the step
 * @returns a clause, or nothing
 */
export function gridFault(centroids: ArrayLike<number>, scale: number): string | undefined {
  const numbers = Array.from(centroids);
  const isAscending = numbers.every((centroid, k) =>
    Number.isFinite(centroid) && (k === 0 || centroid > numbers[k - 1]!)
  );
  if (!isAscending) return `is not finite and ascending (${numbers.join(", ")})`;
  if (!(scale >= LEAST_SCALE) || !Number.isInteger(Math.log2(scale))) {
    return `has a step of ${scale}, which is no power of two`;
  }
  const steps = numbers.map((centroid) => centroid / scale);
  return steps.every(Number.isInteger) && fits(Int32Array.from(steps), MOST_GAP, MOST_CENTROID)
    ? undefined
    : `is not on a grid of ${scale} (${numbers.join(", ")})`;
}

/** What a matrix of a codebook is: masters, and which of them count. */
export interface Masters {
  /** Its codebook and its step. */
  readonly grid: Grid;
  /** q of each weight, written to. */
  readonly steps: Int32Array;
  /** The place of each. */
  readonly places: Uint8Array;
  /** 1 where a weight is kept; all are where there is none. */
  readonly mask?: Uint8Array | undefined;
}

/**
 * Moves centroids to where their weights are:
 *
 *     with members:     C = C + floor((2 sum(q - C) + n) / (2 n))            the nearest number to the mean of its n members
 *     without:          C = (C + its neighbour towards the centroid of most members, the lower of equals) >> 1, both as they were
 *     not above the one before:                              one step above it, from the lowest on
 *     while a gap is above 253, or a |C| above 32000:        step = 2 step, C = (C + 1) >> 1 (and ascending again), q = (q + bit) >> 1
 *     while none is above 100, nor a |C| above 12800, and the step is above 2^-20:    step = step / 2, C = 2 C, q = 2 q
 *
 * @param masters what is there; `steps` is written to, and limited to what the new grid holds
 * @param bit of each weight's noise, 0 or 1
 * @returns the new grid
 */
export function followMasters(masters: Masters, bit: (at: number) => number): Grid {
  const { steps, mask } = masters;
  const centroids = followed(masters);
  let { scale } = masters.grid;
  const each = (change: (q: number, at: number) => number) => {
    for (const [at, q] of steps.entries()) if (mask?.[at] !== 0) steps[at] = change(q, at);
  };
  while (!fits(centroids, MOST_GAP, MOST_CENTROID)) {
    scale *= 2;
    for (const [k, C] of centroids.entries()) centroids[k] = (C + 1) >> 1;
    ascendSteps(centroids);
    each((q, at) => (q + bit(at)) >> 1);
  }
  while (scale > LEAST_SCALE && fits(centroids, FINE_GAP, FINE_CENTROID)) {
    scale /= 2;
    for (const [k, C] of centroids.entries()) centroids[k] = 2 * C;
    each((q) => 2 * q);
  }
  const grid = { centroids, scale };
  each((q) => masterOf(grid, q));
  return grid;
}

/** The centroids among their members. */
function followed({ grid, steps, places, mask }: Masters): Int32Array<ArrayBuffer> {
  const before = grid.centroids;
  const sums = new Float64Array(before.length);
  const members = new Uint32Array(before.length);
  for (const [at, q] of steps.entries()) {
    if (mask?.[at] === 0) continue;
    const k = places[at]!;
    sums[k]! += q - before[k]!;
    members[k]!++;
  }
  const most = members.reduce((best, count, k) => count > members[best]! ? k : best, 0);
  const centroids = before.map((C, k) => {
    const n = members[k]!;
    if (n > 0) return C + Math.floor((2 * sums[k]! + n) / (2 * n));
    return k === most ? C : (C + before[k < most ? k + 1 : k - 1]!) >> 1;
  });
  ascendSteps(centroids);
  return centroids;
}
