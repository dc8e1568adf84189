/**
 * Deferred updates: a unit keeps what it learned lately beside its matrices and writes it into them now and then, so that most
 * steps only read weights.
 *
 * With momentum mu, Z = W + mu / (1 - mu) M obeys Z += g / (1 - mu) for every update g, so that Z replaces both matrices. A pair
 * (d / (1 - mu), x) of age j (0 is the newest) counts (j < pending ? 1 : 0) - mu^(j + 1) in W.
 *
 * @module
 */
import type { Defer } from "./plan.ts";
import type { Spec } from "./spec.ts";

/** Pairs that a unit keeps at most. */
export const MOST_PAIRS = 64;
/** What is left of a momentum that counts no more, relative to what it was. */
const NEGLIGIBLE = 1e-5;

/** Pairs that a unit keeps. */
export function ringLength({ every, window }: Defer): number {
  return every === 0 ? 0 : Math.max(every, window);
}

/**
 * What a specification says of deferred updates.
 *
 * @param spec a complete specification
 * @returns `window` may be more than {@linkcode MOST_PAIRS}: then it makes no model
 */
export function compileDefer(spec: Spec): Defer {
  const momentum = spec.rule === "2016" ? spec.momentum : 0;
  const every = spec.defer === "auto" ? chooseDefer(momentum) : spec.defer;
  if (every === 0 || momentum === 0) return { every, window: 0 };
  const enough = Math.ceil(Math.log(NEGLIGIBLE) / Math.log(momentum));
  return { every, window: spec.defer_window || enough };
}

/** Without momentum a write an update moves half the bytes already, and pairs cost more than they save. */
function chooseDefer(momentum: number): number {
  return momentum === 0 ? 0 : 16;
}
