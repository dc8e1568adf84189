/**
 * Codebooks: the few values that the weights of a matrix have, its centroids, in ascending order.
 *
 * @module
 */
import type { Tensor } from "./checkpoint.ts";

/** Rounds of k-means at most; it mostly rests before. */
const ROUNDS = 50;

/**
 * The centroid nearest to a weight, the lower one of two that are as near.
 *
 * @param centroids in ascending order
 * @param weight a number
 * @returns its place
 */
export function nearestCentroid(centroids: ArrayLike<number>, weight: number): number {
  let k = 0;
  while (k + 1 < centroids.length && centroids[k + 1]! - weight < weight - centroids[k]!) k++;
  return k;
}

/**
 * The codebook of some weights: k-means on a line, begun at the quantiles of the values that occur. Weights of no more values than
 * there are centroids keep them, and the centroids to spare lie outside of them, 1 / size apart: what learns can go there.
 *
 * Weights are sorted once, and the mean of a run of them is a difference of two sums: exact and fast for millions of them.
 *
 * @param weights finite numbers in any order
 * @param size how many centroids
 * @returns numbers of f32, none below the one before; `snap` keeps them apart
 */
export function makeCodebook(weights: Tensor, size: number): Float32Array<ArrayBuffer> {
  // A sum with 0 makes a zero of every -0.
  const sorted = Float64Array.from(weights, (weight) => Math.fround(weight) + 0).sort();
  const values = sorted.filter((weight, i) => i === 0 || weight !== sorted[i - 1]);
  return values.length <= size ? spread(values, size) : kMeans(sorted, values, size);
}

/** The values, and centroids outside of them, above and below in turn. */
function spread(values: Float64Array, size: number): Float32Array<ArrayBuffer> {
  const out = values.length === 0 ? [0] : [...values];
  for (let above = true; out.length < size; above = !above) {
    if (above) out.push(out.at(-1)! + 1 / size);
    else out.unshift(out[0]! - 1 / size);
  }
  return Float32Array.from(out);
}

function kMeans(
  sorted: Float64Array,
  values: Float64Array,
  size: number,
): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(sorted.length + 1);
  for (const [i, weight] of sorted.entries()) sums[i + 1] = sums[i]! + weight;
  let centroids = Float64Array.from(
    { length: size },
    (_, k) => values[Math.floor((k + 0.5) * values.length / size)]!,
  );
  for (let round = 0; round < ROUNDS; round++) {
    let begin = 0;
    const next = centroids.map((centroid, k) => {
      const end = k + 1 === size
        ? sorted.length
        : countUpTo(sorted, (centroid + centroids[k + 1]!) / 2);
      const [from, members] = [begin, end - begin];
      begin = end;
      return members > 0 ? (sums[end]! - sums[from]!) / members : centroid;
    });
    const rests = next.every((centroid, k) => centroid === centroids[k]);
    centroids = next;
    if (rests) break;
  }
  return Float32Array.from(centroids, (centroid) => centroid + 0);
}

/** How many of ascending numbers are at most a limit. */
function countUpTo(sorted: Float64Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
