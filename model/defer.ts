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
import { isCodebookFormat } from "./weight_format.ts";

/** Pairs that a unit keeps at most. */
export const MOST_PAIRS = 64;
/** What is left of a momentum that counts no more, relative to what it was. */
const NEGLIGIBLE = 2e-5;

/** Updates of narrow weights between two writes: rounding them is what costs, so that seldom is best (measured: 8 to 32 are alike). */
const NARROW_EVERY = 16;

/** Pairs that a unit keeps: in fours, as weights are read. */
export function ringLength({ every, window }: Defer): number {
  return every === 0 ? 0 : 4 * Math.ceil(Math.max(every, window) / 4);
}

/**
 * What a specification says of deferred updates.
 *
 * @param spec a complete specification
 * @param weights how many the model has: what is chosen for `auto` depends on whether they fit into a cache
 * @returns `window` may be more than {@linkcode MOST_PAIRS}: then it makes no model
 */
export function compileDefer(spec: Spec, weights = Infinity): Defer {
  const narrow = spec.format !== "f32";
  // Codebooks keep no momentum under rule 2016, either.
  if (spec.rule === "saccade" || isCodebookFormat(spec.format)) {
    // In f32 it moves half the bytes as it is, and pairs were measured to cost more than they save.
    const auto = narrow ? NARROW_EVERY : 0;
    return { every: spec.defer === "auto" ? auto : spec.defer, window: 0 };
  }
  if (spec.defer === 0) return { every: 0, window: 0 };
  // The newest update is the momentum even where nothing is kept of it.
  const enough = Math.max(Math.ceil(Math.log(NEGLIGIBLE) / Math.log(spec.momentum)), 1);
  const window = spec.defer_window || enough;
  const hidden = spec.hidden_block_size ** 2;
  const auto = narrow ? NARROW_EVERY : chooseEvery(window, hidden, weights);
  const every = spec.defer === "auto" ? auto : spec.defer;
  return { every, window: every === 0 ? 0 : window };
}

/** Bytes that a last cache holds on a small machine; a program may not ask without all permissions. */
const CACHE_BYTES = 4 * 2 ** 20;

/** The number of updates at which a step with momentum costs least, 0 where it costs least without deferring. */
function chooseEvery(window: number, hidden: number, weights: number): number {
  const cached = 4 * weights <= CACHE_BYTES;
  // A weight and its momentum are read and written: 16 bytes; in a cache what counts is their four operations.
  let [best, least] = [0, cached ? 4 : 16];
  for (let every = 1; every <= MOST_PAIRS; every++) {
    let pairs = 0;
    for (let pending = 1; pending <= every; pending++) pairs += Math.max(pending, window) / every;
    // Each pair that counts is read, and multiplied twice: a share of 1 / H of a matrix.
    const cost = cached ? 2 + 2 * pairs / hidden : 4 + 4 / every + 4 * pairs / hidden;
    if (cost < least) [best, least] = [every, cost];
  }
  return best;
}
