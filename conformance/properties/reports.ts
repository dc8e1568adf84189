/**
 * `report` gives each step's error once, in order.
 *
 * @module
 */
import fc from "fast-check";
import { backend as reference } from "../../backends/reference/backend.ts";
import { claim, failureOf, type Property, recipesFor, withSession } from "../property.ts";
import { deviation, roundingOf } from "../tolerance.ts";
import { stepOnce, trace } from "../trace.ts";

/** Reports. */
export const REPORTS: readonly Property[] = [
  {
    name: "each step's error is reported once, in order, whenever it is asked for",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject),
        fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
        (recipe, asks) =>
          withSession(subject, recipe, async (session, { plan, checkpoint, stimuli }) => {
            const layers = plan.layerStart.length - 1;
            const whole = await trace(await subject.device(), plan, checkpoint, stimuli);
            const mse: number[] = [];
            let next = checkpoint.step;
            const drain = async () => {
              const report = await session.report();
              claim(
                report.firstStep === next,
                `A report begins with step ${report.firstStep} instead of ${next}`,
              );
              claim(
                report.mse.length === report.steps * layers,
                `${report.steps} steps of ${layers} layers are reported with ${report.mse.length} errors`,
              );
              for (const [what, total] of Object.entries(report)) {
                claim(
                  typeof total !== "number" || Number.isFinite(total) && total >= 0,
                  `A report says ${what} ${total}`,
                );
              }
              const worked = report.macs > 0 && report.bytesRead > 0;
              claim(
                worked === report.steps > 0,
                `${report.steps} steps are reported with ${report.macs} multiply-accumulates, ${report.bytesRead} bytes read`,
              );
              next += report.steps;
              mse.push(...report.mse);
            };
            for (const [i, stimulus] of stimuli.entries()) {
              await stepOnce(session, stimulus);
              if (asks[i]) await drain();
            }
            await drain();
            claim(
              next === checkpoint.step + stimuli.length,
              `${next - checkpoint.step} of ${stimuli.length} steps were reported`,
            );
            const limit = subject.info.deterministic ? 0 : roundingOf(plan, "f32", stimuli.length);
            claim(
              deviation(mse, whole.mse) <= limit,
              "The errors depend on when they are asked for",
            );
          }),
      ),
  },
  {
    name: "units that skip learning are counted, and only they",
    needs: "skipping",
    share: 0.5,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { format: "f32", skip: 50, surprise: 60, learn: "sometimes" }),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, checkpoint, stimuli }) => {
            await using device = await reference.open("f64");
            await using exact = await device.load(plan, checkpoint);
            for (const stimulus of stimuli) {
              await stepOnce(session, stimulus);
              await stepOnce(exact, stimulus);
            }
            const { skipped } = await session.report();
            const { skipped: want } = await exact.report();
            claim(
              skipped === want,
              `It reports that units skipped ${skipped} times, it should be ${want}`,
            );
          }),
      ),
  },
  {
    name: "an error that was not reported yet is never overwritten",
    share: 0.02,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { layers: [1], hidden: 1, width: 2, height: 1, contexts: 1, steps: 8 }),
        (recipe) =>
          withSession(subject, recipe, async (session, { checkpoint, stimuli }) => {
            const { reportCapacity } = subject.info;
            claim(reportCapacity >= 1024, `The device keeps ${reportCapacity} reports, not 1024`);
            const step = (i: number) => stepOnce(session, stimuli[i % stimuli.length]!);
            for (let i = 0; i < 5; i++) await step(i);
            const begin = await session.report();
            for (let i = 5; i < reportCapacity + 5; i++) await step(i);
            const refused = await failureOf(subject, "A step without room", () => step(0));
            claim(
              refused instanceof RangeError,
              `A step whose report has no room must be a RangeError: ${refused ?? "it is taken"}`,
            );
            const full = await session.report();
            claim(
              full.firstStep === checkpoint.step + begin.steps && full.steps === reportCapacity,
              `${full.steps} steps from ${full.firstStep} on are reported, not ${reportCapacity}`,
            );
            claim(full.mse.every(Number.isFinite), "An error in a full report is not finite");
            await step(0);
            const { firstStep, steps } = await session.report();
            claim(
              firstStep === full.firstStep + reportCapacity && steps === 1,
              "A refused step counts, or the step after it does not",
            );
          }),
      ),
  },
];
