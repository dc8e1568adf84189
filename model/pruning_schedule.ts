/**
 * Gradual pruning: how far a model is pruned, and when, while it learns.
 *
 * @module
 */
import type { Blocks } from "./weight_blocks.ts";

/** The weights that are compared with each other: those of one matrix, of a layer's encoders or decoders, or of all. */
export const PRUNING_SCOPES: readonly PruningScope[] = ["matrix", "layer", "global"];

/** One of {@linkcode PRUNING_SCOPES}. */
export type PruningScope = "matrix" | "layer" | "global";

/** Unless stated: of the blocks that are fast those that cost least (docs/compression.md). */
export const DEFAULT_BLOCKS: Blocks = { rows: 1, columns: 8 };

/** Unless stated: what matters little is then not kept for the sake of its matrix (docs/compression.md). */
export const DEFAULT_SCOPE: PruningScope = "global";

/** How often a schedule prunes, where it has as many steps. */
const PRUNINGS = 20;

/** Gradual pruning on its way, as a checkpoint keeps it. */
export interface PruningSchedule {
  /** The share of blocks that is kept at its end. */
  readonly density: number;
  /** Weights that are kept or pruned as one. */
  readonly blocks: Blocks;
  /** Which compete. */
  readonly scope: PruningScope;
  /** The density at its beginning. */
  readonly from: number;
  /** Learning steps that it takes. */
  readonly steps: number;
  /** Those that lie behind. */
  readonly made: number;
}

/**
 * The density of gradual pruning: `target + (from - target) (1 - done)^3`. Much goes while little depends on it, the last in small steps.
 *
 * @param target the density at the end
 * @param done the share of the schedule that lies behind, from 0 to 1
 * @param from the density at the beginning
 */
export function gradualDensity(target: number, done: number, from = 1): number {
  return target + (from - target) * (1 - Math.min(Math.max(done, 0), 1)) ** 3;
}

/** The steps after which a schedule of so many prunes, in order: what has learned nothing yet has nothing to choose from. */
export function pruningSteps(steps: number): number[] {
  const prunings = Math.min(PRUNINGS, steps);
  return Array.from({ length: prunings }, (_, i) => Math.round(steps * (i + 1) / prunings));
}

/**
 * The density to which a model is to be pruned where a schedule stands, before its next step.
 *
 * @param schedule where it stands
 * @returns undefined where nothing is due
 */
export function densityDue({ density, from, steps, made }: PruningSchedule): number | undefined {
  return pruningSteps(steps).includes(made)
    ? gradualDensity(density, made / steps, from)
    : undefined;
}
