/**
 * Which weights a model can do without: magnitude pruning, in blocks.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { layerOf, type Mask, type Plan } from "../model/plan.ts";
import { type Blocks, eachBlock, eachWeight } from "../model/weight_blocks.ts";
import { matricesOf, type MatrixPlace } from "../model/weight_format.ts";

/** The weights that are compared with each other: those of one matrix, of a layer's encoders or decoders, or of all. */
export const PRUNING_SCOPES: readonly PruningScope[] = ["matrix", "layer", "global"];

/** One of {@linkcode PRUNING_SCOPES}. */
export type PruningScope = "matrix" | "layer" | "global";

/** How a model is pruned. */
export interface PruneOptions {
  /** The share of blocks that is kept, above 0 and at most 1. */
  readonly density: number;
  /** 1 x 1 unless stated. */
  readonly blocks?: Blocks;
  /** `matrix` unless stated: every matrix has the density, and no unit loses all it knows. */
  readonly scope?: PruningScope;
}

/** A pruned model. */
export interface Pruned {
  /** The model, with its mask. */
  readonly plan: Plan & { readonly mask: Mask };
  /** Its state: weights and momentum that are not kept are 0. */
  readonly checkpoint: Checkpoint;
}

/** A block of a matrix, and what it counts. */
interface Block {
  readonly place: MatrixPlace;
  /** Its first hidden unit and input or output. */
  readonly row: number;
  readonly column: number;
  /** Mean square of its weights; -1 where it was pruned before. */
  readonly score: number;
}

/**
 * Prunes the blocks whose weights are smallest. What was pruned before stays pruned.
 *
 * Blocks at the end of a matrix are as small as what is left of it; blocks are compared by the mean square of their weights. Every
 * matrix keeps one block at least.
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
  { density, blocks = { rows: 1, columns: 1 }, scope = "matrix" }: PruneOptions,
): Pruned {
  if (!(density > 0 && density <= 1)) {
    throw new RangeError(`A density is above 0 and at most 1, not ${density}`);
  }
  checkBlocks(plan, blocks);
  if (checkpoint.deferred !== undefined) {
    throw new TypeError("The checkpoint has deferred updates: prune denseCheckpoint() of it");
  }
  const { tensors } = checkpoint;
  const mask = {
    encoder: new Uint8Array(tensors["encoder"]!.length),
    decoder: new Uint8Array(tensors["decoder"]!.length),
  };
  const layers = layerOf(plan);
  const groups = new Map<string, Block[]>();
  for (const place of matricesOf(plan)) {
    const { name, unit } = place;
    const group = scope === "matrix"
      ? `${name} ${unit}`
      : scope === "layer"
      ? `${name} ${layers[unit]}`
      : "all";
    const list = groups.get(group) ?? [];
    groups.set(group, list);
    const own: Block[] = [];
    eachBlock(place, blocks, (row, column) => {
      const where = { place, row, column };
      const block = { ...where, score: scoreOf(where, blocks, tensors[name]!, plan.mask?.[name]) };
      list.push(block);
      own.push(block);
    });
    const best = own.reduce((a, b) => b.score > a.score ? b : a);
    keep(best, blocks, mask[name], plan.mask?.[name]);
  }
  for (const list of groups.values()) {
    // A stable sort: equal blocks are kept in their order, on every machine.
    list.sort((a, b) => b.score - a.score);
    for (const block of list.slice(0, Math.max(Math.round(density * list.length), 1))) {
      const { name } = block.place;
      if (block.score >= 0) keep(block, blocks, mask[name], plan.mask?.[name]);
    }
  }
  const out: Record<string, Tensor> = { ...tensors };
  for (const name of ["encoder", "decoder"] as const) {
    for (const tensor of [name, `${name}.momentum`]) {
      const values = tensors[tensor];
      if (values === undefined) continue;
      out[tensor] = values.map((value, i) => mask[name][i] === 1 ? value : 0);
    }
  }
  return { plan: { ...plan, mask }, checkpoint: { ...checkpoint, tensors: out } };
}

/** Refuses blocks larger than the smallest matrix: there would be less of them than are to be chosen from. */
function checkBlocks(plan: Plan, { rows, columns }: Blocks): void {
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

function scoreOf(
  { place, row, column }: Omit<Block, "score">,
  blocks: Blocks,
  weights: Tensor,
  kept: Uint8Array | undefined,
): number {
  let [squares, count, left] = [0, 0, 0];
  eachWeight(place, blocks, row, column, (at) => {
    count++;
    if (kept?.[at] === 0) return;
    left++;
    squares += weights[at]! ** 2;
  });
  return left === 0 ? -1 : squares / count;
}

function keep(
  { place, row, column }: Block,
  blocks: Blocks,
  mask: Uint8Array,
  before: Uint8Array | undefined,
): void {
  eachWeight(place, blocks, row, column, (at) => mask[at] = before?.[at] ?? 1);
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

/**
 * The density of gradual pruning: `target + (1 - target) (1 - done)^3`. Much goes while little depends on it, the last in small steps.
 *
 * @param target the density at the end
 * @param done the share of the schedule that lies behind, from 0 to 1
 */
export function gradualDensity(target: number, done: number): number {
  return target + (1 - target) * (1 - Math.min(Math.max(done, 0), 1)) ** 3;
}
