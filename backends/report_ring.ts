/**
 * The reports that gather in a session until somebody drains them.
 *
 * @module
 */
import type { StepReports } from "./backend.ts";

/** What a step costs, by the plan. */
export interface StepCost {
  /** Multiply-accumulates with weights, those of shift candidates included. */
  readonly macs: number;
  /** Bytes of weights and momentum read. */
  readonly bytesRead: number;
  /** Bytes of weights and momentum written. */
  readonly bytesWritten: number;
}

/** How many bytes of 1 there are. */
export function countOf(flags: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < flags.length; i++) count += flags[i]!;
  return count;
}

/** A ring of mean squared errors, steps x layers. */
export class ReportRing {
  readonly #mse: Float64Array;
  readonly #layers: number;
  #first: number;
  #steps = 0;
  #macs = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #skipped: number | undefined;

  /**
   * An empty one.
   *
   * @param layers layers of the plan
   * @param capacity reports it holds
   * @param step the number of the step that comes first
   */
  constructor(layers: number, capacity: number, step: number) {
    this.#layers = layers;
    this.#mse = new Float64Array(layers * capacity);
    this.#first = step;
  }

  /** Bytes it holds. */
  get byteLength(): number {
    return this.#mse.byteLength;
  }

  /**
   * Throws when there is no room for one more.
   *
   * @param started steps that have begun and will be added before it
   */
  checkRoom(started = 0): void {
    const steps = this.#steps + started;
    if ((steps + 1) * this.#layers > this.#mse.length) {
      throw new RangeError(
        `${steps} steps have not been reported: call report() before the next step`,
      );
    }
  }

  /**
   * Adds a step.
   *
   * @param mse its mean squared error, by layer
   * @param cost what it cost
   * @param skipped the units that would have learned but for their small error are 1 in it; nothing where none may
   */
  push(mse: ArrayLike<number>, cost: StepCost, skipped?: Uint8Array): void {
    this.checkRoom();
    if (skipped !== undefined) this.#skipped = (this.#skipped ?? 0) + countOf(skipped);
    this.#mse.set(mse, this.#steps++ * this.#layers);
    this.#macs += cost.macs;
    this.#bytesRead += cost.bytesRead;
    this.#bytesWritten += cost.bytesWritten;
  }

  /** Everything since the last call. */
  drain(): StepReports {
    const report = {
      firstStep: this.#first,
      steps: this.#steps,
      mse: this.#mse.slice(0, this.#steps * this.#layers),
      macs: this.#macs,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      ...(this.#skipped === undefined ? {} : { skipped: this.#skipped }),
    };
    this.#first += this.#steps;
    this.#skipped = undefined;
    this.#steps =
      this.#macs =
      this.#bytesRead =
      this.#bytesWritten =
        0;
    return report;
  }
}
