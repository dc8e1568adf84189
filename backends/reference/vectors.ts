/**
 * All vectors of a model in the middle of its life, and the beginning and end of a step: everything but the weights.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { frameLength, type Plan, unitCount } from "../../model/plan.ts";
import { maySkip } from "../../model/skipping.ts";
import { learns } from "../step_cost.ts";
import { type Rule, ruleOf, type StepContext } from "./rule.ts";
import { makeScratch, makeUnits, type Scratch, type Unit, zeros } from "./unit.ts";

/** A step calls `begin`, then for every unit the functions of `rule` with the weight passes between them, then `end`. */
export class Vectors {
  readonly plan: Plan;
  /** The state; its matrices, where it has any, are not looked at. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly scratch: Scratch;
  readonly units: readonly Unit[];
  readonly rule: Rule;
  /** [frame | external] of the step to come, for the caller to write. */
  readonly arriving: Tensor;
  /** Mean squared error of each layer in the last step. */
  readonly mse: Float64Array;
  /** Which units would have learned in the last step, but for their small error; of a model in which some may. */
  readonly skipped: Uint8Array | undefined;
  step: number;
  learned: number;
  readonly #context: { -readonly [K in keyof StepContext]: StepContext[K] };
  readonly #frame: Tensor;
  readonly #publishing: Tensor;

  /**
   * @param plan the model
   * @param tensors its state; written to
   * @param step frames seen
   * @param learned steps learned from
   */
  constructor(
    plan: Plan,
    tensors: Readonly<Record<string, Tensor>>,
    step: number,
    learned: number,
  ) {
    const lastFrame = tensors["frame"]!;
    const published = tensors["published"]!;
    this.plan = plan;
    this.tensors = tensors;
    this.scratch = makeScratch(tensors);
    this.units = makeUnits(plan, tensors, this.scratch);
    this.rule = ruleOf(plan);
    this.arriving = zeros(
      lastFrame,
      frameLength(plan) + plan.external.motion + plan.external.parts,
    );
    this.mse = new Float64Array(plan.layerStart.length - 1);
    this.skipped = maySkip(plan) ? new Uint8Array(unitCount(plan)) : undefined;
    this.step = step;
    this.learned = learned;
    this.#frame = this.arriving.subarray(0, frameLength(plan));
    this.#publishing = published.slice(0, unitCount(plan) * plan.hidden);
    const { arriving } = this;
    const space = { plan, arriving, lastFrame, published, publishing: this.#publishing };
    this.#context = { rule: plan.rule, space, t: step, learned, learn: true, rate: 1 };
  }

  /** Bytes of what lasts for a step. */
  get scratchBytes(): number {
    return [...Object.values(this.scratch), this.arriving, this.#publishing]
      .reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /**
   * What the units are told of the step whose frame stands in `arriving`; the same record every time.
   *
   * @param learn whether weights change
   * @param rate multiplies the scheduled rates
   */
  begin(learn: boolean, rate: number): StepContext {
    if (learn && this.step >= 2) this.learned++;
    return this.#tell(this.step, learn, rate);
  }

  /** What they are told of the prediction of rule 2016 before the first frame: the schedule is that of step 0. */
  beginStart(): StepContext {
    return this.#tell(-1, true, 1);
  }

  #tell(t: number, learn: boolean, rate: number): StepContext {
    const context = this.#context;
    context.t = t;
    context.learned = this.learned;
    context.learn = learn;
    context.rate = rate;
    return context;
  }

  /** Sums up, publishes, and keeps the frame. */
  end(): void {
    const { mse, plan, plan: { layerStart }, skipped, units } = this;
    for (let layer = 0; layer < mse.length; layer++) {
      let squares = 0;
      let count = 0;
      const learning = learns(plan, layer, this.step, this.#context.learn);
      for (let u = layerStart[layer]!; u < layerStart[layer + 1]!; u++) {
        const { error, skips } = units[u]!;
        if (skipped !== undefined) skipped[u] = Number(learning && skips);
        for (let i = 0; i < error.length; i++) squares += error[i]! * error[i]!;
        count += error.length;
      }
      mse[layer] = squares / count;
    }
    this.publish();
    this.tensors["frame"]!.set(this.#frame);
    this.step++;
  }

  /** What was published becomes one step older; the oldest is forgotten. */
  publish(): void {
    const published = this.tensors["published"]!;
    published.copyWithin(this.#publishing.length, 0, published.length - this.#publishing.length);
    published.set(this.#publishing);
  }
}
