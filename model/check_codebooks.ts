/**
 * Whether the codebooks of a state are codebooks, and its weights in them.
 *
 * @module
 */
import type { Tensor } from "./checkpoint.ts";
import { gridFault, gridOf, masterOf } from "./codebook_grid.ts";
import type { Plan } from "./plan.ts";
import { codebookSize, formatOf, matricesOf, type MatrixPlace } from "./weight_format.ts";

/**
 * What is wrong with the codebook of a matrix.
 *
 * @param place whose
 * @param centroids the codebook
 * @param scale its step
 * @returns a clause, or nothing
 */
export function badCodebook(
  { name, unit }: Pick<MatrixPlace, "name" | "unit">,
  centroids: ArrayLike<number>,
  scale: number,
): string | undefined {
  const fault = gridFault(centroids, scale);
  return fault === undefined ? undefined : `the codebook of the ${name} of unit ${unit} ${fault}`;
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
    const scale = tensors[`${name}.scale`]![unit]!;
    const bad = badCodebook(place, centroids, scale);
    if (bad !== undefined) return bad;
    const grid = gridOf(centroids, scale);
    const weights = tensors[name]!;
    for (let at = begin; at < begin + rows * columns; at++) {
      const steps = weights[at]! / scale;
      if (plan.mask?.[name][at] === 0 || masterOf(grid, steps) === steps) continue;
      return `weight ${at} of the ${name} is ${
        weights[at]
      }, which is not within the codebook of unit ${unit}`;
    }
  }
  return undefined;
}
