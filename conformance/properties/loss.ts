/**
 * A device that is gone says so: it neither hangs nor invents.
 *
 * @module
 */
import fc from "fast-check";
import { DeviceLostError, type Session } from "../../backends/backend.ts";
import { buildCase } from "../case.ts";
import { claim, failureOf, type Property, recipesFor, within } from "../property.ts";
import { stepOnce, trace } from "../trace.ts";
import { agree } from "./agreement.ts";

/** Loss. */
export const LOSS: readonly Property[] = [
  {
    name: "every call on a device that is gone fails at once, and says why",
    share: 0.1,
    of: (subject) =>
      fc.asyncProperty(recipesFor(subject), fc.nat({ max: 5 }), async (recipe, before) => {
        const built = await buildCase(recipe);
        const { plan, checkpoint, stimuli } = built;
        const device = await within(subject, "open()", subject.backend.open(subject.info.id));
        const session = await device.load(plan, checkpoint);
        for (const stimulus of stimuli.slice(0, before)) await stepOnce(session, stimulus);
        // One step is under way when it goes.
        const flying = failureOf(
          subject,
          "A step under way",
          () => stepOnce(session, stimuli[before]!),
        );
        await within(subject, "Disposing the device", device[Symbol.asyncDispose]());
        const under = await flying;
        claim(
          under === undefined || under.name === DeviceLostError.name,
          `A step under way fails with ${under?.name}: ${under?.message}`,
        );
        const { reason, message } = await within(subject, "device.lost", device.lost);
        claim(
          ["destroyed", "unknown"].includes(reason) && typeof message === "string",
          `device.lost says ${reason}, ${message}`,
        );
        const calls: Record<string, (session: Session) => unknown> = {
          step: (session) => session.step(stimuli[0]!.input),
          report: (session) => session.report(),
          save: (session) => session.save(),
          read: (session) =>
            session.read("hidden", new Float32Array(plan.hidden * plan.layerStart.at(-1)!)),
        };
        for (const [name, call] of Object.entries(calls)) {
          const failed = await failureOf(
            subject,
            `${name}() of a lost device`,
            () => call(session),
          );
          claim(
            failed?.name === DeviceLostError.name,
            `${name}() of a lost device must fail with a DeviceLostError: ${
              failed ?? "it does not"
            }`,
          );
        }
        const load = await failureOf(
          subject,
          "load() of a lost device",
          () => device.load(plan, checkpoint),
        );
        claim(load !== undefined, "A lost device loads a model");
        await within(subject, "Disposing a lost session", session[Symbol.asyncDispose]());

        // Opened again, it is as good as before.
        await using again = await within(subject, "open()", subject.backend.open(subject.info.id));
        await agree(subject, built, await trace(again, plan, checkpoint, stimuli));
      }),
  },
];
