/**
 * Units that need not learn: what they are to predict they predict well enough.
 *
 * @module
 */

import type { Plan } from "./plan.ts";

/** Steps over which a unit's mean error is taken, from the inverse of this rate on. */
export const ERROR_RATE = 0.01;

/** Whether units of a plan may skip learning. */
export function maySkip({ skipBelow, surprise }: Plan): boolean {
  return skipBelow !== undefined || surprise !== undefined;
}

/**
 * Whether a unit's error of a step is below a threshold. It is asked in f32, so that every backend comes to the same answer but for
 * the rounding of its sum.
 *
 * @param squares the sum of the squared errors of its signal
 * @param length values in its signal
 * @param threshold a mean squared error; 0 is never undercut
 */
export function isBelow(squares: number, length: number, threshold: number): boolean {
  return Math.fround(Math.fround(squares) / length) < Math.fround(threshold);
}
