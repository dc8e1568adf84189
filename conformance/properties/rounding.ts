/**
 * Narrow weights are rounded as `model/noise.ts` and `backends/reference/rounding.ts` say, weight by weight, those of codebooks
 * as `backends/reference/codebook_learning.ts`.
 *
 * @module
 */
import fc from "fast-check";
import { fromBfloat, toBfloat } from "../../model/bfloat.ts";
import { backend as reference } from "../../backends/reference/backend.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { MOST_STEPS } from "../../model/fixed_point.ts";
import { codebookFault } from "../../model/check_codebooks.ts";
import { fromHalf, toHalf } from "../../model/half.ts";
import type { Plan } from "../../model/plan.ts";
import { formatOf, isCodebookFormat, matricesOf } from "../../model/weight_format.ts";
import { buildCase } from "../case.ts";
import { claim, type Property, recipesFor, type Subject } from "../property.ts";
import type { Recipe } from "../recipe.ts";
import { trace } from "../trace.ts";

const ROUNDED = reference.open("f32");

/**
 * The share of weights that may fall on the other side of their noise: where sums are added in another order a term differs in its last
 * bits, and one that is large beside a step of the grid differs by a hundredth of it. Of small matrices a few may.
 */
const MOST_OTHER = 0.1;
const FEW = 3;
/** Weights that are nearer are equal: near 0 the grid of floats is as fine as what is left where sums cancel. */
const NEAR = 2 ** -22;

/** What narrow weights are, in the order in which a difference is told. */
const LEARNED = ["encoder", "decoder"].flatMap((name) => [
  name,
  `${name}.scale`,
  `${name}.codebook`,
]);

/** Cases of narrow weights. */
function narrowRecipes(subject: Subject, fixed: Partial<Recipe>): fc.Arbitrary<Recipe> {
  return fc.constantFrom(...subject.features.formats).chain((format) =>
    recipesFor(subject, { ...fixed, format })
  );
}

/** Asserts that every weight of a checkpoint that is kept is a number of its format. */
function onGrid(plan: Plan, { tensors }: Checkpoint): void {
  const format = formatOf(plan);
  if (isCodebookFormat(format)) {
    const fault = codebookFault(plan, tensors);
    claim(fault === undefined, `${fault}`);
    return;
  }
  const nearest = format === "f16"
    ? (weight: number) => fromHalf(toHalf(weight))
    : (weight: number) => fromBfloat(toBfloat(weight));
  for (const { name, unit, begin, rows, columns, scale: first } of matricesOf(plan)) {
    const scales = tensors[`${name}.scale`];
    for (let at = begin, i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, at++) {
        if (plan.mask?.[name][at] === 0) continue;
        const weight = tensors[name]![at]!;
        const scale = scales?.[first + (name === "encoder" ? i : j)];
        const steps = weight / (scale ?? 1);
        const fits = scale === undefined
          ? nearest(weight) === weight
          : Number.isInteger(steps) && Math.abs(steps) <= MOST_STEPS &&
            Number.isInteger(Math.log2(scale));
        claim(
          fits,
          `${name} ${unit} has a weight ${weight} at row ${i}, column ${j}, which is no ${format}${
            scale === undefined ? "" : ` with a scale of ${scale}`
          }`,
        );
      }
    }
  }
}

/** Rounding. */
export const ROUNDING: readonly Property[] = [
  {
    name: "narrow weights are rounded by the noise of their place and step",
    needs: "formats",
    of: (subject) =>
      fc.asyncProperty(
        narrowRecipes(subject, { learn: "always", rates: false, scheduled: false }),
        fc.integer({ min: 2, max: 5 }),
        async (recipe, before) => {
          const { plan, checkpoint, stimuli } = await buildCase({ ...recipe, before });
          const device = await subject.device();
          // One step: of i8, what falls on the other side may be read as another byte in the next.
          const few = stimuli.slice(0, 1);
          const { tensors: got } = (await trace(device, plan, checkpoint, few)).checkpoint;
          const { tensors: want } = (await trace(await ROUNDED, plan, checkpoint, few)).checkpoint;
          for (const name of LEARNED) {
            if (want[name] === undefined) continue;
            let [moved, other, first] = [0, 0, -1];
            for (const [i, value] of want[name].entries()) {
              const kept = name === "encoder" || name === "decoder"
                ? plan.mask?.[name][i] !== 0
                : true;
              if (!kept) continue;
              if (value !== checkpoint.tensors[name]![i]) moved++;
              const off = Math.abs(value - got[name]![i]!);
              if (off <= NEAR) continue;
              other++;
              if (first < 0) first = i;
            }
            claim(
              other <= FEW + MOST_OTHER * moved,
              `${other} of "${name}" are not what the reference has, ${moved} have moved; the first: ${
                got[name]![first]
              } at ${first} instead of ${want[name][first]}`,
            );
          }
        },
      ),
  },
  {
    name: "narrow weights stay numbers of their format",
    needs: "formats",
    of: (subject) =>
      fc.asyncProperty(narrowRecipes(subject, {}), async (recipe) => {
        const { plan, checkpoint, stimuli } = await buildCase(recipe);
        const device = await subject.device();
        onGrid(plan, (await trace(device, plan, checkpoint, stimuli)).checkpoint);
      }),
  },
];
