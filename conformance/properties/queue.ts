/**
 * Calls that are not waited for.
 *
 * @module
 */
import fc from "fast-check";
import type { Session, StepInput } from "../../backends/backend.ts";
import type { Stimulus } from "../stimulus.ts";
import { buildCase } from "../case.ts";
import {
  claim,
  type Property,
  recipesFor,
  type Subject,
  within,
  withSession,
} from "../property.ts";
import { roundingOf } from "../tolerance.ts";
import { type Trace, trace } from "../trace.ts";
import { sameState } from "./state.ts";

/** Starts steps without waiting, as many as may be in flight at once. */
export async function queueSteps(
  subject: Subject,
  session: Session,
  stimuli: readonly Stimulus[],
  give: (input: StepInput) => { input: StepInput; after(): void } = (input) => ({
    input,
    after() {},
  }),
): Promise<void> {
  const flying: Promise<void>[] = [];
  for (const { input, options } of stimuli) {
    const given = give(input);
    const pending = session.step(given.input, options);
    given.after();
    if (pending === undefined) continue;
    flying.push(pending);
    pending.catch(() => {});
    if (flying.length >= subject.info.maxInFlight) {
      await within(subject, "A queued step", flying.shift());
    }
  }
  await within(subject, "A queued step", Promise.all(flying));
}

/** Overwrites an input with what no model should ever see. */
function spoil(values: StepInput["frame"] | undefined): void {
  values?.fill(values instanceof Uint8Array ? 77 : NaN);
}

/** Steps that overlap. */
export const QUEUE: readonly Property[] = [
  {
    name: "queued steps do what awaited ones do",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, checkpoint, stimuli }) => {
            const awaited = await trace(await subject.device(), plan, checkpoint, stimuli);
            await queueSteps(subject, session, stimuli);
            const rounding = roundingOf(plan, "f32", stimuli.length);
            sameState(subject, await session.save(), awaited.checkpoint, rounding, "Queued");
          }),
      ),
  },
  {
    name: "frame and external input may be reused as soon as step() returns",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, checkpoint, stimuli }) => {
            const plain = await trace(await subject.device(), plan, checkpoint, stimuli);
            const first = stimuli[0]!.input;
            const frame = first.frame.slice();
            const external = first.external?.slice();
            await queueSteps(subject, session, stimuli, (input) => {
              frame.set(input.frame);
              external?.set(input.external!);
              return {
                input: external === undefined ? { frame } : { frame, external },
                after() {
                  spoil(frame);
                  spoil(external);
                },
              };
            });
            const rounding = roundingOf(plan, "f32", stimuli.length);
            sameState(subject, await session.save(), plain.checkpoint, rounding, "With one buffer");
          }),
      ),
  },
  {
    name: "two sessions on a device do not disturb each other",
    share: 0.5,
    of: (subject) =>
      fc.asyncProperty(recipesFor(subject), recipesFor(subject), async (one, two) => {
        const cases = [await buildCase(one), await buildCase(two)];
        const device = await subject.device();
        const alone: Trace[] = [];
        for (const { plan, checkpoint, stimuli } of cases) {
          alone.push(await trace(device, plan, checkpoint, stimuli));
        }
        const sessions: Session[] = [];
        for (const { plan, checkpoint } of cases) {
          sessions.push(await device.load(plan, checkpoint));
        }
        const steps = Math.max(...cases.map(({ stimuli }) => stimuli.length));
        for (let t = 0; t < steps; t++) {
          const pending = cases.map(({ stimuli }, i) => {
            const stimulus = stimuli[t];
            return stimulus && sessions[i]!.step(stimulus.input, stimulus.options);
          });
          await within(subject, "A step of two sessions", Promise.all(pending));
        }
        for (const [i, { plan, stimuli }] of cases.entries()) {
          const reports = await sessions[i]!.report();
          claim(
            reports.steps === stimuli.length,
            `One of two sessions reports ${reports.steps} steps instead of ${stimuli.length}`,
          );
          const rounding = roundingOf(plan, "f32", stimuli.length);
          const saved = await sessions[i]!.save();
          sameState(subject, saved, alone[i]!.checkpoint, rounding, "Beside another session");
        }
        for (const session of sessions) await session[Symbol.asyncDispose]();
      }),
  },
];
