/**
 * The shift candidates of rule saccade: what a tile would change by if its surroundings went on changing as they just did.
 *
 * Motion is a product of what moves and how: a network of one hidden layer that sees a few hundred frames cannot learn it. But
 * a frame that moves is, nearby, a weighted sum of displaced copies of the frame before, and the weights say how it moves,
 * whatever moves. Each unit fits them to the change it has just seen around its tile and applies them to the new frame.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { type Plan, type RuleSaccade, SHIFT_REACH } from "../../model/plan.ts";
import type { StepContext } from "./rule.ts";
import { solveRidge } from "./solve_ridge.ts";
import { gather, gatherLast, type Unit, zeros } from "./unit.ts";

/** The constants of the shift candidates. */
export const SHIFT_CONSTANTS = {
  ridge: 0.003,
  relativeRidge: 0.01,
  weightLimit: 2,
  energyFloor: 3e-5,
} as const;

/**
 * What the copies of a pixel differ by from it. For each distance k from 1 to the radius: half the difference of the copies
 * displaced by k to both sides, vertically and horizontally, then the mean of both less the pixel, likewise.
 *
 * @param patch a square of pixels
 * @param width of the patch, in pixels
 * @param at the value whose copies are meant
 * @param to 4 values for each distance
 */
export function displacedCopies(patch: Tensor, width: number, at: number, to: Tensor): void {
  const value = patch[at]!;
  for (let k = 1; 4 * k <= to.length; k++) {
    const [above, below] = [patch[at - 3 * k * width]!, patch[at + 3 * k * width]!];
    const [left, right] = [patch[at - 3 * k]!, patch[at + 3 * k]!];
    const i = 4 * (k - 1);
    to[i] = (above - below) / 2;
    to[i + 1] = (left - right) / 2;
    to[i + 2] = (above + below) / 2 - value;
    to[i + 3] = (left + right) / 2 - value;
  }
}

/** What speaks for the weights: sums over samples of products of copies, packed, and of copies with the change. */
interface Evidence {
  readonly moments: Tensor;
  readonly products: Tensor;
  readonly energy: Tensor;
}

/** The evidence of one step, one colour a pixel in turn: three times the values say hardly more. */
function gatherEvidence(now: Tensor, before: Tensor, tile: number, radius: number): Evidence {
  const K = 4 * radius;
  const copies = zeros(now, K);
  const moments = zeros(now, K * (K + 1) / 2);
  const products = zeros(now, K);
  const energy = zeros(now, 1);
  const reach = tile + 2 * SHIFT_REACH;
  const width = reach + 2 * radius;
  for (let row = 0; row < reach; row++) {
    for (let column = 0; column < reach; column++) {
      const channel = (2 * (row + column)) % 3;
      const at = ((row + radius) * width + column + radius) * 3 + channel;
      displacedCopies(before, width, at, copies);
      const change = now[at]! - before[at]!;
      for (let a = 0, i = 0; a < K; a++) {
        for (let b = 0; b <= a; b++) moments[i++]! += copies[a]! * copies[b]!;
        products[a]! += copies[a]! * change;
      }
      energy[0]! += change * change;
    }
  }
  return { moments, products, energy };
}

/** v = (A + ridge)^-1 B, times the correlation of what it explains with the change. */
function fitWeights({ moments, products, energy }: Evidence): Float64Array {
  const c = SHIFT_CONSTANTS;
  const K = products.length;
  let trace = 0;
  for (let a = 0; a < K; a++) trace += moments[a * (a + 3) / 2]!;
  const weights = solveRidge(moments, c.ridge + c.relativeRidge * trace / K, products);
  let explained = 0;
  for (let a = 0; a < K; a++) {
    weights[a] = Math.min(Math.max(weights[a]!, -c.weightLimit), c.weightLimit);
    explained += weights[a]! * products[a]!;
  }
  const trust = Math.sqrt(Math.max(explained / (energy[0]! + c.energyFloor), 0));
  return weights.map((weight) => trust * weight);
}

/** The part of a tensor that belongs to candidate a of `count`. */
const part = (tensor: Tensor, a: number, count: number) => {
  const length = tensor.length / count;
  return tensor.subarray(a * length, (a + 1) * length);
};

/**
 * Fits the weights and writes `shift`, whether or not learning is on: like the features, the weights are what was observed.
 * 0 in the first step. To be called while the last frame is still that of the step before.
 *
 * @param step the step, with a plan that has shift candidates
 * @param unit a unit of layer 0
 */
export function observeShift(step: StepContext<RuleSaccade>, unit: Unit): void {
  if (step.t === 0) return;
  const { space, rule } = step;
  const { radius, memories } = rule.shift!;
  const { patch } = space.plan as Plan & Required<Pick<Plan, "patch">>;
  const shift = unit.state["shift"]!;
  const margin = SHIFT_REACH + radius;
  const tile = Math.sqrt(unit.signal.length / 3);
  const width = tile + 2 * margin;
  const now = zeros(shift, width * width * 3);
  const before = zeros(shift, width * width * 3);
  gather(space, patch, unit.id, now, 0);
  gatherLast(space, patch, unit.id, before);
  const fresh = gatherEvidence(now, before, tile, radius);

  const own = (name: string, g: number) => part(unit.state[name]!, g, memories.length);
  const weights = memories.map((memory, g) => {
    const evidence = {
      moments: own("shift.moments", g),
      products: own("shift.products", g),
      energy: own("shift.energy", g),
    };
    for (const name of ["moments", "products", "energy"] as const) {
      const [to, add] = [evidence[name], fresh[name]];
      for (let i = 0; i < to.length; i++) to[i] = memory * to[i]! + add[i]!;
    }
    return fitWeights(evidence);
  });
  const candidates = memories.map((_, g) => own("shift", g));
  const copies = zeros(shift, 4 * radius);
  for (let row = 0, i = 0; row < tile; row++) {
    for (let value = 0; value < 3 * tile; value++, i++) {
      displacedCopies(now, width, (row + margin) * width * 3 + margin * 3 + value, copies);
      for (const [g, candidate] of candidates.entries()) {
        let sum = 0;
        for (let a = 0; a < copies.length; a++) sum += weights[g]![a]! * copies[a]!;
        candidate[i] = sum;
      }
    }
  }
}
