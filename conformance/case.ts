/**
 * A model in the middle of its life, and what it sees next.
 *
 * @module
 */
import { backend as reference } from "../backends/reference/backend.ts";
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { initialCheckpoint, weightSource } from "../model/initialise.ts";
import { layerOf, offsetsOf, type Plan } from "../model/plan.ts";
import { maySkip } from "../model/skipping.ts";
import { formatOf, roundToFormat } from "../model/weight_format.ts";
import { buildPlan } from "./plans.ts";
import type { Recipe } from "./recipe.ts";
import { stimuliOf, type Stimulus } from "./stimulus.ts";
import { stepOnce, trace } from "./trace.ts";

/** A model, a state of it, and steps to run. */
export interface Case {
  readonly plan: Plan;
  readonly checkpoint: Checkpoint;
  readonly stimuli: readonly Stimulus[];
}

/** Errors of units come no nearer to a threshold than this: rounding must not decide who learns. */
const NEAR = 1e-3;
/** What rounding may do to an error: what shift candidates leave of a movement that has ended sinks below it. */
const ROUNDING = 1e-5;
/** How often thresholds are moved before a case goes without. */
const MOVES = 12;

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
  if (recipe.before === 0) return await decide({ plan, checkpoint: first, stimuli });
  const device = await reference.open("f32");
  const { checkpoint } = await trace(device, plan, first, stimuli.slice(0, recipe.before));
  return await decide({ plan, checkpoint, stimuli: stimuli.slice(recipe.before) });
}

/** Moves the thresholds of a case to where no error of its steps is near. */
async function decide(built: Case): Promise<Case> {
  const { skipBelow, surprise, ...plan } = built.plan;
  if (!maySkip(built.plan)) return built;
  for (let moves = 0; moves < MOVES; moves++) {
    const by = 1 - 0.02 * moves;
    const moved = {
      ...plan,
      ...(skipBelow === undefined ? {} : { skipBelow: skipBelow.map((below) => below * by) }),
      ...(surprise === undefined ? {} : { surprise: surprise * by }),
    };
    const tried = { ...built, plan: moved };
    if (await isDecided(tried)) return tried;
  }
  const { "error.mean": _, ...tensors } = built.checkpoint.tensors;
  return { ...built, plan, checkpoint: { ...built.checkpoint, tensors } };
}

/** Whether in every step every unit's error is well above or well below its thresholds. */
async function isDecided({ plan, checkpoint, stimuli }: Case): Promise<boolean> {
  const { signal } = offsetsOf(plan);
  const error = new Float64Array(signal.at(-1)!);
  const layers = layerOf(plan);
  await using device = await reference.open("f64");
  await using session = await device.load(plan, checkpoint);
  for (const stimulus of stimuli) {
    const usual = (await session.save()).tensors["error.mean"];
    await stepOnce(session, stimulus);
    await session.read("error", error);
    for (const [u, layer] of layers.entries()) {
      let squares = 0;
      for (let i = signal[u]!; i < signal[u + 1]!; i++) squares += error[i]! ** 2;
      const mean = squares / (signal[u + 1]! - signal[u]!);
      for (const threshold of [plan.skipBelow?.[layer], (usual?.[u] ?? 0) * plan.surprise!]) {
        const near = NEAR * threshold! + ROUNDING * Math.sqrt(Math.max(mean, threshold!));
        if (Math.abs(mean - threshold!) < near) return false;
      }
    }
  }
  return true;
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
