/**
 * Energy: cumulative counters, read now and then, differenced over a window and divided by the steps in it.
 *
 * @module
 */

/** How joules came to be known. Figures of different methods are never added or compared without saying so. */
export type EnergyMethod = "measured" | "estimated" | "modelled";

/** What one window cost. */
export interface Energy {
  /** `measured` by a counter, `estimated` from readings of power, or `modelled` from operations and bytes. */
  readonly method: EnergyMethod;
  /** The sensor or the publication the figure comes from. */
  readonly source: string;
  /** What the figure covers: the package, the board, the step's arithmetic and memory traffic ... */
  readonly scope: string;
  /** Joules over the window. */
  readonly joules: number;
  /** The least it can have been, in joules; equal to `joules` where the counter is exact. */
  readonly low: number;
  /** The most it can have been, in joules. */
  readonly high: number;
}

/** What a backend counted over a window. */
export interface Work {
  /** Multiply-accumulates. */
  readonly macs: number;
  /** Bytes of weights and momentum read. */
  readonly bytesRead: number;
  /** Bytes of weights and momentum written. */
  readonly bytesWritten: number;
  /** Bytes of weights and momentum that the model holds: they decide which memory they come from. */
  readonly weightBytes: number;
}

/** Something that knows joules. */
export interface Meter {
  /** How it knows. */
  readonly method: EnergyMethod;
  /** The sensor or the publication. */
  readonly source: string;
  /** What it covers. */
  readonly scope: string;
  /** Starts the first window. */
  start(): Promise<void>;
  /**
   * Ends a window and starts the next.
   *
   * @param work what was done in it
   * @returns its energy, or null when the sensor gave nothing
   */
  lap(work: Work): Promise<Energy | null>;
  /** Why the last `lap` (or `start`) gave nothing, in one sentence; null or absent when it gave something. */
  readonly trouble?: string | null;
}
