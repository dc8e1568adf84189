/**
 * What a session needs of a runtime: it holds the state, takes a step, and shows what it holds.
 *
 * @module
 */
import type { StepGraph } from "./step_graph.ts";

/** What goes into a step; nobody changes it before the step is done. */
export interface StepValues {
  /** Values in [0, 1]. */
  readonly frame: Float32Array;
  /** The plan's external values. */
  readonly external: Float32Array;
  /** Whether weights change. */
  readonly learn: boolean;
  /** Multiplies the scheduled rates. */
  readonly rate: number;
}

/** A graph that is loaded with a state; one that finishes at once, or one that answers later. */
export type Executor = AsyncDisposable & {
  /** Bytes it holds beside the state. */
  readonly scratch: number;
  /** Settles with the reason when the device it runs on is gone; never rejects. */
  readonly lost?: Promise<string>;
} & (Immediate | Queued);

interface Immediate {
  /** Answers come at once. */
  readonly immediate: true;
  /** One step; gives the mean squared error of each layer, to be read before the next call. */
  step(values: StepValues): Float32Array;
  /** A part of the state, or an output of the last step (0 before the first), to be read before the next call. */
  read(name: string): Float32Array;
}

interface Queued {
  /** Answers come later; nothing else is asked meanwhile but what only reads. */
  readonly immediate: false;
  /** As above. */
  step(values: StepValues): Promise<Float32Array>;
  /** As above. */
  read(name: string): Promise<Float32Array>;
}

/** What an executor begins with. */
export interface Beginning {
  /** The graph. */
  readonly step: StepGraph;
  /** Its model, encoded. */
  readonly model: Uint8Array;
  /** Frames seen, and steps learned from. */
  readonly counts: { readonly step: number; readonly learned: number };
  /** The state: fills a part. */
  fill(name: string, into: Float32Array): void;
}
