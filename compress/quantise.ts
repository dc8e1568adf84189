/**
 * Checkpoints in another weight format, and what they lose by it.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import type { Plan } from "../model/plan.ts";
import { predictOnly } from "./predict_only.ts";
import { roundToFormat, type WeightFormat } from "../model/weight_format.ts";

/** What the weights of one kind of matrix lost. */
export interface Loss {
  /** Root mean square of the weights that are kept, before. */
  readonly rms: number;
  /** Root mean square of their changes. */
  readonly rmsError: number;
  /** The largest change. */
  readonly largestError: number;
}

/** A checkpoint in another format. */
export interface Quantised {
  /** The model: its format and nothing else is another. */
  readonly plan: Plan;
  /** Its state, on the grid of the format. */
  readonly checkpoint: Checkpoint;
  /** What was lost; all 0 where the old grid lies within the new one. */
  readonly lost: Readonly<Record<"encoder" | "decoder", Loss>>;
}

/** How a checkpoint is rounded. */
export interface QuantiseOptions {
  /** Whether weights of codebooks keep nothing beside their centroids (`predictOnly`). Default false. */
  readonly predictOnly?: boolean;
}

/**
 * Rounds the weights of a checkpoint to the nearest numbers of a format. What was deferred is written first.
 *
 * @param plan the model, in any format
 * @param checkpoint its state
 * @param format the format it is to have
 * @param options how
 * @returns the model and its state, and what they lost; what was given stays as it is
 * @throws {RangeError} where a weight is not finite, or too large for the format, or it is to predict only and has no codebooks
 *
 * @example
 * ```ts
 * import { builtinSpec, compilePlan, initialCheckpoint, quantise } from "@saccade/saccade";
 * import { assert } from "@std/assert";
 *
 * const plan = compilePlan(builtinSpec("tiny"));
 * const { lost } = quantise(plan, initialCheckpoint(plan), "i16");
 * assert(lost.encoder.rmsError < 1e-4 * lost.encoder.rms);
 * ```
 */
export function quantise(
  plan: Plan,
  checkpoint: Checkpoint,
  format: WeightFormat,
  options: QuantiseOptions = {},
): Quantised {
  const { format: _, ...rest } = plan;
  const next: Plan = format === "f32" ? rest : { ...rest, format };
  const { tensors: before, ...dense } = denseCheckpoint(plan, checkpoint);
  const rounded = roundToFormat(next, before);
  const tensors = options.predictOnly === true ? predictOnly(next, rounded) : rounded;
  const lossOf = (name: "encoder" | "decoder") =>
    measure(name, before[name]!, tensors[name]!, plan.mask?.[name]);
  return {
    plan: next,
    checkpoint: { ...dense, tensors },
    lost: { encoder: lossOf("encoder"), decoder: lossOf("decoder") },
  };
}

function measure(name: string, before: Tensor, after: Tensor, mask?: Uint8Array): Loss {
  let [squares, errors, largestError, count] = [0, 0, 0, 0];
  for (let i = 0; i < before.length; i++) {
    if (mask?.[i] === 0) continue;
    const error = Math.abs(after[i]! - before[i]!);
    squares += before[i]! ** 2;
    errors += error ** 2;
    if (!(error <= largestError)) largestError = error;
    count++;
  }
  if (!Number.isFinite(largestError)) {
    throw new RangeError(`The ${name} has weights that are too large for this format: take bf16`);
  }
  const rms = (sum: number) => count === 0 ? 0 : Math.sqrt(sum / count);
  return { rms: rms(squares), rmsError: rms(errors), largestError };
}
