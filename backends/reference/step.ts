/**
 * The definition of a step: score the last prediction, learn from it, observe the frame, predict the next.
 *
 * This says what every number of every backend must be. It is not fast, and not meant to be. Units read only what the step
 * before published, so their order does not matter.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { frameLength, type Plan } from "../../model/plan.ts";
import { makeMatrices, type Matrices, PASSES, type Passes } from "./passes.ts";
import type { Clock } from "./rounding.ts";
import { matrixScalars, type StepContext } from "./rule.ts";
import type { Unit } from "./unit.ts";
import { Vectors } from "./vectors.ts";

/** A model in the middle of its life; the tensors are the state. */
export class ReferenceModel {
  readonly vectors: Vectors;
  readonly #matrices: readonly Matrices[];
  readonly #passes: Passes;
  readonly #mu: number;
  readonly #bias: 0 | 1;
  readonly #clock: Clock;

  /**
   * @param plan the model
   * @param tensors its state; written to
   * @param step frames seen
   * @param learned steps learned from
   * @param passes where weights are touched; the definition unless stated
   */
  constructor(
    plan: Plan,
    tensors: Readonly<Record<string, Tensor>>,
    step: number,
    learned: number,
    passes: Passes = PASSES,
  ) {
    this.vectors = new Vectors(plan, tensors, step, learned);
    this.#clock = { seed: plan.seed, step };
    this.#matrices = makeMatrices(plan, tensors, this.#clock);
    this.#passes = passes;
    const { mu, bias } = matrixScalars(plan);
    this.#mu = mu;
    this.#bias = bias;
  }

  /** Bytes of what stands beside narrow weights: what the products read instead of them. */
  get besideBytes(): number {
    let bytes = 0;
    for (const matrices of this.#matrices) {
      for (const { visible } of [matrices.encoder, matrices.decoder]) {
        bytes += visible?.byteLength ?? 0;
      }
    }
    return bytes;
  }

  /** Rule 2016 predicts once, on zero inputs, with the schedule of step 0, before the first frame. */
  start(): void {
    const { vectors } = this;
    if (vectors.plan.rule.name !== "2016") return;
    const step = vectors.beginStart();
    for (const unit of vectors.units) this.#predict(step, unit);
    vectors.publish();
  }

  /**
   * One step.
   *
   * @param frame values in [0, 1]
   * @param external the plan's external values
   * @param learn whether weights change
   * @param rate multiplies the scheduled rates
   * @returns the mean squared error of each layer, until the next step
   */
  advance(
    frame: ArrayLike<number>,
    external: ArrayLike<number>,
    learn: boolean,
    rate: number,
  ): Float64Array {
    const { vectors } = this;
    vectors.arriving.set(frame);
    vectors.arriving.set(external, frameLength(vectors.plan));
    this.#clock.step = vectors.step;
    const step = vectors.begin(learn, rate);
    for (const unit of vectors.units) {
      vectors.rule.score(step, unit);
      this.#learn(step, unit);
      vectors.rule.observe(step, unit);
      this.#predict(step, unit);
    }
    vectors.end();
    return vectors.mse;
  }

  /** Pass 1 and the first half of pass 2. */
  #learn(step: StepContext, unit: Unit): void {
    const { vectors: { rule } } = this;
    if (!rule.outputErrors(step, unit)) return;
    const { encoder, decoder } = this.#matrices[unit.id]!;
    const { outputErrors, deltas, past, decoderRate, encoderRate } = unit;
    this.#passes.transposed(decoder, outputErrors, deltas);
    this.#passes.update(decoder, decoderRate, this.#mu, outputErrors, past.hidden, this.#bias);
    rule.deltas(step, unit);
    this.#passes.update(encoder, encoderRate, this.#mu, deltas, past.input);
  }

  /** The second half of pass 2, and pass 3. */
  #predict(step: StepContext, unit: Unit): void {
    const { encoder, decoder } = this.#matrices[unit.id]!;
    this.#passes.product(encoder, unit.input, unit.hidden);
    this.vectors.rule.activate(step, unit);
    this.#passes.product(decoder, unit.hidden, unit.outputs, this.#bias);
    this.vectors.rule.predict(step, unit);
  }
}
