/**
 * One unit of a running reference model: its part of every tensor, and what it reads.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import {
  layerOf,
  lengths,
  offsetsOf,
  type Plan,
  type Sources,
  unitCount,
} from "../../model/plan.ts";
import type { Matrix } from "./passes.ts";

/** What all units read in one step. */
export interface Space {
  /** The plan. */
  readonly plan: Plan;
  /** [frame | external] of this step. */
  readonly arriving: Tensor;
  /** The frame of the step before. */
  readonly lastFrame: Tensor;
  /** Hidden outputs of all units, [delay - 1][unit][H]. */
  readonly published: Tensor;
  /** Hidden outputs that this step publishes, [unit][H]. */
  readonly publishing: Tensor;
}

/** A unit: views into the tensors of the model, so that what it writes is what is saved. */
export interface Unit {
  readonly id: number;
  readonly layer: number;
  /** [H, n] and [m, H + 1]. */
  readonly encoder: Matrix;
  readonly decoder: Matrix;
  /** The part of every other tensor that belongs to this unit, by name. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** x: [n]. */
  readonly input: Tensor;
  /** h: [H]. */
  readonly hidden: Tensor;
  /** p: [m]. */
  readonly prediction: Tensor;
  /** y: [q], the signal last observed. */
  readonly signal: Tensor;
  /** The arriving signal y': [q], and its error y' - p; of this step only. */
  readonly arriving: Tensor;
  readonly error: Tensor;
}

/** A private copy of a checkpoint's tensors, in a session's precision. */
export function copyTensors(
  from: Checkpoint["tensors"],
  Values: typeof Float32Array | typeof Float64Array,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(from).map(([name, values]) => [name, new Values(values)]),
  );
}

/** Cuts the tensors of a model into units. */
export function makeUnits(plan: Plan, tensors: Readonly<Record<string, Tensor>>): Unit[] {
  const at = offsetsOf(plan);
  const layers = layerOf(plan);
  const motion = lengths(plan.motion);
  const H = plan.hidden;
  const first: Record<string, (u: number) => number> = {
    encoder: (u) => at.encoder[u]!,
    decoder: (u) => at.decoder[u]!,
    input: (u) => at.input[u]!,
    hidden: (u) => u * H,
    prediction: (u) => at.output[u]!,
    signal: (u) => at.signal[u]!,
    // Layer 0 comes first and its motion candidates are as long as its signals.
    motion: (u) => motion[u]! > 0 ? at.signal[u]! : plan.external.motion,
    scalar: (u) => u,
    pair: (u) => 2 * u,
    triple: (u) => 3 * u,
  };
  const layout: Record<string, string> = {
    "encoder.momentum": "encoder",
    "decoder.momentum": "decoder",
    "lag.input": "input",
    "lag.hidden": "hidden",
    "lag.prediction": "prediction",
    "signal.previous": "signal",
    integral: "signal",
    minimum: "hidden",
    maximum: "hidden",
    change: "signal",
    scale: "scalar",
    variance: "scalar",
    power: "scalar",
    "combiner.moments": "triple",
    "combiner.products": "pair",
    "combiner.weights": "pair",
  };
  const matrix = (state: Record<string, Tensor>, name: string): Matrix => {
    const momentum = state[`${name}.momentum`];
    return { weights: state[name]!, ...(momentum === undefined ? {} : { momentum }) };
  };
  return Array.from({ length: unitCount(plan) }, (_, id) => {
    const state: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      const begin = first[layout[name] ?? name];
      if (begin !== undefined) state[name] = tensor.subarray(begin(id), begin(id + 1));
    }
    const signal = state["signal"]!;
    return {
      id,
      layer: layers[id]!,
      encoder: matrix(state, "encoder"),
      decoder: matrix(state, "decoder"),
      state,
      input: state["input"]!,
      hidden: state["hidden"]!,
      prediction: state["prediction"]!,
      signal,
      arriving: signal.slice(),
      error: signal.slice().fill(0),
    };
  });
}

/**
 * Copies a unit's runs of the signal space, one after another.
 *
 * @param space what there is to read
 * @param sources which runs
 * @param unit whose
 * @param to where to
 * @param at from which element on
 * @param lastFrame reads frame values of the step before
 * @returns the element after the last one written
 */
export function gather(
  space: Space,
  sources: Sources,
  unit: number,
  to: Tensor,
  at: number,
  lastFrame = false,
): number {
  const { plan, arriving, published } = space;
  const units = unitCount(plan) * plan.hidden;
  for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
    for (let i = 0; i < sources.length[run]!; i++) {
      const index = sources.index[run]! + i;
      to[at++] = index >= arriving.length
        ? published[(sources.delay[run]! - 1) * units + index - arriving.length]!
        : lastFrame
        ? space.lastFrame[index]!
        : arriving[index]!;
    }
  }
  return at;
}
