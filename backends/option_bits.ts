/**
 * The options of rule 2016 as bits, for kernels and libraries.
 *
 * @module
 */
import type { Rule2016 } from "../model/plan.ts";

/**
 * The bits, in the order of `native/saccade_backend.h` and of `kernels/src/rule_2016.rs`.
 *
 * @param rule what is on in it
 */
export function optionBits(rule: Rule2016): number {
  return [
    rule.activation === "logistic",
    rule.derivative,
    rule.integral,
    rule.error,
    rule.previous,
    rule.twoSteps,
    rule.normalise,
    rule.autoencoder,
  ].reduce((bits, on, bit) => bits | (on ? 1 << bit : 0), 0);
}
