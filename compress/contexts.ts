/**
 * Which contexts a model can do without: those that add least to what its units compute.
 *
 * @module
 */
import type { Checkpoint } from "../model/checkpoint.ts";
import { contextsLeft, cutCheckpoint, cutPlan } from "../model/cut_contexts.ts";
import { hiddenBase, lengths, offsetsOf, type Plan, unitCount } from "../model/plan.ts";

/** Which contexts go. */
export interface DropOptions {
  /** The share of the contexts that goes, from 0 to 1; those that add nothing at all go anyway. */
  readonly share: number;
  /** The mean square of every hidden output, in unit order, over the frames that count. */
  readonly power: Float64Array;
}

/** A model without some of its contexts. */
export interface Dropped {
  /** The model. */
  readonly plan: Plan;
  /** Its state. */
  readonly checkpoint: Checkpoint;
  /** Of each context that there was, 1 where it is kept. */
  readonly kept: Uint8Array;
}

/**
 * What each context adds: the sum, over the hidden units that see it, of the mean square of what it adds to them.
 *
 * @param plan the model
 * @param checkpoint its state, with nothing deferred
 * @param power see {@linkcode DropOptions}
 * @returns a number a context; Infinity for what comes from another part of a split model, of which nothing is known
 */
export function contextContributions(
  plan: Plan,
  { tensors }: Checkpoint,
  power: Float64Array,
): Float64Array {
  const { context, contextKind, contextFrom, hidden, inputs, mask } = plan;
  const encoder = tensors["encoder"]!;
  const at = offsetsOf(plan).encoder;
  const contexts = lengths(context);
  const base = hiddenBase(plan);
  const out = new Float64Array(contextKind.length);
  for (let unit = 0; unit < unitCount(plan); unit++) {
    const columns = inputs[unit]!;
    let column = columns - contexts[unit]! - 1;
    for (let run = context.start[unit]!; run < context.start[unit + 1]!; run++) {
      const from = context.index[run]! - base;
      const isOff = contextFrom[contextKind[run]!] === Infinity;
      for (let i = 0; i < context.length[run]!; i++, column++) {
        let squares = 0;
        for (let row = 0; row < hidden; row++) {
          const w = at[unit]! + row * columns + column;
          if (mask === undefined || mask.encoder[w] === 1) squares += encoder[w]! ** 2;
        }
        if (!isOff) out[run]! += from < 0 ? Infinity : squares * power[from + i]!;
      }
    }
  }
  return out;
}

/**
 * Drops the contexts that add least, and with them the units above layer 0 that nobody reads any more.
 *
 * @param plan the model
 * @param checkpoint its state, with nothing deferred
 * @param options which go
 * @returns the smaller model; what was given stays as it is
 * @throws {RangeError} for a share that is none, or power of another model
 * @throws {TypeError} when the checkpoint has deferred updates
 */
export function dropContexts(
  plan: Plan,
  checkpoint: Checkpoint,
  { share, power }: DropOptions,
): Dropped {
  checkShare(share);
  if (power.length !== unitCount(plan) * plan.hidden) {
    throw new RangeError(
      `The model has ${unitCount(plan) * plan.hidden} hidden outputs, not ${power.length}`,
    );
  }
  const added = contextContributions(plan, checkpoint, power);
  // A stable sort: equal ones go in their order, on every machine.
  const order = Array.from(added.keys()).sort((a, b) =>
    added[a]! === added[b]! ? 0 : added[a]! - added[b]!
  );
  const wanted = new Uint8Array(added.length).fill(1);
  const going = Math.round(share * added.length);
  for (const [i, run] of order.entries()) if (i < going || added[run] === 0) wanted[run] = 0;
  const kept = contextsLeft(plan, wanted);
  return { plan: cutPlan(plan, kept), checkpoint: cutCheckpoint(plan, checkpoint, kept), kept };
}

/** Refuses a share of the contexts that is none. */
export function checkShare(share: number): void {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`A share of the contexts is from 0 to 1, not ${share}`);
  }
}

/**
 * What is left of a specification's contexts when some of what was left are dropped.
 *
 * @param before of each context of the specification 1 where it was kept; nothing, where all were
 * @param kept of each of those that were kept 1 where it still is
 */
export function contextsAfter(before: Uint8Array | undefined, kept: Uint8Array): Uint8Array {
  if (before === undefined) return kept;
  let next = 0;
  return before.map((bit) => bit === 1 ? kept[next++]! : 0);
}
