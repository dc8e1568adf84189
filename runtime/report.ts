/**
 * What a run says of itself: one record a window, and one at the end. The names stay.
 *
 * @module
 */
import type { Energy } from "../meters/meter.ts";

/** A window of steps, or the whole run. Unknown is null, never 0. */
export interface Report {
  /** A window, or the sum of the run. */
  readonly kind: "window" | "summary";
  /** Steps the model has made in its life, this record's included. */
  readonly step: number;
  /** Steps in this record. */
  readonly steps: number;
  /** Mean squared error of the predictions, of pixels in [0, 1] and of hidden outputs. */
  readonly mse: {
    /** Of the frame: the same as `layers[0]`. */
    readonly frame: number | null;
    /** Of every layer. */
    readonly layers: readonly (number | null)[];
  };
  /** Mean squared error of predicting that the last frame stays. */
  readonly copyLastMse: number | null;
  /** 1 - mse / copyLastMse; null where nothing moved. The first two frames of a model do not count. */
  readonly skill: number | null;
  /** Skill of clip(I + 0.7 M, 0, 1), M the motion candidate: computed, not learned. Null when motion is off. */
  readonly motionSkill: number | null;
  /** Skill over the frames whose copy-last MSE is above 1e-4. */
  readonly movingSkill: number | null;
  /** The share of the weights that is kept, at its end: below 1 of a pruned model. */
  readonly density: number;
  /** Steps a second of wall time. */
  readonly stepsPerSecond: number | null;
  /** Milliseconds a step: waiting for the frame and what is computed of it, in the backend, and making reports. */
  readonly ms: { readonly source: number; readonly step: number; readonly report: number };
  /** Means over the steps of this record. */
  readonly perStep: {
    /** Multiply-accumulates. */
    readonly macs: number;
    /** Bytes of weights, momentum and deferred pairs read. */
    readonly bytesRead: number;
    /** Bytes of the same written. */
    readonly bytesWritten: number;
    /** Joules, by the method of `energy`. */
    readonly joules: number | null;
  };
  /** How many of the units would have learned but for their small error, from 0 to 1; null where none may skip. */
  readonly skippedShare: number | null;
  /** Bytes. */
  readonly memory: {
    readonly weights: number;
    readonly state: number;
    readonly scratch: number;
    /** The WebAssembly memory, where there is one. */
    readonly wasm: number | null;
    /** The resident set of the process. */
    readonly rss: number;
    /** Its peak, where the system tells. */
    readonly peakRss: number | null;
  };
  /** What the record cost; null when no meter knows. */
  readonly energy: Energy | null;
  /** Frames that a live source dropped in it. */
  readonly dropped: number;
  /** What made the steps: a backend's name and its device, as in `wasm:relaxed`. */
  readonly backend: string;
}
