/**
 * What it computes is what the reference computes.
 *
 * @module
 */
import fc from "fast-check";
import type { Device } from "../../backends/backend.ts";
import { backend as reference } from "../../backends/reference/backend.ts";
import { buildCase, type Case } from "../case.ts";
import {
  claim,
  type Property,
  recipesFor,
  storedFormat,
  type Subject,
  within,
} from "../property.ts";
import type { Recipe } from "../recipe.ts";
import { compare, deviation, roundingOf } from "../tolerance.ts";
import { type Trace, trace } from "../trace.ts";

const EXACT: Promise<Device> = reference.open("f64");
const ROUNDED: Promise<Device> = reference.open("f32");

/**
 * Compares a trace with what the reference makes of the same case.
 *
 * @throws {Error} where rounding does not explain the difference
 */
export async function agree(subject: Subject, built: Case, got: Trace): Promise<void> {
  const { plan, checkpoint, stimuli } = built;
  const want = await trace(await EXACT, plan, checkpoint, stimuli);
  const rounded = await trace(await ROUNDED, plan, checkpoint, stimuli);
  compare(got, want, rounded, roundingOf(plan, storedFormat(subject, plan), stimuli.length));
}

async function agrees(subject: Subject, recipe: Recipe): Promise<Trace> {
  const built = await buildCase(recipe);
  const device = await subject.device();
  const { plan, checkpoint, stimuli } = built;
  const got = await within(subject, "A run", trace(device, plan, checkpoint, stimuli));
  await agree(subject, built, got);
  return got;
}

function agreement(name: string, fixed: Partial<Recipe>): Property {
  return {
    name,
    of: (subject) =>
      fc.asyncProperty(recipesFor(subject, fixed), async (recipe) => {
        await agrees(subject, recipe);
      }),
  };
}

/** Agreement with the reference, in all that can be seen. */
export const AGREEMENT: readonly Property[] = [
  agreement("steps that learn agree with the reference", { learn: "always" }),
  agreement("steps that learn now and then, at other rates, agree with the reference", {
    learn: "sometimes",
    rates: true,
  }),
  agreement("steps that do not learn agree with the reference", { learn: "never" }),
  agreement("a new model agrees with the reference from its first step", { before: 0 }),
  {
    name: "a single unit that sees black, white and odd sizes agrees with the reference",
    share: 0.5,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { stimulus: "extremes", layers: [1] }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        async (recipe, hidden, height) => {
          await agrees(subject, { ...recipe, hidden, height, width: 2 * hidden - 1 });
        },
      ),
  },
  {
    name: "what it predicts is finite, and follows what it sees",
    share: 0.3,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { stimulus: "noise", before: 3 }),
        async (recipe) => {
          const { plan, checkpoint, stimuli } = await buildCase(recipe);
          const device = await subject.device();
          const [a, b] = [
            await trace(device, plan, checkpoint, stimuli.slice(0, 4)),
            await trace(device, plan, checkpoint, stimuli.slice(0, 5)),
          ];
          const values = [...a.reads.prediction, ...a.reads.hidden, ...a.mse];
          claim(
            values.every(Number.isFinite),
            "A prediction, hidden output or error is not finite",
          );
          const still = b.reads.prediction.every((value, i) => value === a.reads.prediction[i]);
          if (!still) return;
          // Units may be saturated: then those of the reference stay the same as well.
          const exact = await EXACT;
          const c = await trace(exact, plan, checkpoint, stimuli.slice(0, 4));
          const d = await trace(exact, plan, checkpoint, stimuli.slice(0, 5));
          claim(
            deviation(d.reads.prediction, c.reads.prediction) < 1e-5,
            "Its predictions stay the same though every frame is another",
          );
        },
      ),
  },
];
