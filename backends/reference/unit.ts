/**
 * One unit of a running model: its part of every tensor but the matrices, and what it reads.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { layerOf, type Plan, type Sources, unitCount } from "../../model/plan.ts";
import { unitOffsets } from "../../model/unit_tensors.ts";

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

/** What a unit learns in a step from; the same vectors all its life. */
export interface Past {
  /** x: [n]. */
  readonly input: Tensor;
  /** h: [H]. */
  readonly hidden: Tensor;
  /** p: [m]. */
  readonly prediction: Tensor;
}

/** A unit: views into the tensors of the model, so that what it writes is what is saved. */
export interface Unit {
  readonly id: number;
  readonly layer: number;
  /** The part of every other tensor that belongs to this unit, by name. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** x: [n]. */
  readonly input: Tensor;
  /** h: [H]; what pass 2 has made of x until it is activated. */
  readonly hidden: Tensor;
  /** What pass 3 makes of h: [m]. */
  readonly outputs: Tensor;
  /** p: [m]. */
  readonly prediction: Tensor;
  /** y: [q], the signal last observed. */
  readonly signal: Tensor;
  /** x, h and p as they are, or those of the step before where two steps are predicted. */
  readonly past: Past;
  /** The arriving signal y': [q], and its error y' - p; of this step only, as all that follows. */
  readonly arriving: Tensor;
  readonly error: Tensor;
  /** What the decoder learns from and sends back: [m]. */
  readonly outputErrors: Tensor;
  /** What it sends back, and what the encoder learns from: [H]. */
  readonly deltas: Tensor;
  /** Whether its error is so small that it does not learn in this step. */
  skips: boolean;
  /** The rate of each rank-1 term. */
  decoderRate: number;
  encoderRate: number;
}

/** Tensors of a step that no checkpoint holds. */
export type Scratch = Readonly<Record<"arriving" | "error" | "outputErrors" | "deltas", Tensor>>;

/** A tensor of zeros, in the precision of another one. */
export function zeros(like: Tensor, length: number): Tensor {
  return like instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}

/** The tensors that last for a step, beside those that last. */
export function makeScratch(tensors: Readonly<Record<string, Tensor>>): Scratch {
  const { signal, prediction, hidden } = tensors;
  return {
    arriving: signal!.slice(),
    error: zeros(signal!, signal!.length),
    outputErrors: zeros(prediction!, prediction!.length),
    deltas: zeros(hidden!, hidden!.length),
  };
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

/**
 * Cuts the tensors of a model into units.
 *
 * @param plan the model
 * @param tensors its state; the matrices may be elsewhere
 * @param scratch what lasts for a step
 */
export function makeUnits(
  plan: Plan,
  tensors: Readonly<Record<string, Tensor>>,
  scratch: Scratch,
): Unit[] {
  const at = unitOffsets(plan);
  const begins: Record<string, Float64Array | undefined> = {
    ...at,
    arriving: at["signal"],
    error: at["signal"],
    outputErrors: at["prediction"],
    deltas: at["hidden"],
    // Read by all: no unit's own.
    published: undefined,
  };
  const layers = layerOf(plan);
  const all = Object.entries({ ...tensors, ...scratch });
  return Array.from({ length: unitCount(plan) }, (_, id) => {
    const state: Record<string, Tensor> = {};
    for (const [name, tensor] of all) {
      const begin = begins[name];
      if (begin !== undefined) state[name] = tensor.subarray(begin[id], begin[id + 1]);
    }
    const now = {
      input: state["input"]!,
      hidden: state["hidden"]!,
      prediction: state["prediction"]!,
    };
    return {
      id,
      layer: layers[id]!,
      state,
      ...now,
      outputs: state["change"] ?? now.prediction,
      signal: state["signal"]!,
      past: {
        input: state["lag.input"] ?? now.input,
        hidden: state["lag.hidden"] ?? now.hidden,
        prediction: state["lag.prediction"] ?? now.prediction,
      },
      arriving: state["arriving"]!,
      error: state["error"]!,
      outputErrors: state["outputErrors"]!,
      deltas: state["deltas"]!,
      skips: false,
      decoderRate: 0,
      encoderRate: 0,
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
 * @returns the element after the last one written
 */
export function gather(
  space: Space,
  sources: Sources,
  unit: number,
  to: Tensor,
  at: number,
): number {
  const { plan, arriving, published } = space;
  const units = unitCount(plan) * plan.hidden;
  for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
    for (let i = 0; i < sources.length[run]!; i++) {
      const index = sources.index[run]! + i;
      to[at++] = index >= arriving.length
        ? published[(sources.delay[run]! - 1) * units + index - arriving.length]!
        : arriving[index]!;
    }
  }
  return at;
}

/**
 * A unit's runs of the frame of the step before, one after another.
 *
 * @param space what there is to read
 * @param sources which runs
 * @param unit whose
 * @param to where to
 */
export function gatherLast(space: Space, sources: Sources, unit: number, to: Tensor): void {
  let at = 0;
  for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
    const begin = sources.index[run]!;
    for (let i = 0; i < sources.length[run]!; i++) to[at++] = space.lastFrame[begin + i]!;
  }
}

/**
 * The change of the frame in a unit's runs of it, one after another.
 *
 * @param space what there is to read
 * @param sources which runs
 * @param unit whose
 * @param to where to
 * @returns the element after the last one written
 */
export function gatherChange(space: Space, sources: Sources, unit: number, to: Tensor): number {
  let at = 0;
  for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
    for (let i = 0; i < sources.length[run]!; i++) {
      const index = sources.index[run]! + i;
      to[at++] = space.arriving[index]! - space.lastFrame[index]!;
    }
  }
  return at;
}
