/**
 * Models of codebooks that only predict: weights without what learning keeps beside their centroids.
 *
 * @module
 */
import type { Tensor } from "../model/checkpoint.ts";
import { nearestCentroid } from "../model/codebook.ts";
import type { Plan } from "../model/plan.ts";
import {
  codebookSize,
  formatOf,
  isCodebookFormat,
  matricesOf,
  type WeightFormat,
} from "../model/weight_format.ts";

/**
 * Refuses formats that keep nothing for learning alone.
 *
 * @param format of the weights
 * @throws {RangeError} where it has no codebooks
 */
export function checkPredictOnly(format: WeightFormat): void {
  if (isCodebookFormat(format)) return;
  throw new RangeError(
    `Weights of ${format} have nothing that only learning needs: take codebook4 or codebook2`,
  );
}

/**
 * Puts every weight where products read it: at its centroid. A file then has half a byte a weight, or a quarter, instead of one more, and
 * predicts the same; what had been learned since a weight came to its centroid is gone.
 *
 * @param plan a model of codebooks
 * @param tensors its state
 * @returns the state with other matrices
 * @throws {RangeError} where the format has no codebooks
 */
export function predictOnly(
  plan: Plan,
  tensors: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  checkPredictOnly(formatOf(plan));
  const size = codebookSize(formatOf(plan));
  const out = { ...tensors };
  for (const name of ["encoder", "decoder"] as const) out[name] = tensors[name]!.slice();
  for (const { name, unit, begin, rows, columns } of matricesOf(plan)) {
    const centroids = tensors[`${name}.codebook`]!.subarray(unit * size, (unit + 1) * size);
    const weights = out[name]!;
    for (let at = begin; at < begin + rows * columns; at++) {
      if (plan.mask?.[name][at] === 0) continue;
      weights[at] = centroids[nearestCentroid(centroids, weights[at]!)]!;
    }
  }
  return out;
}
