export { BUILTIN_NAMES, builtinSpec } from "./model/builtin.ts";
export { parseSpec, SpecError, withoutEffect } from "./model/parse_spec.ts";
export type { Spec } from "./model/spec.ts";
export { compilePlan } from "./model/compile.ts";
export { hashPlan, type Plan, unitCount, weightCount } from "./model/plan.ts";
