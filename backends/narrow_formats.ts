/**
 * Plans whose weights are in a format that a backend does not have.
 *
 * @module
 */
import type { Plan } from "../model/plan.ts";
import { formatOf } from "../model/weight_format.ts";

/**
 * Why a backend does not take a plan, as far as its format goes.
 *
 * @param plan the plan
 * @param formats those that the backend has; f32 alone unless stated
 * @returns a sentence, or none
 */
export function narrowReasons(plan: Plan, formats: readonly string[] = ["f32"]): string[] {
  const format = formatOf(plan);
  if (formats.includes(format)) return [];
  const has = formats.length === 1 ? "f32 alone" : formats.join(", ");
  return [
    `The plan's weights are ${format}; this backend has ${has}: take another backend, or --format f32`,
  ];
}
