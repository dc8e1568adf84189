/**
 * Plans whose weights are narrow, for backends that store f32 alone.
 *
 * @module
 */
import type { Plan } from "../model/plan.ts";
import { formatOf } from "../model/weight_format.ts";

/**
 * Why a backend that stores f32 alone does not take a plan.
 *
 * @param plan the plan
 * @returns a sentence, or none
 */
export function narrowReasons(plan: Plan): string[] {
  const format = formatOf(plan);
  return format === "f32" ? [] : [
    `The plan's weights are ${format}; this backend has f32 alone: take another backend, or --format f32`,
  ];
}
