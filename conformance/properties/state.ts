/**
 * What is saved is the whole state, and belongs to whoever saved it.
 *
 * @module
 */
import fc from "fast-check";
import { backend as reference } from "../../backends/reference/backend.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { checkState } from "../../model/state.ts";
import { buildCase } from "../case.ts";
import { claim, type Property, recipesFor, type Subject, withSession } from "../property.ts";
import { deviation, roundingOf } from "../tolerance.ts";
import { observe, stepOnce, trace } from "../trace.ts";
import { agree } from "./agreement.ts";

/** Asserts that two checkpoints are equal, bit for bit. */
export function sameCheckpoint(got: Checkpoint, want: Checkpoint, what: string): void {
  claim(
    got.step === want.step && got.learned === want.learned,
    `${what}: step ${got.step} (${got.learned} learned) instead of ${want.step} (${want.learned})`,
  );
  for (const [name, values] of Object.entries(want.tensors)) {
    const at = values.findIndex((value: number, i: number) =>
      !Object.is(got.tensors[name]?.[i], value)
    );
    claim(
      at < 0,
      `${what}: "${name}"[${at}] is ${got.tensors[name]?.[at]} instead of ${values[at]}`,
    );
  }
}

/** Two traces of one backend: equal bits where it says that it is deterministic, rounding apart where not. */
export function sameState(
  subject: Subject,
  got: Checkpoint,
  want: Checkpoint,
  rounding: number,
  what: string,
): void {
  if (subject.info.deterministic) return sameCheckpoint(got, want, what);
  for (const [name, values] of Object.entries(want.tensors)) {
    const off = deviation(got.tensors[name] ?? [], values, name);
    claim(off <= rounding, `${what}: "${name}" is ${off.toExponential(1)} off`);
  }
}

/** Saving, loading, reading. */
export const STATE: readonly Property[] = [
  {
    name: "a checkpoint resumes where it was saved, bit for bit",
    unless: ({ deterministic }) => deterministic ? undefined : "not deterministic",
    of: (subject) =>
      fc.asyncProperty(recipesFor(subject), fc.nat(), async (recipe, cut) => {
        const { plan, checkpoint, stimuli } = await buildCase(recipe);
        const device = await subject.device();
        const whole = await trace(device, plan, checkpoint, stimuli);
        const at = cut % (stimuli.length + 1);
        const first = await trace(device, plan, checkpoint, stimuli.slice(0, at));
        const rest = await trace(device, plan, first.checkpoint, stimuli.slice(at));
        sameCheckpoint(rest.checkpoint, whole.checkpoint, `Saved and loaded after ${at} steps`);
        const mse = [...first.mse, ...rest.mse];
        claim(
          whole.mse.every((value, i) => Object.is(value, mse[i])),
          `Saved and loaded after ${at} steps, it reports other errors`,
        );
      }),
  },
  {
    name: "a checkpoint saved here resumes on the reference, and one of the reference here",
    of: (subject) =>
      fc.asyncProperty(recipesFor(subject), fc.nat(), async (recipe, cut) => {
        const built = await buildCase(recipe);
        const { plan, checkpoint, stimuli } = built;
        const device = await subject.device();
        const other = await reference.open(subject.info.formats[0] === "f64" ? "f64" : "f32");
        // The last step is taken here: an error is of the step before.
        const at = cut % (stimuli.length - 1);
        const first = await trace(device, plan, checkpoint, stimuli.slice(0, at));
        checkState(plan, first.checkpoint);
        const middle = await trace(other, plan, first.checkpoint, stimuli.slice(at, at + 1));
        const last = await trace(device, plan, middle.checkpoint, stimuli.slice(at + 1));
        const mse = Float64Array.of(...first.mse, ...middle.mse, ...last.mse);
        await agree(subject, built, { ...last, mse });
      }),
  },
  {
    name: "save() changes nothing, and what it gave stays as it is",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, checkpoint, stimuli }) => {
            const device = await subject.device();
            const plain = await trace(device, plan, checkpoint, stimuli);
            const copies: [Checkpoint, Checkpoint][] = [];
            for (const stimulus of stimuli) {
              const saved = await session.save();
              copies.push([saved, structuredClone(saved)]);
              for (const tensor of Object.values((await session.save()).tensors)) tensor.fill(NaN);
              await stepOnce(session, stimulus);
            }
            for (const [saved, copy] of copies) {
              sameCheckpoint(saved, copy, "What was saved changed");
            }
            const rounding = roundingOf(plan, "f32", stimuli.length);
            sameState(subject, await session.save(), plain.checkpoint, rounding, "After saving");
          }),
      ),
  },
  {
    name: "read() gives what save() gives",
    share: 0.5,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, stimuli }) => {
            for (const half of [stimuli.slice(0, 4), stimuli.slice(4)]) {
              for (const stimulus of half) await stepOnce(session, stimulus);
              const { reads, checkpoint: { tensors } } = await observe(
                session,
                plan,
                await session.report(),
              );
              const same = (name: string, a: ArrayLike<number>, b: ArrayLike<number>) =>
                claim(deviation(a, b) <= 2 ** -23, `read("${name}") is not what is saved`);
              same("prediction", reads.prediction, tensors["prediction"]!);
              same("signal", reads.signal, tensors["signal"]!);
              same("hidden", reads.hidden, tensors["published"]!.subarray(0, reads.hidden.length));
              const narrow = new Float32Array(reads.prediction.length);
              await session.read("prediction", narrow);
              same("prediction", narrow, reads.prediction);
            }
          }),
      ),
  },
];
