/**
 * Which weights a model can do without, in blocks: those that learning has moved least.
 *
 * Under rule saccade encoders begin with random features and with contexts at 0. What a random weight is worth, its size does not say:
 * pruned by size, a model loses its contexts, which are small, and keeps what it was born with. So weights count by how far they are
 * from where they began ("movement": Zhou et al. 2019, arXiv 1905.01067; measured in docs/compression.md).
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { type FirstWeights, initialWeights } from "../model/initialise.ts";
import { layerOf, type Mask, type Plan } from "../model/plan.ts";
import { DEFAULT_SCOPE, type PruningScope } from "../model/pruning_schedule.ts";
import { type Blocks, hiddenMajor } from "../model/weight_blocks.ts";
import { matricesOf, type MatrixPlace } from "../model/weight_format.ts";

/** Of the density, what every matrix keeps at least, whatever it competes with: one that has lost nearly all stops working. */
const LEAST_SHARE = 0.5;

/** What a distance counts where all of the model competes: encoders move less than decoders, and what is seen is predicted by layer 0. */
const WORTH = { encoder: 2, aboveLayer0: 0.5 };

/** How a model is pruned. */
export interface PruneOptions {
  /** The share of blocks that is kept, above 0 and at most 1. */
  readonly density: number;
  /** 1 x 1 unless stated. */
  readonly blocks?: Blocks;
  /** `global` unless stated: what the whole can do without goes, wherever it is. With `matrix` every matrix has the density. */
  readonly scope?: PruningScope;
  /** Gives the weights that the model began with; those of a new model of this plan unless stated. Not asked under rule 2016. */
  readonly initial?: () => FirstWeights;
}

/** A pruned model. */
export interface Pruned {
  /** The model, with its mask. */
  readonly plan: Plan & { readonly mask: Mask };
  /** Its state: weights and momentum that are not kept are 0. */
  readonly checkpoint: Checkpoint;
}

/** The blocks of a matrix, in the order of `weight_blocks.ts`. */
interface Scored {
  readonly place: MatrixPlace;
  /** Of each block what it is worth; -1 where all of it was pruned before. */
  readonly scores: Float64Array;
}

/**
 * Prunes the blocks whose weights are worth least. What was pruned before stays pruned.
 *
 * Rule saccade: a block is worth the mean square of how far its weights are from where they began; with scope `global` the distances
 * of encoders count twice, and all of those above layer 0 half. Rule 2016: the mean square of its weights. Blocks at the end of a matrix
 * are as small as what is left of it. Every matrix keeps half of the density at least, and one block.
 *
 * @param plan the model, perhaps pruned already
 * @param checkpoint its state, with nothing deferred
 * @param options how
 * @returns the model and its state; what was given stays as it is
 * @throws {RangeError} for a density or a block that makes no sense
 * @throws {TypeError} when the checkpoint has deferred updates
 *
 * @example
 * ```ts
 * import { builtinSpec, compilePlan, densityOf, initialCheckpoint, prune } from "@saccade/saccade";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const plan = compilePlan(builtinSpec("tiny"));
 * const pruned = prune(plan, initialCheckpoint(plan), { density: 0.25 });
 * assertAlmostEquals(densityOf(pruned.plan), 0.25, 1e-3);
 * ```
 */
export function prune(
  plan: Plan,
  checkpoint: Checkpoint,
  { density, blocks = { rows: 1, columns: 1 }, scope = DEFAULT_SCOPE, initial }: PruneOptions,
): Pruned {
  checkPruning(plan, { density, blocks });
  if (checkpoint.deferred !== undefined) {
    throw new TypeError("The checkpoint has deferred updates: prune denseCheckpoint() of it");
  }
  const { tensors } = checkpoint;
  const mask = {
    encoder: new Uint8Array(tensors["encoder"]!.length),
    decoder: new Uint8Array(tensors["decoder"]!.length),
  };
  const began = plan.rule.name === "2016" ? undefined : initial?.() ?? initialWeights(plan);
  const layers = layerOf(plan);
  const groups = new Map<string, Scored[]>();
  for (const place of matricesOf(plan)) {
    const { name, unit } = place;
    const group = scope === "matrix"
      ? `${name} ${unit}`
      : scope === "layer"
      ? `${name} ${layers[unit]}`
      : "all";
    const list = groups.get(group) ?? [];
    groups.set(group, list);
    const worth = began === undefined || scope !== "global"
      ? 1
      : (name === "encoder" ? WORTH.encoder : 1) * (layers[unit] === 0 ? 1 : WORTH.aboveLayer0);
    const values = { weights: tensors[name]!, began: began?.[name], kept: plan.mask?.[name] };
    list.push({ place, scores: scoresOf(place, blocks, values, worth * worth) });
  }
  for (const list of groups.values()) {
    const chosen = choose(list.map(({ scores }) => scores), density);
    for (const [i, { place }] of list.entries()) {
      keep(place, blocks, chosen[i]!, mask[place.name], plan.mask?.[place.name]);
    }
  }
  const out: Record<string, Tensor> = { ...tensors };
  for (const name of ["encoder", "decoder"] as const) {
    for (const tensor of [name, `${name}.momentum`]) {
      const values = tensors[tensor];
      if (values === undefined) continue;
      const kept = values.slice();
      for (let i = 0; i < kept.length; i++) if (mask[name][i] === 0) kept[i] = 0;
      out[tensor] = kept;
    }
  }
  return { plan: { ...plan, mask }, checkpoint: { ...checkpoint, tensors: out } };
}

