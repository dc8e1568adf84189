/**
 * Calls that overlap, in orders that fast-check chooses.
 *
 * @module
 */
import fc from "fast-check";
import type { StepReports } from "../../backends/backend.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import {
  claim,
  type Property,
  recipesFor,
  storedFormat,
  within,
  withSession,
} from "../property.ts";
import { deviation, roundingOf } from "../tolerance.ts";
import { readLengths, readOf, stepOnce } from "../trace.ts";
import { sameState } from "./state.ts";

/** Overlapping calls. */
export const RACES: Property = {
  name: "steps, reports, reads and saves that overlap do not disturb each other",
  share: 0.5,
  of: (subject) =>
    fc.asyncProperty(
      recipesFor(subject),
      fc.scheduler(),
      (recipe, scheduler) =>
        withSession(subject, recipe, async (session, { plan, checkpoint, stimuli }) => {
          // In peace: what it saves after every step, and all errors.
          const states: Checkpoint[] = [];
          const device = await subject.device();
          const calm = await device.load(plan, checkpoint);
          states.push(await calm.save());
          for (const stimulus of stimuli) {
            await stepOnce(calm, stimulus);
            states.push(await calm.save());
          }
          const { mse } = await calm.report();
          await calm[Symbol.asyncDispose]();

          const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
          const reports: StepReports[] = [];
          const saved: Checkpoint[] = [];
          const stepping = async () => {
            const flying: (Promise<void> | void)[] = [];
            for (const { input, options } of stimuli) {
              await turn("step");
              if (flying.length >= subject.info.maxInFlight) await flying.shift();
              flying.push(session.step(input, options));
            }
            await Promise.all(flying);
          };
          const reporting = async () => {
            for (let i = 0; i < 4; i++) {
              await turn("report");
              reports.push(await session.report());
            }
          };
          const saving = async () => {
            for (let i = 0; i < 3; i++) {
              await turn("save");
              saved.push(await session.save());
            }
          };
          const reading = async () => {
            for (const name of ["prediction", "hidden", "error"] as const) {
              await turn(`read ${name}`);
              const values = await readOf(session, plan, name);
              claim(
                values.length === readLengths(plan)[name] && values.every(Number.isFinite),
                `read("${name}") beside other calls is not finite`,
              );
            }
          };
          const all = Promise.all([stepping(), reporting(), saving(), reading()]);
          await within(subject, "Overlapping calls", scheduler.waitFor(all));
          reports.push(await session.report());

          const rounding = roundingOf(plan, storedFormat(subject, plan), stimuli.length);
          let next = checkpoint.step;
          for (const { firstStep, steps } of reports) {
            claim(firstStep === next, `A report begins with step ${firstStep} instead of ${next}`);
            next += steps;
          }
          const errors = reports.flatMap((report) => [...report.mse]);
          const limit = subject.info.deterministic ? 0 : rounding;
          claim(deviation(errors, mse) <= limit, "Overlapping calls change the errors");
          for (const state of [...saved, await session.save()]) {
            const want = states[state.step - checkpoint.step];
            claim(
              want !== undefined,
              `A checkpoint is of step ${state.step}, which was not asked for`,
            );
            sameState(subject, state, want, rounding, `Saved beside other calls at ${state.step}`);
          }
        }),
    ),
};
