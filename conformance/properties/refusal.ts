/**
 * What is accepted, and what is refused and how.
 *
 * @module
 */
import fc from "fast-check";
import { READABLE, type Readable } from "../../backends/backend.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { NARROW_FORMATS } from "../../model/weight_format.ts";
import { buildCase } from "../case.ts";
import { buildPlan } from "../plans.ts";
import { claim, failureOf, type Property, recipesFor, withSession } from "../property.ts";
import { CORE, recipes } from "../recipe.ts";
import { readLengths, stepOnce } from "../trace.ts";

/** The share of plans of the core profile (both rules, f32, delays of one step, no parts, no mask, no shift candidates, all units learn) that may be refused. */
export const MOST_REFUSED = 0.05;

const ALL = {
  delays: true,
  parts: true,
  masks: true,
  skipping: true,
  shifts: true,
  formats: NARROW_FORMATS,
};

/** Accepting and refusing. */
export const REFUSAL: readonly Property[] = [
  {
    name: `at most ${100 * MOST_REFUSED} % of the core profile is refused`,
    share: 0.01,
    of: (subject) =>
      fc.asyncProperty(
        fc.noShrink(fc.array(recipes(CORE), { minLength: 100, maxLength: 100 })),
        async (sample) => {
          const device = await subject.device();
          const verdicts = sample.map((recipe) => device.accepts(buildPlan(recipe)));
          const refused = verdicts.filter(({ ok }) => !ok);
          claim(
            refused.length <= MOST_REFUSED * sample.length,
            `${refused.length} of ${sample.length} plans are refused: ${refused[0]?.reasons[0]}`,
          );
        },
      ),
  },
  {
    name: "accepts() says what load() does, with reasons",
    of: (subject) =>
      fc.asyncProperty(recipes(ALL, { before: 0 }), async (recipe) => {
        const plan = buildPlan(recipe);
        const device = await subject.device();
        const { ok, reasons } = device.accepts(plan);
        claim(
          ok === (reasons.length === 0) && reasons.every((reason) => reason.trim().length > 10),
          `accepts() says ${ok} with these reasons: ${JSON.stringify(reasons)}`,
        );
        const failed = await failureOf(subject, "load()", async () => {
          await using _session = await device.load(plan, initialCheckpoint(plan));
        });
        claim(
          ok ? failed === undefined : failed instanceof TypeError || failed instanceof RangeError,
          `accepts() says ${ok ? "yes" : "no"} and load() ${failed ?? "takes it"}`,
        );
      }),
  },
  {
    name: "inputs that are not the plan's are refused, and nothing happens",
    share: 0.3,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, stimuli }) => {
            for (const stimulus of stimuli.slice(0, 3)) await stepOnce(session, stimulus);
            const { input: { frame, external } } = stimuli[3]!;
            const rest = external === undefined ? {} : { external };
            const wrong: Record<string, () => unknown> = {
              "a frame too short": () =>
                session.step({ frame: new Uint8Array(frameLength(plan) - 1), ...rest }),
              "a frame too long": () =>
                session.step({ frame: new Float32Array(frameLength(plan) + 3), ...rest }),
              "no frame": () => session.step({ frame: new Uint8Array(0), ...rest }),
              "too much external input": () =>
                session.step({ frame, external: new Float32Array((external?.length ?? 0) + 1) }),
              "an unknown tensor": () => session.read("weights" as Readable, new Float32Array(1)),
            };
            for (const name of READABLE) {
              wrong[`"${name}" of another length`] = () =>
                session.read(name, new Float32Array(readLengths(plan)[name] + 1));
            }
            for (const [what, call] of Object.entries(wrong)) {
              const failed = await failureOf(subject, `A call with ${what}`, call);
              claim(
                failed instanceof RangeError,
                `A call with ${what} must fail with a RangeError: ${failed ?? "it is taken"}`,
              );
            }
            await stepOnce(session, stimuli[3]!);
            const { steps } = await session.report();
            claim(steps === 4, `${steps} steps are reported after four and some that were refused`);
          }),
      ),
  },
  {
    name: "a checkpoint of another model is refused",
    share: 0.2,
    of: (subject) =>
      fc.asyncProperty(recipesFor(subject), async (recipe) => {
        const { plan, checkpoint } = await buildCase(recipe);
        const device = await subject.device();
        const { encoder: _, ...missing } = checkpoint.tensors;
        const longer = new Float32Array(checkpoint.tensors["hidden"]!.length + 1);
        const wrong = {
          "without an encoder": missing,
          "with a longer tensor": { ...checkpoint.tensors, hidden: longer },
          "with an unknown tensor": { ...checkpoint.tensors, readout: new Float32Array(1) },
        };
        for (const [what, tensors] of Object.entries(wrong)) {
          const failed = await failureOf(
            subject,
            `load() ${what}`,
            () => device.load(plan, { ...checkpoint, tensors }),
          );
          claim(
            failed instanceof TypeError,
            `A checkpoint ${what} must be a TypeError: ${failed ?? "it is loaded"}`,
          );
        }
      }),
  },
  {
    name: "a device that there is not is refused",
    share: 0.01,
    of: (subject) =>
      fc.asyncProperty(fc.constant("no such device"), async (id) => {
        const failed = await failureOf(subject, "open()", () => subject.backend.open(id));
        claim(
          failed instanceof RangeError,
          `open() of a device that there is not must be a RangeError: ${failed ?? "it opens"}`,
        );
      }),
  },
];
