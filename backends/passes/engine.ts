/**
 * The smaller of the two depths of a plugin: an engine that does the three passes of a step over the weights, for somebody who
 * has a fast matrix engine and nothing else. {@linkcode fromPasses} makes a whole backend of it, with our vectors around.
 *
 * All units of a model go through a pass in one call. Every vector is flat, f32, unit after unit: H values a unit in `deltas`
 * and `out` of {@linkcode WeightPasses.encode}, H + 1 in `hidden` and `back`, inputs[u] or outputs[u] in the others.
 *
 * @module
 */

import type { Mask } from "../../model/plan.ts";

/** The matrices of a model: unit u has an encoder of [H, inputs[u]] and a decoder of [outputs[u], H + 1]. */
export interface Shapes {
  /** How many units. */
  readonly units: number;
  /** H: hidden outputs of a unit. */
  readonly hidden: number;
  /** Columns of each unit's encoder. */
  readonly inputs: Uint32Array;
  /** Rows of each unit's decoder. */
  readonly outputs: Uint32Array;
  /** What is pruned, for engines that say `masks`; a weight that is not kept is neither read nor written, and counts as 0. */
  readonly mask?: Mask;
  /** mu of rule 2016; undefined under rule saccade, which has no momentum. */
  readonly momentum?: number;
}

/** All matrices of a model, row by row, unit after unit, as a checkpoint has them. */
export interface Weights {
  /** [H, inputs[u]] a unit. */
  readonly encoder: Float32Array;
  /** [outputs[u], H + 1] a unit. */
  readonly decoder: Float32Array;
  /** Of the same length as `encoder`, where there is momentum. */
  readonly encoderMomentum?: Float32Array;
  /** Of the same length as `decoder`, where there is momentum. */
  readonly decoderMomentum?: Float32Array;
}

/** What a unit learns in a pass. */
export interface Learning {
  /** A unit learns where this is 1; where it is 0 its weights and momentum stay as they are, whatever its vectors hold. */
  readonly learns: Uint8Array;
  /** r of each unit; 0 where it does not learn. It may be 0 where one learns, and momentum moves. */
  readonly rates: Float32Array;
}

/**
 * Loaded weights. To learn a term d x' at rate r is W += r d x', or with momentum M = r d x' + mu M, W += M. A pass may return
 * at once or promise to be done; its vectors stay as they are until then, and no other pass begins. What a pass throws ends the
 * device: nobody knows what it has written.
 */
export interface WeightPasses {
  /**
   * Pass 1, decoders: back = W' errors with the weights as they are, then W learns errors hidden'. Left out of a step in which no
   * unit learns.
   *
   * @param errors outputs[u] values a unit
   * @param hidden H + 1 a unit, the bias last
   * @param learning who learns, and how fast
   * @param back written: H + 1 a unit; that of the bias is not looked at. Units that do not learn may leave theirs
   */
  sendBack(
    errors: Float32Array,
    hidden: Float32Array,
    learning: Learning,
    back: Float32Array,
  ): void | Promise<void>;
  /**
   * Pass 2, encoders: W learns deltas inputs', then out = W next.
   *
   * @param deltas H values a unit
   * @param inputs what it learns from, inputs[u] values a unit
   * @param learning who learns, and how fast
   * @param next what it computes with, inputs[u] values a unit
   * @param out written: H a unit
   */
  encode(
    deltas: Float32Array,
    inputs: Float32Array,
    learning: Learning,
    next: Float32Array,
    out: Float32Array,
  ): void | Promise<void>;
  /**
   * Pass 3, decoders: out = W hidden.
   *
   * @param hidden H + 1 a unit, the bias last
   * @param out written: outputs[u] a unit
   */
  decode(hidden: Float32Array, out: Float32Array): void | Promise<void>;
  /** Copies the weights as they are now; the running ones are not changed. */
  save(into: Weights): void | Promise<void>;
  /** Gives back what it holds. */
  dispose?(): void | Promise<void>;
}

/** A matrix engine. */
export interface Engine {
  /** A short name, as in `--backend NAME`. */
  readonly name: string;
  /** One line for a person. */
  readonly description: string;
  /** What it is; `cpu` unless stated. */
  readonly kind?: "cpu" | "gpu" | "npu" | "fpga";
  /** Whether equal inputs give equal bits; true unless stated. */
  readonly deterministic?: boolean;
  /** Whether it heeds `mask`; engines that do not are given no pruned models. False unless stated. */
  readonly masks?: boolean;
  /** What stands against these matrices, each a sentence a person can act on; nothing unless stated. */
  refuses?(shapes: Shapes): readonly string[];
  /**
   * Takes the weights of a model, which it copies.
   *
   * @throws {RangeError} when they do not fit
   */
  load(shapes: Shapes, weights: Weights): WeightPasses | Promise<WeightPasses>;
}
