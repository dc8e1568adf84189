/**
 * A model in the middle of its life, and what it sees next.
 *
 * @module
 */
import { backend as reference } from "../backends/reference/backend.ts";
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { initialCheckpoint, weightSource } from "../model/initialise.ts";
import type { Plan } from "../model/plan.ts";
import { formatOf, roundToFormat } from "../model/weight_format.ts";
import { buildPlan } from "./plans.ts";
import type { Recipe } from "./recipe.ts";
import { stimuliOf, type Stimulus } from "./stimulus.ts";
import { trace } from "./trace.ts";

/** A model, a state of it, and steps to run. */
export interface Case {
  readonly plan: Plan;
  readonly checkpoint: Checkpoint;
  readonly stimuli: readonly Stimulus[];
}

/**
 * The case of a recipe. Its checkpoint is what the reference in f32 saves after the recipe's first steps, so every number in it is
 * one that a model may have, and exact in f32.
 *
 * @param recipe what to build
 */
export async function buildCase(recipe: Recipe): Promise<Case> {
  const plan = buildPlan(recipe);
  const stimuli = stimuliOf(recipe, plan);
  const first = firstState(recipe, plan);
  if (recipe.before === 0) return { plan, checkpoint: first, stimuli };
  const device = await reference.open("f32");
  const { checkpoint } = await trace(device, plan, first, stimuli.slice(0, recipe.before));
  return { plan, checkpoint, stimuli: stimuli.slice(recipe.before) };
}

/** A new model whose decoder is not 0: one that never learns must predict something, too. */
function firstState(recipe: Recipe, plan: Plan): Checkpoint {
  const checkpoint = initialCheckpoint(plan);
  const tensors: Record<string, Tensor> = { ...checkpoint.tensors };
  if (plan.rule.name === "saccade") {
    const draw = weightSource(recipe.seed ^ 0xdec0);
    tensors["decoder"] = tensors["decoder"]!.map(() => draw() / Math.sqrt(plan.hidden + 1));
  }
  if (plan.mask !== undefined) {
    for (const name of ["encoder", "decoder"] as const) {
      const kept = plan.mask[name];
      tensors[name] = tensors[name]!.map((weight, i) => kept[i] === 1 ? weight : 0);
    }
  }
  const narrow = formatOf(plan) !== "f32";
  return { ...checkpoint, tensors: narrow ? roundToFormat(plan, tensors) : tensors };
}
