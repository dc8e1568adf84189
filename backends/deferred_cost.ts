/**
 * What a step must do with its weights where updates are deferred (`model/defer.ts`), counted from the plan.
 *
 * @module
 */
import { ringLength } from "../model/defer.ts";
import type { PairState } from "../model/pairs.ts";
import { layerOf, type Plan } from "../model/plan.ts";
import { shiftMacs } from "./shift_cost.ts";
import { type CostOf, learns } from "./step_cost.ts";

/** Columns of the matrices and pairs of a unit as they are stored, padding included; values of pairs are of four bytes. */
export interface StoredPairs {
  /** Of the encoder and of an input. */
  inputColumns(unit: number): number;
  /** Of the decoder, which is stored hidden-major, and of its errors. */
  outputColumns(unit: number): number;
  /** Of a vector of H + 1. */
  readonly hiddenColumns: number;
  /** Whether the rows of matrices are stored in whole panels of four. */
  readonly wholePanels?: boolean;
  /** Bytes of a weight that are stored, and those that a product reads; 4 unless stated. */
  readonly weightBytes?: number;
  readonly readBytes?: number;
}

/** What is known of a unit before a step. */
export interface UnitState extends PairState {
  /** Whether momentum matrices were loaded. */
  readonly momentum: boolean;
}

/**
 * A step reads each weight once. A unit that learns puts one pair away, and where it is due writes what is pending. Each pair there
 * is is read once and costs four vectors of multiply-accumulates, two of them of the size of the hidden layer. Those of shift
 * candidates count as in `stepCost`.
 *
 * @param plan a model that defers
 * @param stored how weights and pairs lie in memory
 * @param stateOf what is known of a unit before the step; the same record may be returned each time
 * @returns the cost of a step
 */
export function deferredCost(
  plan: Plan,
  stored: StoredPairs,
  stateOf: (unit: number) => UnitState,
): CostOf {
  const layers = layerOf(plan);
  const shift = shiftMacs(plan);
  const cost = { macs: 0, bytesRead: 0, bytesWritten: 0 };
  return (step, learn, skipped) => {
    cost.bytesRead = cost.bytesWritten = 0;
    cost.macs = step === 0 ? 0 : shift;
    for (let u = 0; u < layers.length; u++) {
      const learning = !skipped?.[u] && learns(plan, layers[u]!, step, learn);
      addUnit(plan, stored, u, stateOf(u), learning, cost);
    }
    return cost;
  };
}

/**
 * The mean cost of a step between two writes, long after the first.
 *
 * @param plan a model that defers
 * @param stored how weights and pairs lie in memory
 */
export function meanDeferredCost(plan: Plan, stored: StoredPairs): CostOf {
  const { every, window } = plan.defer;
  const state = { next: 0, count: 0, pending: 0, due: 0, carried: 0, momentum: false };
  const cost = deferredCost(plan, stored, () => state);
  return (step, learn) => {
    const mean = { macs: 0, bytesRead: 0, bytesWritten: 0 };
    for (state.pending = 0; state.pending < every; state.pending++) {
      state.due = every - state.pending;
      // Without momentum what is written is forgotten.
      state.count = window === 0 ? state.pending : ringLength(plan.defer);
      const one = cost(step, learn);
      mean.macs += one.macs / every;
      mean.bytesRead += one.bytesRead / every;
      mean.bytesWritten += one.bytesWritten / every;
    }
    return mean;
  };
}

function addUnit(
  plan: Plan,
  stored: StoredPairs,
  u: number,
  { count, pending, due, carried, momentum }: UnitState,
  learning: boolean,
  cost: { macs: number; bytesRead: number; bytesWritten: number },
): void {
  const { window } = plan.defer;
  const ring = ringLength(plan.defer);
  const H = plan.hidden;
  const [n, m] = [plan.inputs[u]!, plan.outputs[u]!];
  // Whole panels of four are read, whether all pairs in them count or not.
  const panels = (rows: number) => 4 * Math.ceil(rows / 4);
  const before = panels(count);
  const after = learning ? panels(Math.min(count + 1, ring)) : before;
  const columns = stored.inputColumns(u);
  const outputs = stored.outputColumns(u);
  const { weightBytes = 4, readBytes = 4, wholePanels = false } = stored;
  const rows = (count: number) => wholePanels ? panels(count) : count;
  const weights = rows(H) * columns + rows(H + 1) * outputs;
  const loaded = momentum && carried < window;

  cost.macs += H * n + (H + 1) * m + after * (n + H + m + H + 1);
  cost.bytesRead += readBytes * weights +
    4 * after * (columns + 2 * stored.hiddenColumns + outputs);
  if (loaded) {
    const ends = learning && carried + 1 >= window;
    // In its last step it counts only before the update.
    cost.macs += ends ? (H + 1) * m : H * n + (H + 1) * m;
    cost.bytesRead += ends ? 4 * rows(H + 1) * outputs : 4 * weights;
  }
  if (!learning) return;
  cost.macs += (H + 1) * m + before * (m + H + 1);
  if (loaded) cost.macs += carried + 1 >= window ? 0 : (H + 1) * m;
  cost.bytesWritten += 4 * (columns + 2 * stored.hiddenColumns + outputs);
  if (due > 1) return;
  cost.macs += (pending + 1) * (H * n + (H + 1) * m);
  cost.bytesRead += (weightBytes - readBytes) * weights;
  cost.bytesWritten += weightBytes * weights;
}
