/**
 * Whether the codebooks of a state are codebooks, and its weights in them.
 *
 * @module
 */
import type { Tensor } from "./checkpoint.ts";
import { isCodebook, placeOf } from "./codebook.ts";
import type { Plan } from "./plan.ts";
import { codebookSize, formatOf, matricesOf, type MatrixPlace } from "./weight_format.ts";

/**
 * What is wrong with the codebook of a matrix.
 *
 * @param place whose
 * @param centroids the codebook
 * @returns a clause, or nothing
 */
export function badCodebook(
  { name, unit }: Pick<MatrixPlace, "name" | "unit">,
  centroids: ArrayLike<number>,
): string | undefined {
  return isCodebook(centroids)
    ? undefined
    : `the codebook of the ${name} of unit ${unit} is not finite and ascending (${
      Array.from(centroids).join(", ")
    })`;
}

/**
 * The first thing that is wrong with the codebooks of a state, whose tensors have the lengths of the plan.
 *
 * @param plan the model
 * @param tensors its state
 * @returns a clause; nothing where all is well, or the plan's format has no codebooks
 */
export function codebookFault(
  plan: Plan,
  tensors: Readonly<Record<string, Tensor>>,
): string | undefined {
  const size = codebookSize(formatOf(plan));
  if (size === 0) return undefined;
  for (const place of matricesOf(plan)) {
    const { name, unit, begin, rows, columns } = place;
    const centroids = tensors[`${name}.codebook`]!.subarray(unit * size, (unit + 1) * size);
    const bad = badCodebook(place, centroids);
    if (bad !== undefined) return bad;
    const weights = tensors[name]!;
    for (let at = begin; at < begin + rows * columns; at++) {
      if (plan.mask?.[name][at] === 0 || placeOf(centroids, weights[at]!) >= 0) continue;
      return `weight ${at} of the ${name} is ${
        weights[at]
      }, which is not in the codebook of unit ${unit}`;
    }
  }
  return undefined;
}
