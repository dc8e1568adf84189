/**
 * The definition of a step: score the last prediction, learn from it, observe the frame, predict the next.
 *
 * This says what every number of every backend must be. It is not fast, and not meant to be. Units read only what the step
 * before published, so their order does not matter.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { frameLength, type Plan, unitCount } from "../../model/plan.ts";
import { type Passes, product, transposed, update } from "./passes.ts";
import * as rule2016 from "./rule_2016.ts";
import * as ruleSaccade from "./rule_saccade.ts";
import { makeUnits, type Space, type Unit } from "./unit.ts";

/** What is the same for all units of a step. */
export interface StepContext {
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
  /** Where weights are touched. */
  readonly passes: Passes;
}

/** A model in the middle of its life; the tensors are the state. */
export class ReferenceModel {
  readonly plan: Plan;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly units: readonly Unit[];
  step: number;
  learned: number;
  readonly #passes: Passes;
  readonly #publishing: Tensor;
  readonly #arriving: Tensor;

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
    passes: Passes = { transposed, update, product },
  ) {
    this.#passes = passes;
    this.plan = plan;
    this.tensors = tensors;
    this.units = makeUnits(plan, tensors);
    this.step = step;
    this.learned = learned;
    const frame = tensors["frame"]!;
    const external = plan.external.motion + plan.external.parts;
    this.#arriving = Reflect.construct(frame.constructor, [frame.length + external]) as Tensor;
    this.#publishing = tensors["published"]!.slice(0, unitCount(plan) * plan.hidden);
  }

  /** Rule 2016 predicts once, on zero inputs, with the schedule of step 0, before the first frame. */
  start(): void {
    const { rule } = this.plan;
    if (rule.name !== "2016") return;
    const context = this.#context(-1, true, 1);
    for (const unit of this.units) rule2016.predict(rule, context, unit);
    this.#publish();
  }

  /**
   * One step.
   *
   * @param frame values in [0, 1]
   * @param external the plan's external values
   * @param learn whether weights change
   * @param rate multiplies the scheduled rates
   * @returns the mean squared error of each layer
   */
  advance(
    frame: ArrayLike<number>,
    external: ArrayLike<number>,
    learn: boolean,
    rate: number,
  ): number[] {
    const { plan } = this;
    const layers = plan.layerStart.length - 1;
    const squares = new Array<number>(layers).fill(0);
    const counts = new Array<number>(layers).fill(0);
    this.#arriving.set(frame);
    this.#arriving.set(external, frameLength(plan));
    if (learn && this.step >= 2) this.learned++;
    const context = this.#context(this.step, learn, rate);
    for (const unit of this.units) {
      // Each branch is the same four lines: the compiler must see one rule at a time.
      if (plan.rule.name === "2016") {
        rule2016.score(plan.rule, context, unit);
        rule2016.learn(plan.rule, context, unit);
        rule2016.observe(plan.rule, context, unit);
        rule2016.predict(plan.rule, context, unit);
      } else {
        ruleSaccade.score(plan.rule, context, unit);
        ruleSaccade.learn(plan.rule, context, unit);
        ruleSaccade.observe(plan.rule, context, unit);
        ruleSaccade.predict(plan.rule, context, unit);
      }
      for (const e of unit.error) squares[unit.layer]! += e * e;
      counts[unit.layer]! += unit.error.length;
    }
    this.#publish();
    this.tensors["frame"]!.set(frame);
    this.step++;
    return squares.map((sum, layer) => sum / counts[layer]!);
  }

  #context(t: number, learn: boolean, rate: number): StepContext {
    const space: Space = {
      plan: this.plan,
      arriving: this.#arriving,
      lastFrame: this.tensors["frame"]!,
      published: this.tensors["published"]!,
      publishing: this.#publishing,
    };
    return { space, t, learned: this.learned, learn, rate, passes: this.#passes };
  }

  /** What was published becomes one step older; the oldest is forgotten. */
  #publish(): void {
    const published = this.tensors["published"]!;
    published.copyWithin(this.#publishing.length, 0, published.length - this.#publishing.length);
    published.set(this.#publishing);
  }
}
