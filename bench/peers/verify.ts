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
  /** The state after the last. */
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
  await using session = await device.load(plan, initialCheckpoint(plan));
  const mse: number[][] = [];
  for (let t = 0; t < steps; t++) {
    const external = input.candidates[t];
    await session.step({
      frame: input.frames[t]!,
      ...(external === undefined ? {} : { external }),
    });
    mse.push([...(await session.report()).mse]);
  }
  return { mse, tensors: (await session.save()).tensors };
}

/**
 * The largest deviation of a peer, relative above 1.
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
  const compare = (got: number | undefined, want: number) => {
    const off = Math.abs(got! - want) / Math.max(1, Math.abs(want));
    if (!(off <= worst)) worst = Number.isNaN(off) ? Infinity : off;
  };
  for (const [t, errors] of expected.mse.entries()) {
    for (const [layer, want] of errors.entries()) compare(verified.mse[t]?.[layer], want);
  }
  const got = new Float32Array(bytes.slice().buffer);
  let next = 0;
  for (const values of inGroups(plan, expected.tensors)) {
    for (const want of values) compare(got[next++], want);
  }
  return next === got.length ? worst : Infinity;
}

/** The compared tensors of a checkpoint in the order of the peers: group after group, in each tensor after tensor. */
export function* inGroups(plan: Plan, tensors: Checkpoint["tensors"]): Generator<Tensor> {
  const at = offsetsOf(plan);
  for (const { units } of groupsOf(plan)) {
    for (
      const [name, begin] of [
        ["encoder", (u: number) => at.encoder[u]!],
        ["decoder", (u: number) => at.decoder[u]!],
        ["prediction", (u: number) => at.output[u]!],
        ["published", (u: number) => u * plan.hidden],
      ] as const
    ) {
      for (const u of units) yield tensors[name]!.subarray(begin(u), begin(u + 1));
    }
  }
}
