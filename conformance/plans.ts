/**
 * Plans that no specification would make: any wiring, any sizes, everything that the contract allows.
 *
 * @module
 */
import { weightSource } from "../model/initialise.ts";
import {
  type Mask,
  type Plan,
  type Rule2016,
  type RuleSaccade,
  SHIFT_REACH,
  type Sources,
} from "../model/plan.ts";
import type { Rates } from "../model/schedule.ts";
import { OPTIONS_2016, type Recipe } from "./recipe.ts";

/** Whole numbers below a limit. */
export type Dice = (limit: number) => number;

/** Dice that follow from a seed. */
export function dice(seed: number): Dice {
  const draw = weightSource(seed);
  return (limit) => Math.min(Math.floor((draw() + 0.5) * limit), limit - 1);
}

/** A run of values: index, length, delay. */
type Run = readonly [number, number, number];

/**
 * The plan of a recipe.
 *
 * @param recipe what to build
 * @returns a plan that keeps every promise of `model/plan.ts`
 */
export function buildPlan(recipe: Recipe): Plan {
  const { layers, hidden, height, parts } = recipe;
  const roll = dice(recipe.seed);
  const saccade = recipe.rule === "saccade";
  const shifts = saccade && recipe.shift > 0;
  const width = shifts ? layers[0]! * height : recipe.width;
  const frameValues = width * height * 3;
  const motionValues = saccade && recipe.motion ? frameValues : 0;
  const layerStart = [0];
  for (const units of layers) layerStart.push(layerStart.at(-1)! + units);
  const units = layerStart.at(-1)!;
  const outputOf = (unit: number): Run => [
    frameValues + motionValues + parts + unit * hidden,
    hidden,
    1 + roll(recipe.delay),
  ];

  const tiles = shifts
    ? dealSquares(height, layers[0]!, roll)
    : deal(frameValues, layers[0]!, roll);
  const patch: Run[][] = [];
  const signal: Run[][] = [];
  const window: Run[][] = [];
  const motion: Run[][] = [];
  const context: Run[][] = [];
  const kinds: number[] = [];
  const block: number[] = [];
  const inputs: number[] = [];
  const outputs: number[] = [];
  const features = saccade
    ? 1
    : 1 + OPTIONS_2016.slice(0, 4).filter((_, i) => recipe.options & (1 << i)).length;
  for (let u = 0; u < units; u++) {
    const layer = layerStart.findLastIndex((first) => first <= u);
    const ground = layer === 0;
    const runs = ground ? tiles[u]! : Array.from(
      { length: 1 + roll(3) },
      () => outputOf(layerStart[layer - 1]! + roll(layers[layer - 1]!)),
    );
    const q = total(runs);
    signal.push(runs);
    const seen = saccade && ground ? windowOf(frameValues, roll) : [];
    window.push(seen);
    patch.push(shifts && ground ? patchOf(frameValues, height, recipe.shift, roll) : []);
    motion.push(
      motionValues > 0 && ground ? runs.map(([at, n]): Run => [frameValues + at, n, 0]) : [],
    );
    const contexts = Array.from({ length: roll(recipe.contexts + 1) }, (): Run => {
      if (parts === 0 || roll(3) > 0) return outputOf(roll(units));
      const at = roll(parts);
      return [frameValues + motionValues + at, 1 + roll(parts - at), 0];
    });
    context.push(contexts);
    for (let i = 0; i < contexts.length; i++) kinds.push(roll(2));
    block.push(ground || roll(2) === 0 ? q : hidden);
    inputs.push(
      (ground && saccade ? total(seen) : features * q) + total(motion[u]!) +
        total(contexts) + 1,
    );
    outputs.push(!saccade && hasOption(recipe, "twoSteps") ? 2 * q : q);
  }
  const plan: Plan = {
    version: 1,
    rule: ruleOf(recipe, roll),
    frame: { width, height, channels: 3 },
    external: { motion: motionValues, parts },
    hidden,
    layerStart: Uint32Array.from(layerStart),
    maxDelay: recipe.delay,
    signal: sources(signal),
    window: sources(window),
    motion: sources(motion),
    ...(shifts ? { patch: sources(patch) } : {}),
    context: sources(context),
    contextKind: Uint8Array.from(kinds),
    block: Uint32Array.from(block),
    inputs: Uint32Array.from(inputs),
    outputs: Uint32Array.from(outputs),
    rates: ratesOf(recipe, roll),
    contextFrom: saccade
      ? Float64Array.of(0, 0)
      : Float64Array.from([0, 0], () => [0, 3, Infinity][roll(recipe.scheduled ? 3 : 1)]!),
    seed: recipe.seed,
    defer: { every: 0, window: 0 },
    ...(recipe.format === "f32" ? {} : { format: recipe.format }),
  };
  return {
    ...plan,
    ...(recipe.density === 100 ? {} : { mask: maskOf(plan, recipe.density, roll) }),
    ...(recipe.skip === 0 ? {} : { skipBelow: thresholdsOf(recipe, roll) }),
    ...(recipe.surprise === 0 ? {} : { surprise: recipe.surprise / 100 }),
  };
}

/** Whether a recipe has an option of rule 2016. */
export function hasOption(recipe: Recipe, name: typeof OPTIONS_2016[number]): boolean {
  return (recipe.options >> OPTIONS_2016.indexOf(name) & 1) === 1;
}

