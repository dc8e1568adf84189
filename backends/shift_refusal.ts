/**
 * What a backend says that has no shift candidate.
 *
 * @module
 */
import { type Plan, shiftOf } from "../model/plan.ts";

/**
 * The reason not to accept a plan with a shift candidate.
 *
 * @param plan a compiled model
 * @returns one sentence; none where the plan has no such candidate
 */
export function shiftRefusal(plan: Plan): string[] {
  return shiftOf(plan) === undefined ? [] : [
    'The plan has shift candidates, which this backend cannot make: use the backend "wasm" or "reference", or set "shift_radius" to 0',
  ];
}
