/**
 * The flags that say how a model is pruned, shared by the commands that do it.
 *
 * @module
 */
import type { PruneOptions } from "../compress/prune.ts";
import {
  DEFAULT_BLOCKS,
  DEFAULT_SCOPE,
  PRUNING_SCOPES,
  type PruningScope,
} from "../model/pruning_schedule.ts";
import type { Blocks } from "../model/weight_blocks.ts";
import { UsageError } from "./exit.ts";
import type { Flag, Values } from "./flags.ts";

/** Flags of pruning. */
export const PRUNING_FLAGS: Readonly<Record<string, Flag>> = {
  prune: {
    value: "P",
    kind: "number",
    help: "the share of weights that goes: 0.9 keeps a tenth",
  },
  blocks: {
    value: "RxC",
    help:
      `weights that go together: hidden units x inputs (default: ${DEFAULT_BLOCKS.rows}x${DEFAULT_BLOCKS.columns})`,
  },
  scope: {
    value: "WHAT",
    of: PRUNING_SCOPES,
    help: `where weights compete to be kept (default: ${DEFAULT_SCOPE})`,
  },
};

/** `4x1`. */
function blocksOf(text: string): Blocks {
  const [, rows, columns] = text.match(/^([1-9]\d{0,3})x([1-9]\d{0,3})$/) ?? [];
  if (rows === undefined) {
    throw new UsageError(`--blocks is hidden units x inputs as in 4x1, not "${text}"`);
  }
  return { rows: Number(rows), columns: Number(columns) };
}

/**
 * What the flags ask for.
 *
 * @param values the flags
 * @param more other flags that mean nothing without `--prune`
 * @returns what was given, without defaults; undefined where nothing is to be pruned
 * @throws {UsageError} when that makes no sense
 */
export function readPruning(
  values: Values,
  more: readonly string[] = [],
): PruneOptions | undefined {
  const pruned = values.number("prune");
  if (pruned === undefined) {
    for (const name of ["blocks", "scope", ...more]) {
      if (values.has(name)) throw new UsageError(`--${name} needs --prune`);
    }
    return undefined;
  }
  if (pruned >= 1) {
    throw new UsageError(
      `--prune is the share that goes, below 1, not ${pruned}: 0.9 keeps a tenth`,
    );
  }
  const blocks = values.text("blocks");
  const scope = values.text("scope") as PruningScope | undefined;
  return {
    density: 1 - pruned,
    ...(blocks === undefined ? {} : { blocks: blocksOf(blocks) }),
    ...(scope === undefined ? {} : { scope }),
  };
}
