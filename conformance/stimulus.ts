/**
 * What the steps of a case see, and what they are told.
 *
 * @module
 */
import type { StepInput, StepOptions } from "../backends/backend.ts";
import { weightSource } from "../model/initialise.ts";
import { frameLength, type Plan } from "../model/plan.ts";
import { dice } from "./plans.ts";
import type { Recipe } from "./recipe.ts";

/** One step's input and options. */
export interface Stimulus {
  readonly input: StepInput;
  readonly options: Required<Pick<StepOptions, "learn" | "rate">>;
}

/**
 * The steps of a recipe: the `before` of the warm-up first, then those to run.
 *
 * @param recipe what to build
 * @param plan its plan
 */
export function stimuliOf(recipe: Recipe, plan: Plan): Stimulus[] {
  const roll = dice(recipe.seed ^ 0x5eed);
  const draw = weightSource(recipe.seed ^ 0xface);
  const pattern = Uint8Array.from({ length: frameLength(plan) }, () => roll(256));
  return Array.from({ length: recipe.before + recipe.steps }, (_, t) => {
    const bytes = frameAt(recipe, pattern, t, roll);
    const frame = recipe.floats ? Float32Array.from(bytes, (byte) => byte / 255) : bytes;
    const { motion, parts } = plan.external;
    const external = Float32Array.from(
      { length: motion + parts },
      // The candidate is near the frame, as a real one is; parts are hidden outputs, in (-1, 1).
      (_, i) => i < motion ? Math.min(Math.max(bytes[i]! / 255 + 0.2 * draw(), 0), 1) : 2 * draw(),
    );
    const learn = recipe.learn === "always" || recipe.learn === "sometimes" && roll(2) === 1;
    const rate = recipe.rates ? [1, 0.5, 2, 0][roll(4)]! : 1;
    return {
      input: external.length === 0 ? { frame } : { frame, external },
      options: { learn, rate },
    };
  });
}

function frameAt(
  recipe: Recipe,
  pattern: Uint8Array,
  t: number,
  roll: (limit: number) => number,
): Uint8Array {
  const { length } = pattern;
  switch (recipe.stimulus) {
    case "noise":
      return Uint8Array.from({ length }, () => roll(256));
    case "moving":
      return Uint8Array.from({ length }, (_, i) => pattern[(i + 3 * t) % length]!);
    case "still":
      return pattern.slice();
    case "extremes":
      // Black, white, and single pixels of either.
      return Uint8Array.from({ length }, () => (t % 3 === 0 ? roll(2) : t % 3 - 1) * 255);
  }
}
