/**
 * How weights lie in linear memory, for what a step reads and writes of them.
 *
 * @module
 */
import type { Plan } from "../../model/plan.ts";
import {
  formatOf,
  hasMomentum,
  isCodebookFormat,
  readBytes,
  weightBytes,
} from "../../model/weight_format.ts";
import type { StoredPairs } from "../deferred_cost.ts";
import type { StoredWeights } from "../step_cost.ts";
import { paddedColumns } from "./panels.ts";
import { hiddenColumns, type Placement } from "./placement.ts";
import { shapeOf } from "./weight_memory.ts";

/**
 * For `stepCost`.
 *
 * @param plan a model that does not defer
 * @param place where it lies
 */
export function storedWeights(
  plan: Plan,
  { matrixBytes }: Pick<Placement, "matrixBytes">,
): StoredWeights {
  const format = formatOf(plan);
  return {
    encoderBytes: (u) => matrixBytes[u]!.encoder,
    decoderBytes: (u) => matrixBytes[u]!.decoder,
    indexBytes: (u) => matrixBytes[u]!.index,
    momentum: hasMomentum(plan),
    momentumScale: 4 / weightBytes(format),
    // The bytes of pruned i8 lie together.
    predictionScale: plan.mask === undefined || isCodebookFormat(format)
      ? readBytes(format) / weightBytes(format)
      : 1,
  };
}

/**
 * For `deferredCost`.
 *
 * @param plan a model that defers
 */
export function storedPairs(plan: Plan): StoredPairs {
  const format = formatOf(plan);
  return {
    inputColumns: (u) => paddedColumns(plan.inputs[u]!),
    outputColumns: (u) => paddedColumns(plan.outputs[u]!),
    hiddenColumns: hiddenColumns(plan),
    wholePanels: shapeOf(plan, 0, "encoder").wholePanels === true,
    weightBytes: weightBytes(format),
    readBytes: readBytes(format),
  };
}
