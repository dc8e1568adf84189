/**
 * The state of a model between two steps, as plain data.
 *
 * A checkpoint holds the state alone: no time, path or speed. Equal states are equal bytes.
 *
 * @module
 */

import type { Defer } from "./plan.ts";

/** A tensor of a checkpoint: flat, in unit order, of the precision of the session that wrote it. */
export type Tensor = Float32Array | Float64Array;

/** The state of a model between two steps. */
export interface Checkpoint {
  /** Frames seen: the number of the next step. */
  readonly step: number;
  /** Steps learned from (rule "saccade": k). */
  readonly learned: number;
  /** False only for a state that no session has run: rule "2016" predicts once, on zero inputs, when it is loaded. */
  readonly started: boolean;
  /**
   * Present when the matrices lack what was learned last, which stands beside them (`pairs.ts`): how the session deferred.
   * `denseCheckpoint` makes an ordinary checkpoint of it.
   */
  readonly deferred?: Defer;
  /** The tensors that `stateLengths` names, each flat and in unit order. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}
