/**
 * Whether a peer runs the same step: its errors, weights, predictions and hidden outputs beside those of the reference.
 *
 * @module
 */
import { backend as reference } from "../../backends/reference/backend.ts";
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { offsetsOf, type Plan } from "../../model/plan.ts";
import { type ExportedInput, groupsOf } from "./export.ts";
import type { Verified } from "./protocol.ts";

/** Steps that are compared: under either rule at least three of them learn. */
export const VERIFY_STEPS = 6;

/** What the peers must come to. */
export interface Expected {
  /** The error of each layer in each step. */
  readonly mse: readonly (readonly number[])[];
  /** The state before the first and after the last. */
  readonly first: Checkpoint["tensors"];
  readonly tensors: Checkpoint["tensors"];
}

/**
 * Runs the reference in f32.
 *
 * @param plan a compiled model
 * @param input frames, and candidates where the model has motion
 * @param steps how many
 */
export async function expect(
  plan: Plan,
  input: ExportedInput,
  steps: number = VERIFY_STEPS,
): Promise<Expected> {
  await using device = await reference.open("f32");
  const first = initialCheckpoint(plan);
  await using session = await device.load(plan, first);
  const mse: number[][] = [];
  for (let t = 0; t < steps; t++) {
    const external = input.candidates[t];
    await session.step({
      frame: input.frames[t]!,
      ...(external === undefined ? {} : { external }),
    });
    mse.push([...(await session.report()).mse]);
  }
  return { mse, first: first.tensors, tensors: (await session.save()).tensors };
}

/** Tensors in the order that peers write them in, group after group. */
const WRITTEN = ["encoder", "decoder", "prediction", "published"] as const;

/**
 * The largest deviation of a peer: of weights as a share of the largest change that was learned, for in a few steps weights
 * hardly move and those of a peer that learns nothing would look right; of all else relative above 1.
 *
 * @param plan the model
 * @param expected what the reference came to
 * @param verified the errors that the peer reported
 * @param bytes what it wrote: f32, group after group, of each `encoder`, `decoder`, `prediction` and hidden outputs
 * @returns Infinity where lengths differ or a value is not a number
 */
export function deviationOf(
  plan: Plan,
  expected: Expected,
  verified: Verified,
  bytes: Uint8Array,
): number {
  let worst = verified.mse.length === expected.mse.length ? 0 : Infinity;
  const compare = (got: number | undefined, want: number, scale = Math.max(1, Math.abs(want))) => {
    const off = Math.abs(got! - want) / scale;
    if (!(off <= worst)) worst = Number.isNaN(off) ? Infinity : off;
  };
  for (const [t, errors] of expected.mse.entries()) {
    for (const [layer, want] of errors.entries()) compare(verified.mse[t]?.[layer], want);
  }
  const scales = {
    encoder: largestChange(expected, "encoder"),
    decoder: largestChange(expected, "decoder"),
    prediction: undefined,
    published: undefined,
  };
  const got = new Float32Array(bytes.slice().buffer);
  let next = 0;
  for (const [name, values] of inGroups(plan, expected.tensors)) {
    const scale = scales[name];
    for (const want of values) compare(got[next++], want, scale);
  }
  return next === got.length ? worst : Infinity;
}

function largestChange({ first, tensors }: Expected, name: string): number {
  const [before, after] = [first[name]!, tensors[name]!];
  let most = 0;
  for (let i = 0; i < after.length; i++) most = Math.max(most, Math.abs(after[i]! - before[i]!));
  return most;
}

/** The compared tensors of a checkpoint, unit by unit, in the order of the peers. */
export function* inGroups(
  plan: Plan,
  tensors: Checkpoint["tensors"],
): Generator<[(typeof WRITTEN)[number], Tensor]> {
  const at = offsetsOf(plan);
  const begin = {
    encoder: (u: number) => at.encoder[u]!,
    decoder: (u: number) => at.decoder[u]!,
    prediction: (u: number) => at.output[u]!,
    published: (u: number) => u * plan.hidden,
  };
  for (const { units } of groupsOf(plan)) {
    for (const name of WRITTEN) {
      for (const u of units) {
        yield [name, tensors[name]!.subarray(begin[name](u), begin[name](u + 1))];
      }
    }
  }
}
