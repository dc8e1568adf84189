/**
 * What the layers above the pixels are to predict, followed from outside: their signals change as hidden outputs do.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { offsetsOf, type Plan } from "../model/plan.ts";

/** Follows the signals of a session. */
export class Signals {
  /** Values in the signal of each layer. */
  readonly lengths: readonly number[];
  readonly #starts: readonly number[];
  #now: Float32Array;
  #last: Float32Array;

  /** @param plan the model of the session; nothing is known of its signals yet */
  constructor(plan: Plan) {
    const { signal } = offsetsOf(plan);
    this.#starts = Array.from(plan.layerStart, (unit) => signal[unit]!);
    this.lengths = this.#starts.slice(1).map((end, layer) => end - this.#starts[layer]!);
    this.#now = new Float32Array(signal.at(-1)!);
    this.#last = this.#now.slice();
  }

  /**
   * Reads the signals of the last step.
   *
   * @param session made one step since the last call
   * @param sums one for each layer; what copying its last signal would have cost, a mean squared error, is added to those above the first
   */
  async add(session: Session, sums: Float64Array): Promise<void> {
    [this.#now, this.#last] = [this.#last, this.#now];
    await session.read("signal", this.#now);
    for (let layer = 1; layer < sums.length; layer++) {
      const [begin, end] = [this.#starts[layer]!, this.#starts[layer + 1]!];
      let squares = 0;
      for (let i = begin; i < end; i++) squares += (this.#now[i]! - this.#last[i]!) ** 2;
      sums[layer]! += squares / this.lengths[layer]!;
    }
  }
}
