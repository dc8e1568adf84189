/**
 * What the shift candidates of a plan cost: they are the one part of a rule that is worth counting beside the weight passes.
 *
 * @module
 */
import { copyCount, type Plan, SHIFT_REACH, shiftOf, signalLengths } from "../model/plan.ts";

/**
 * The multiply-accumulates of the shift candidates in any step but the first, which has no change to fit them to: of each sample
 * its copies, and the products of each two of these and the change; of each memory a system to solve and weights to apply.
 *
 * @param plan a compiled model
 * @returns 0 without shift candidates
 */
export function shiftMacs(plan: Plan): number {
  const shift = shiftOf(plan);
  if (shift === undefined) return 0;
  const K = copyCount(plan);
  return signalLengths(plan).subarray(0, plan.layerStart[1]!).reduce((sum, values) => {
    const samples = (Math.sqrt(values / 3) + 2 * SHIFT_REACH) ** 2;
    const evidence = samples * (K + (K + 1) * (K + 2) / 2);
    const solved = K * (K + 1) * (K + 2) / 6 + K * K;
    return sum + evidence + K * values + shift.memories.length * (solved + K * values);
  }, 0);
}
