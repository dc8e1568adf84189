/**
 * What a backend says whose units cannot skip learning.
 *
 * @module
 */
import type { Plan } from "../model/plan.ts";
import { maySkip } from "../model/skipping.ts";

/**
 * The reason not to accept a plan whose units may skip learning.
 *
 * @param plan a compiled model
 * @returns one sentence; none where every unit learns in every step
 */
export function skipRefusal(plan: Plan): string[] {
  return !maySkip(plan) ? [] : [
    'The plan has units that skip learning, and those of this backend learn in every step: use the backend "wasm" or "reference", or set "skip_below" and "surprise" to 0',
  ];
}
