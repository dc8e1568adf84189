/**
 * What a plan asks for that a backend has not, said in the same sentences by all of them.
 *
 * @module
 */
import { type Plan, shiftOf } from "../model/plan.ts";
import { maySkip } from "../model/skipping.ts";
import { formatOf } from "../model/weight_format.ts";

/** What a backend has of what a plan may ask for; what is not stated it has not. */
export interface Abilities {
  /** Formats in which it keeps weights; `["f32"]` unless stated. */
  readonly formats?: readonly string[];
  /** Pruned weights. */
  readonly masks?: boolean;
  /** Connections that take more than one step. */
  readonly delays?: boolean;
  /** Shift candidates. */
  readonly shift?: boolean;
  /** Units that skip learning. */
  readonly skipping?: boolean;
  /** Who has that, as a sentence names it; `this backend` unless stated. */
  readonly who?: string;
}

/**
 * The reasons not to accept a plan, as far as they are the same for every backend. Sizes are another matter, and the backend's own.
 *
 * @param plan a compiled model
 * @param has what the backend has
 * @returns one sentence for each thing that it lacks; none where it has all that the plan asks for
 */
export function lacks(plan: Plan, has: Abilities = {}): string[] {
  const { formats = ["f32"], who = "this backend" } = has;
  const reasons: string[] = [];
  const format = formatOf(plan);
  if (!formats.includes(format)) {
    const own = formats.length === 1 ? `${formats[0]} alone` : formats.join(", ");
    reasons.push(
      `The plan's weights are ${format}; ${who} has ${own}: take another backend, or --format f32`,
    );
  }
  if (!has.delays && plan.maxDelay > 1) {
    reasons.push(`The plan has delays of up to ${plan.maxDelay} steps; ${who} keeps one`);
  }
  if (!has.masks && plan.mask !== undefined) {
    reasons.push(`The plan is pruned; ${who} has no masks`);
  }
  if (!has.shift && shiftOf(plan) !== undefined) {
    reasons.push(
      `The plan has shift candidates, which ${who} cannot make: use the backend "wasm" or "reference", or set "shift_radius" to 0`,
    );
  }
  if (!has.skipping && maySkip(plan)) {
    reasons.push(
      `The plan has units that skip learning, and those of ${who} learn in every step: use the backend "wasm" or "reference", or set "skip_below" and "surprise" to 0`,
    );
  }
  return reasons;
}
