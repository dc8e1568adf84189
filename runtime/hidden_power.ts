/**
 * How loud hidden outputs are: what says which of them can be done without.
 *
 * @module
 */
import { unitCount } from "../model/plan.ts";
import type { TrialOptions } from "./trial.ts";

/** Errors gather on the device; they are drained after so many steps at the latest. */
const GATHER = 512;

/**
 * The mean square of every hidden output over some steps.
 *
 * @param options the model, a session of it, its frames, how many steps it makes, and whether it learns
 * @returns the mean squares in unit order, and the steps that were made: fewer, where the frames end
 * @throws {SourceError} when the source breaks
 */
export async function hiddenPower(
  { plan, session, feed, steps, learn, made }: TrialOptions,
): Promise<{ readonly power: Float64Array; readonly steps: number }> {
  const { frame, external } = feed;
  const input = external === undefined ? { frame } : { frame, external };
  const hidden = new Float32Array(unitCount(plan) * plan.hidden);
  const power = new Float64Array(hidden.length);
  let count = 0;
  while (count < steps && await feed.next()) {
    await session.step(input, { learn });
    await session.read("hidden", hidden);
    for (let i = 0; i < power.length; i++) power[i]! += hidden[i]! * hidden[i]!;
    count++;
    if (count % GATHER === 0) await session.report();
    made?.(count);
  }
  for (let i = 0; i < power.length; i++) power[i]! /= Math.max(count, 1);
  return { power, steps: count };
}