function total(runs: readonly Run[]): number {
  return runs.reduce((sum, [, length]) => sum + length, 0);
}

/** Cuts the frame into runs and deals them out, so that every value is some unit's and no unit has none. */
function deal(values: number, units: number, roll: Dice): Run[][] {
  const cuts = new Set<number>([0, values]);
  while (cuts.size < units + 1) cuts.add(roll(values));
  for (let i = roll(4); i > 0; i--) cuts.add(roll(values));
  const at = [...cuts].sort((a, b) => a - b);
  const tiles: Run[][] = Array.from({ length: units }, () => []);
  for (let i = 0; i + 1 < at.length; i++) {
    tiles[i < units ? i : roll(units)]!.push([at[i]!, at[i + 1]! - at[i]!, 0]);
  }
  return tiles;
}

/** As `deal`, so that every unit has as many values as a square tile: some of one place, the others of another. */
function dealSquares(side: number, units: number, roll: Dice): Run[][] {
  const q = 3 * side * side;
  const here = 1 + roll(q);
  const turn = roll(units);
  return Array.from({ length: units }, (_, u) => {
    const runs: Run[] = [[q * u, here, 0]];
    if (here < q) runs.push([q * ((u + turn) % units) + here, q - here, 0]);
    return runs;
  });
}

/** As many values as a tile has with the pixels around it. */
function patchOf(values: number, side: number, radius: number, roll: Dice): Run[] {
  const runs: Run[] = [];
  let missing = 3 * (side + 2 * (SHIFT_REACH + radius)) ** 2;
  while (missing > 0) {
    const at = roll(values);
    const length = Math.min(1 + roll(values - at), missing);
    runs.push([at, length, 0]);
    missing -= length;
  }
  return runs;
}

/** Pixels around a tile, as far as a backend can tell: some runs of the frame. */
function windowOf(values: number, roll: Dice): Run[] {
  return Array.from({ length: 1 + roll(3) }, (): Run => {
    const at = roll(values);
    return [at, 1 + roll(Math.min(values - at, 12)), 0];
  });
}

function sources(units: readonly (readonly Run[])[]): Sources {
  const start = [0];
  for (const runs of units) start.push(start.at(-1)! + runs.length);
  const column = (i: 0 | 1 | 2) => Uint32Array.from(units.flat(), (run) => run[i]);
  return { start: Uint32Array.from(start), index: column(0), length: column(1), delay: column(2) };
}

function ruleOf(recipe: Recipe, roll: Dice): Rule2016 | RuleSaccade {
  if (recipe.rule === "saccade") {
    const motion = recipe.motion ? 1 + roll(3) : 0;
    return {
      name: "saccade",
      motion,
      ...(recipe.shift > 0 ? { shift: { radius: recipe.shift, memories: memoriesOf(roll) } } : {}),
      encoderRate: 0.1,
      decoderRate: 0.6,
    };
  }
  const has = (name: typeof OPTIONS_2016[number]) => hasOption(recipe, name);
  return {
    name: "2016",
    activation: recipe.activation,
    derivative: has("derivative"),
    integral: has("integral"),
    error: has("error"),
    previous: has("previous"),
    twoSteps: has("twoSteps"),
    normalise: has("normalise"),
    autoencoder: has("autoencoder"),
    bias: recipe.bias,
    tau: [0.98, 0.5, 0, 1][roll(4)]!,
    momentum: recipe.momentum,
  };
}

/** What the evidence of each shift candidate keeps. */
function memoriesOf(roll: Dice): number[] {
  return Array.from({ length: 1 + roll(4) }, () => [0, 0.5, 0.8, 0.95][roll(4)]!);
}

/** Rates that teach within a few steps: 0.3 under rule 2016, all of the scheduled one under rule saccade. */
function ratesOf(recipe: Recipe, roll: Dice): Rates {
  const most = recipe.rule === "saccade" ? 1 : 0.3;
  const layers = recipe.layers.map((_, layer): [number, number][] =>
    recipe.scheduled
      ? [[0, roll(2) * most], [2 + 2 * layer, most], [5 + roll(6), roll(3) / 4 * most]]
      : [[0, most]]
  );
  const start = [0];
  for (const list of layers) start.push(start.at(-1)! + list.length);
  return {
    start: Uint32Array.from(start),
    from: Float64Array.from(layers.flat(), ([from]) => from),
    value: Float64Array.from(layers.flat(), ([, value]) => value),
  };
}

/** That of the recipe, or a smaller one, or none. */
function thresholdsOf({ layers, skip }: Recipe, roll: Dice): number[] {
  return layers.map(() => [1, 1, 0.1, 0][roll(4)]! * skip / 1000);
}

function maskOf(plan: Plan, density: number, roll: Dice): Mask {
  const kept = (length: number) => Uint8Array.from({ length }, () => roll(100) < density ? 1 : 0);
  let [encoder, decoder] = [0, 0];
  for (const [u, n] of plan.inputs.entries()) {
    encoder += plan.hidden * n;
    decoder += (plan.hidden + 1) * plan.outputs[u]!;
  }
  return { encoder: kept(encoder), decoder: kept(decoder) };
}
