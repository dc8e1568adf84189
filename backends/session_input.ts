/**
 * What every session checks and converts before a step, and what it answers to `read`.
 *
 * @module
 */
import { frameLength, type Plan } from "../model/plan.ts";
import { READABLE, type Readable, type StepInput, type StepOptions } from "./backend.ts";

/**
 * Refuses inputs that are not the plan's.
 *
 * @throws {RangeError} for a wrong length
 * @throws {TypeError} for deep dream
 */
export function checkInput(plan: Plan, input: StepInput, options?: StepOptions): void {
  const frame = frameLength(plan);
  if (input.frame.length !== frame) {
    throw new RangeError(`The frame has ${input.frame.length} values, the plan needs ${frame}`);
  }
  const external = plan.external.motion + plan.external.parts;
  const given = input.external?.length ?? 0;
  if (given !== external) {
    throw new RangeError(`The external input has ${given} values, the plan needs ${external}`);
  }
  if (options?.deepDream) throw new TypeError("This backend does not do deep dream");
}

/** Copies a frame, as values in [0, 1]. */
export function writeFrame(
  frame: StepInput["frame"],
  to: { [index: number]: number; set(from: ArrayLike<number>): void },
): void {
  if (!(frame instanceof Uint8Array)) return to.set(frame);
  for (let i = 0; i < frame.length; i++) to[i] = frame[i]! / 255;
}

/** Refuses to read what there is not, naming what there is. */
export function checkReadable(name: string, length: number, into: ArrayLike<number>): void {
  if (!READABLE.includes(name as Readable)) {
    throw new RangeError(`There is no tensor "${name}" to read: there are ${READABLE.join(", ")}`);
  }
  if (into.length !== length) {
    throw new RangeError(`Tensor "${name}" has ${length} values, not ${into.length}`);
  }
}