/**
 * Refuses what makes no sense: a density that is none, and blocks larger than the smallest matrix, of which there would be less than
 * are to be chosen from.
 *
 * @param plan the model
 * @param options how it is to be pruned
 * @throws {RangeError} saying what is wrong
 */
export function checkPruning(
  plan: Plan,
  { density, blocks: { rows, columns } = { rows: 1, columns: 1 } }: PruneOptions,
): void {
  if (!(density > 0 && density <= 1)) {
    throw new RangeError(`A density is above 0 and at most 1, not ${density}`);
  }
  const whole = (value: number) => Number.isInteger(value) && value > 0;
  if (!whole(rows) || !whole(columns)) {
    throw new RangeError(`A block is ROWSxCOLUMNS as in 4x1, not ${rows}x${columns}`);
  }
  let least = Infinity;
  for (let u = 0; u < plan.inputs.length; u++) {
    least = Math.min(least, plan.inputs[u]!, plan.outputs[u]!);
  }
  if (rows > plan.hidden || columns > least) {
    throw new RangeError(
      `Blocks of ${rows}x${columns} do not fit: the model has ${plan.hidden} hidden outputs a unit and matrices ${least} wide`,
    );
  }
}

/** Where weights stand: that of a hidden unit and an input or output is `begin + hidden * across + other * along`. */
function strides({ name, columns }: MatrixPlace): readonly [across: number, along: number] {
  return name === "encoder" ? [columns, 1] : [1, columns];
}

function scoresOf(
  place: MatrixPlace,
  { rows, columns }: Blocks,
  { weights, began, kept }: {
    readonly weights: Tensor;
    readonly began: Tensor | undefined;
    readonly kept: Uint8Array | undefined;
  },
  worth: number,
): Float64Array {
  const [height, width] = hiddenMajor(place);
  const [across, along] = strides(place);
  const scores = new Float64Array(Math.ceil(height / rows) * Math.ceil(width / columns));
  // A model has millions of blocks, and a run waits for this: no call and no object a weight.
  for (let row = 0, block = 0; row < height; row += rows) {
    const bottom = Math.min(row + rows, height);
    for (let column = 0; column < width; column += columns, block++) {
      const right = Math.min(column + columns, width);
      let [squares, left] = [0, 0];
      for (let i = row; i < bottom; i++) {
        for (let j = column; j < right; j++) {
          const at = place.begin + i * across + j * along;
          if (kept !== undefined && kept[at] === 0) continue;
          left++;
          const far = began === undefined ? weights[at]! : weights[at]! - began[at]!;
          squares += far * far;
        }
      }
      const size = (bottom - row) * (right - column);
      scores[block] = left === 0 ? -1 : worth * squares / size;
    }
  }
  return scores;
}

/** Which blocks of matrices that compete are kept. */
function choose(matrices: readonly Float64Array[], density: number): Uint8Array[] {
  const chosen = matrices.map(({ length }) => new Uint8Array(length));
  let missing = Math.round(density * matrices.reduce((sum, { length }) => sum + length, 0));
  for (const [i, scores] of matrices.entries()) {
    const least = Math.max(Math.round(LEAST_SHARE * density * scores.length), 1);
    missing -= take([scores], [chosen[i]!], least);
  }
  if (missing > 0) take(matrices, chosen, missing);
  return chosen;
}

/** Chooses so many more of the blocks that were not pruned before, the best; of equals the first, on every machine. */
function take(
  matrices: readonly Float64Array[],
  chosen: readonly Uint8Array[],
  count: number,
): number {
  const open = new Float64Array(matrices.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const [m, scores] of matrices.entries()) {
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! >= 0 && chosen[m]![i] === 0) open[end++] = scores[i]!;
    }
  }
  if (end === 0) return 0;
  const sorted = open.subarray(0, end).sort();
  const taken = Math.min(count, end);
  const least = sorted[end - taken]!;
  let equals = 0;
  for (let i = end - taken; i < end && sorted[i] === least; i++) equals++;
  for (const [m, scores] of matrices.entries()) {
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (score < least || chosen[m]![i] === 1) continue;
      if (score === least && equals-- <= 0) continue;
      chosen[m]![i] = 1;
    }
  }
  return taken;
}

function keep(
  place: MatrixPlace,
  { rows, columns }: Blocks,
  chosen: Uint8Array,
  mask: Uint8Array,
  before: Uint8Array | undefined,
): void {
  const [height, width] = hiddenMajor(place);
  const [across, along] = strides(place);
  for (let row = 0, block = 0; row < height; row += rows) {
    for (let column = 0; column < width; column += columns, block++) {
      if (chosen[block] === 0) continue;
      for (let i = row; i < Math.min(row + rows, height); i++) {
        for (let j = column; j < Math.min(column + columns, width); j++) {
          const at = place.begin + i * across + j * along;
          mask[at] = before === undefined ? 1 : before[at]!;
        }
      }
    }
  }
}

/**
 * The share of a plan's weights that are kept.
 *
 * @param plan the model
 * @returns 1 where it has no mask
 */
export function densityOf({ mask }: Pick<Plan, "mask">): number {
  if (mask === undefined) return 1;
  let kept = 0;
  for (const bits of [mask.encoder, mask.decoder]) for (const bit of bits) kept += bit;
  return kept / (mask.encoder.length + mask.decoder.length);
}
