/**
 * What a rule is: the vectors of one unit, in the order of a step. The weight passes stand between its functions.
 *
 * @module
 */
import type { Plan } from "../../model/plan.ts";
import * as rule2016 from "./rule_2016.ts";
import * as ruleSaccade from "./rule_saccade.ts";
import type { Space, Unit } from "./unit.ts";

/** What is the same for all units of a step. */
export interface StepContext<Rule = Plan["rule"]> {
  /** The scalars of the rule. */
  readonly rule: Rule;
  /** What there is to read, and where to publish. */
  readonly space: Space;
  /** The number of the step: frames seen before it. */
  readonly t: number;
  /** Steps learned from, this one included. */
  readonly learned: number;
  /** Whether weights change. */
  readonly learn: boolean;
  /** Multiplies the scheduled rates. */
  readonly rate: number;
}

/** The functions of a rule, in the order in which a step calls them. */
export interface Rule {
  /** error = y' - p, and whether the unit skips. */
  score(step: StepContext, unit: Unit): void;
  /** What the decoder learns from, and the rates; false when the unit does not learn: then pass 1 and `deltas` are left out. */
  outputErrors(step: StepContext, unit: Unit): boolean;
  // Pass 1: the decoder sends `outputErrors` back into `deltas`, then learns them from `past.hidden`.
  /** What was sent back becomes what the encoder learns. */
  deltas(step: StepContext, unit: Unit): void;
  // Pass 2, first half: the encoder learns `deltas` from `past.input`.
  /** The input of the prediction; y := y'. */
  observe(step: StepContext, unit: Unit): void;
  // Pass 2, second half: the encoder makes `hidden` of `input`.
  /** h. */
  activate(step: StepContext, unit: Unit): void;
  // Pass 3: the decoder makes `outputs` of `hidden`.
  /** p; publishes h. */
  predict(step: StepContext, unit: Unit): void;
}

/** The rule of a plan. */
export function ruleOf({ rule }: Plan): Rule {
  return rule.name === "2016" ? rule2016 : ruleSaccade;
}

/** The momentum of both matrices, and the value that stands behind the hidden outputs for the decoder. */
export function matrixScalars({ rule }: Plan): { readonly mu: number; readonly bias: 0 | 1 } {
  return rule.name === "2016" ? { mu: rule.momentum, bias: rule.bias } : { mu: 0, bias: 1 };
}
