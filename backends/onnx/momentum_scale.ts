/**
 * Momentum stored divided by a power of two, so that its decay costs no pass over memory.
 *
 * M' = mu M + term is N' = N + term / s' with M = s N and s' = mu s, a number a layer. Where mu is a power of two nothing is rounded
 * that was not rounded before: what is stored, saved and resumed has the same bits as M itself, as long as these are no denormals,
 * which count as 0 here.
 *
 * @module
 */
import { layerOf, type Plan } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import { MOMENTUM_TENSORS } from "../../model/state.ts";
import type { Part } from "./layout.ts";

/** Whether a plan's momentum can be stored so. */
export function isScaled(plan: Plan): boolean {
  return plan.rule.name === "2016" && plan.rule.momentum > 0 &&
    Number.isInteger(Math.log2(plan.rule.momentum));
}

/** Below, sums divided by it come near the largest floats. */
const LEAST_SCALE = 2 ** -60;
/** The least float that is no denormal. */
const LEAST_NORMAL = 2 ** -126;

/** s of each layer of a running model. */
export class MomentumScale {
  /** s of each layer. */
  readonly scales: Float32Array;
  readonly #plan: Plan;
  readonly #layers: Uint32Array;
  readonly #decay: number;

  /**
   * @param plan a plan for which {@linkcode isScaled} holds
   */
  constructor(plan: Plan) {
    this.#plan = plan;
    this.#layers = layerOf(plan);
    this.#decay = plan.rule.name === "2016" ? plan.rule.momentum : 1;
    this.scales = new Float32Array(plan.layerStart.length - 1).fill(1);
  }

  /**
   * Decays the momentum of the layers that learn.
   *
   * @param step the number of the step
   * @param learn whether weights change
   */
  advance(step: number, learn: boolean): void {
    for (let layer = 0; layer < this.scales.length; layer++) {
      if (!learn || rateAt(this.#plan.rates, layer, step) === 0) continue;
      this.scales[layer]! *= this.#decay;
    }
  }

  /** Whether N has become so large that it must be made M again. */
  get due(): boolean {
    return this.scales.some((scale) => scale < LEAST_SCALE);
  }

  /** M from N: the values of a part of the state, which are of no use to others before. */
  apply(part: Part, values: Float32Array): void {
    if (!MOMENTUM_TENSORS.includes(part.tensor)) return;
    const length = values.length / part.units.length;
    for (const [i, unit] of part.units.entries()) {
      const scale = this.scales[this.#layers[unit]!]!;
      if (scale === 1) continue;
      for (let at = i * length; at < (i + 1) * length; at++) {
        const value = values[at]! * scale;
        values[at] = Math.abs(value) < LEAST_NORMAL ? 0 : value;
      }
    }
  }

  /** After all parts were made M in place: N is M again. */
  settle(): void {
    this.scales.fill(1);
  }
}
