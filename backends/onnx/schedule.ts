/**
 * What changes with the step count, computed in the graph, so that one graph serves all steps.
 *
 * @module
 */
import type { Plan } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import { ELEMENT, type Graph, type Value } from "./graph.ts";

/** A step that does not come. */
const NEVER = 2n ** 62n;

/** The schedule of a plan in a graph. */
export class Schedule {
  readonly #graph: Graph;
  readonly #plan: Plan;
  readonly #step: Value;

  /**
   * @param graph where nodes are added
   * @param plan a compiled model
   * @param step the number of the step, a 64-bit scalar
   */
  constructor(graph: Graph, plan: Plan, step: Value) {
    this.#graph = graph;
    this.#plan = plan;
    this.#step = step;
  }

  /** Whether the step is a certain one. */
  is(step: number): Value {
    return this.#graph.op("Equal", [this.#step, this.#graph.int(step)]);
  }

  /**
   * Whether a step has come. What always or never holds costs nothing in the graph but a constant.
   *
   * @param step whole, fractional or Infinity
   */
  from(step: number): Value {
    const graph = this.#graph;
    if (step <= 0 || step === Infinity) {
      return graph.constant("bool", [], Uint8Array.of(Number(step <= 0)));
    }
    return graph.op("GreaterOrEqual", [this.#step, graph.int(Math.ceil(step))]);
  }

  /** Whether all layers learn in every step. */
  get always(): boolean {
    const { rates } = this.#plan;
    return Array.from({ length: rates.start.length - 1 }, (_, layer) => layer).every((layer) => {
      const changes = rates.from.subarray(rates.start[layer], rates.start[layer + 1]);
      return [0, ...changes].every((step) => step === Infinity || rateAt(rates, layer, step) !== 0);
    });
  }

  /**
   * The rate of each layer, [layers]: the last entry that has begun, 0 before the first.
   *
   * @param ahead steps after this one
   */
  rates(ahead = 0): Value {
    const graph = this.#graph;
    const { rates } = this.#plan;
    const layers = rates.start.length - 1;
    const changes = Array.from({ length: layers }, (_, layer) => {
      const own = rates.from.subarray(rates.start[layer], rates.start[layer + 1]);
      const steps = new Set(Array.from(own, Math.ceil).filter((step) => step < Infinity));
      return [...steps].sort((a, b) => a - b);
    });
    const most = Math.max(...changes.map((steps) => steps.length), 1);
    const begins = new BigInt64Array(layers * most).fill(NEVER);
    const values = new Float32Array(layers * (most + 1));
    for (const [layer, steps] of changes.entries()) {
      for (const [i, step] of steps.entries()) {
        begins[layer * most + i] = BigInt(step - ahead);
        values[layer * (most + 1) + i + 1] = rateAt(rates, layer, step);
      }
    }
    // Steps ascend, so as many have come as the place of the last that has.
    const table = graph.constant("int64", [layers, most], begins);
    const has = graph.op("LessOrEqual", [table, this.#step]);
    const begun = graph.op("Cast", [has], { to: ELEMENT.int64 });
    const count = graph.op("ReduceSum", [begun, graph.ints(1)], { keepdims: 1 });
    const places = graph.constant("float", [layers, most + 1], values);
    const found = graph.op("GatherElements", [places, count], { axis: 1 });
    return graph.op("Reshape", [found, graph.ints(layers)]);
  }
}
