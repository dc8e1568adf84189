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

/** How far a peer is from the reference at most. */
export interface Deviation {
  /** Of errors, weights, predictions and hidden outputs, relative above 1. */
  readonly values: number;
  /** Of weights again, as a share of the largest change that was learned: in a few steps weights hardly move. */
  readonly learned: number;
}

/** What a peer may deviate: rounding alone comes to 1e-4 of what is learned, a momentum 1 % off to 5e-3. */
export const LIMITS: Deviation = { values: 1e-4, learned: 1e-3 };

/** Whether a peer runs the same step. */
export function agrees({ values, learned }: Deviation): boolean {
  return values <= LIMITS.values && learned <= LIMITS.learned;
}

/**
 * Compares a peer with the reference.
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
): Deviation {
  const worst = { values: 0, learned: 0 };
  const note = (kind: keyof Deviation, off: number) => {
    if (!(off <= worst[kind])) worst[kind] = Number.isNaN(off) ? Infinity : off;
  };
  const compare = (got: number | undefined, want: number, change?: number) => {
    const off = Math.abs(got! - want);
    note("values", off / Math.max(1, Math.abs(want)));
    if (change !== undefined) note("learned", off / change);
  };
  if (verified.mse.length !== expected.mse.length) note("values", Infinity);
  for (const [t, errors] of expected.mse.entries()) {
    for (const [layer, want] of errors.entries()) compare(verified.mse[t]?.[layer], want);
  }
  const changes = {
    encoder: largestChange(expected, "encoder"),
    decoder: largestChange(expected, "decoder"),
    prediction: undefined,
    published: undefined,
  };
  const got = new Float32Array(bytes.slice().buffer);
  let next = 0;
  for (const [name, values] of inGroups(plan, expected.tensors)) {
    const change = changes[name];
    for (const want of values) compare(got[next++], want, change);
  }
  if (next !== got.length) note("values", Infinity);
  return worst;
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
