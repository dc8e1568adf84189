/**
 * The error of a unit, and whether it is so small that the unit need not learn: both rules begin a step with it.
 *
 * @module
 */
import { ERROR_RATE, isBelow } from "../../model/skipping.ts";
import { learns } from "../step_cost.ts";
import type { StepContext } from "./rule.ts";
import type { Unit } from "./unit.ts";

/**
 * error = y' - p. The unit skips where the mean of its squares is below the threshold of its layer, or where the unit would learn and it
 * is below the share `surprise` of E; then E := E + max(1 / k, 0.01) (mean - E), k the steps learned from, at least 1.
 *
 * @param step the step
 * @param unit its arriving signal and prediction are compared
 */
export function compare(step: StepContext, unit: Unit): void {
  const { space: { plan }, t, learn, learned } = step;
  const { arriving, error, layer, prediction, state } = unit;
  let squares = 0;
  for (let i = 0; i < error.length; i++) {
    error[i] = arriving[i]! - prediction[i]!;
    squares += error[i]! * error[i]!;
  }
  unit.skips = isBelow(squares, error.length, plan.skipBelow?.[layer] ?? 0);
  const usual = state["error.mean"];
  if (usual === undefined || !learns(plan, layer, t, learn)) return;
  if (isBelow(squares, error.length, plan.surprise! * usual[0]!)) unit.skips = true;
  usual[0]! += Math.max(1 / Math.max(learned, 1), ERROR_RATE) *
    (squares / error.length - usual[0]!);
}
