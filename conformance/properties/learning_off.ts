/**
 * `learn: false` leaves every bit of what was learned, and everything else goes on.
 *
 * @module
 */
import fc from "fast-check";
import { claim, type Property, recipesFor, withSession } from "../property.ts";
import { stepOnce } from "../trace.ts";

/** What a step without learning leaves as it is (design of the contract: weights, momentum, combiner, means, extremes). */
const LEARNED = /^(en|de)coder|^combiner|^variance$|^power$|^error\.mean$|^minimum$|^maximum$/;

/** Steps without learning. */
export const LEARNING_OFF: Property = {
  name: "learn: false leaves every bit of what was learned",
  of: (subject) =>
    fc.asyncProperty(
      recipesFor(subject, { learn: "always", before: 3, stimulus: "noise" }),
      (recipe) =>
        withSession(subject, recipe, async (session, { stimuli }) => {
          const half = stimuli.length >> 1;
          for (const stimulus of stimuli.slice(0, half)) await stepOnce(session, stimulus);
          const before = await session.save();
          for (const { input, options } of stimuli.slice(half)) {
            await stepOnce(session, { input, options: { ...options, learn: false } });
          }
          const after = await session.save();
          claim(
            after.step === before.step + stimuli.length - half && after.learned === before.learned,
            `After ${stimuli.length - half} steps without learning it counts ${
              after.step - before.step
            } steps, ${after.learned - before.learned} of them learned`,
          );
          for (const [name, values] of Object.entries(before.tensors)) {
            const same = values.every((value: number, i: number) =>
              Object.is(after.tensors[name]![i], value)
            );
            if (LEARNED.test(name)) claim(same, `"${name}" changes in steps that do not learn`);
            else if (name === "frame") claim(!same, `"${name}" stands still without learning`);
          }
        }),
    ),
};
