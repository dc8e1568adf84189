/**
 * The conformance kit: what a backend must prove before anybody trusts its numbers.
 *
 * @module
 */
export { conformance } from "./conformance.ts";
export {
  type ConformanceOptions,
  type ConformanceReport,
  type Exception,
  type Outcome,
  type PropertyResult,
  proveConformance,
} from "./kit.ts";
export type { PlanFeatures } from "./recipe.ts";
