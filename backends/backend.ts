/**
 * The contract between the runtime and whatever runs a model: the one file that the author of a backend reads.
 *
 * A backend takes a whole plan and frames; there are no operators to implement. One step is: score the last prediction,
 * learn from it, observe the frame, predict the next. `backends/reference` says what every number must be.
 *
 * @module
 */
import type { Checkpoint } from "../model/checkpoint.ts";
import type { Plan } from "../model/plan.ts";

/** Raised only by a breaking change; additions are optional members. Equal numbers work together, others are refused. */
export const API_VERSION = 1;

/** A way to run models: a kind of device, found by name or by import specifier. */
export interface Backend {
  /** The {@linkcode API_VERSION} it was written for. */
  readonly apiVersion: number;
  /** A short name, as in `--backend wasm`. */
  readonly name: string;
  /** The devices there are, best first; none when the hardware is absent. Changes nothing. */
  probe(): Promise<readonly DeviceInfo[]>;
  /**
   * Opens one of them.
   *
   * @param id an id that `probe` listed
   * @throws {RangeError} when there is no such device
   */
  open(id: string): Promise<Device>;
}

/** What can be known of a device without opening it. */
export interface DeviceInfo {
  /** Unique within the backend: `f64`, `0`, `pci:01:00.0`. */
  readonly id: string;
  /** What it is. */
  readonly kind: "cpu" | "gpu" | "npu" | "fpga";
  /** One line for a person: model, instruction set, threads. */
  readonly description: string;
  /** The weight formats it learns in. */
  readonly formats: readonly string[];
  /** Whether the same inputs give the same bits, run after run on the same machine. */
  readonly deterministic: boolean;
  /** Steps that may be started before the first has finished. */
  readonly maxInFlight: number;
  /** Reports that gather before one must be drained; at least 1024. */
  readonly reportCapacity: number;
  /** What it cannot exceed, by name, where it says so: `{ bindingBytes: 134217728 }`. For people; `accepts` decides. */
  readonly limits?: Readonly<Record<string, number>>;
  /** True where sessions heed `plan.defer` and take checkpoints with deferred updates; others are given dense ones. */
  readonly defers?: boolean;
}

/** Whether a device takes a plan, and why not. */
export interface Verdict {
  /** True when `load` will take it. */
  readonly ok: boolean;
  /** What stands against it, each a sentence a person can act on. */
  readonly reasons: readonly string[];
}

/** An open device. Disposing it ends its sessions. */
export interface Device extends AsyncDisposable {
  /** What `probe` said of it. */
  readonly info: DeviceInfo;
  /** Settles once, when the device is gone; never rejects. */
  readonly lost: Promise<{ readonly reason: "destroyed" | "unknown"; readonly message: string }>;
  /** Whether the plan fits; allocates nothing. */
  accepts(plan: Plan): Verdict;
  /**
   * Makes a running model of a plan and a state.
   *
   * @throws {TypeError} when the plan asks for what the device does not do, or the checkpoint is of another plan
   * @throws {RangeError} when it does not fit
   */
  load(plan: Plan, checkpoint: Checkpoint): Promise<Session>;
  /** A cumulative counter of the device's own, where it has one. */
  energy?(): Promise<{ readonly joules: number; readonly scope: string }>;
}

/** What one step learns from. */
export interface StepInput {
  /** width * height * 3 bytes (a value is byte / 255), or as many floats in [0, 1]. Copied before `step` returns. */
  readonly frame: Uint8Array | Float32Array | Float64Array;
  /** The plan's `external` entries: the motion candidate shaped like the frame, then hidden outputs of other parts. */
  readonly external?: Float32Array | Float64Array;
}

/** What may be changed for one step. */
export interface StepOptions {
  /** False leaves weights, momentum, combiner, running means and extremes as they are. Default true. */
  readonly learn?: boolean;
  /** Multiplies the scheduled rates. Default 1. */
  readonly rate?: number;
  /** Rule 2016: every signal block is replaced by its prediction. A backend may refuse it. Default false. */
  readonly deepDream?: boolean;
}

/** What gathered since the last report. */
export interface StepReports {
  /** The number of the first step in it; the first of all is 0. */
  readonly firstStep: number;
  /** How many steps. */
  readonly steps: number;
  /** Mean squared errors, steps x layers, row by row; layer 0 is the frame. */
  readonly mse: Float64Array;
  /** Multiply-accumulates with weights, those of shift candidates included, over all these steps. */
  readonly macs: number;
  /** Bytes of weights and momentum read, over all these steps. */
  readonly bytesRead: number;
  /** Bytes of weights and momentum written, over all these steps. */
  readonly bytesWritten: number;
  /** Nanoseconds the device worked, where it can tell. */
  readonly deviceNs?: number;
  /**
   * Of a plan in which units may skip learning: how often one would have learned in these steps but for its small error, over all
   * units.
   */
  readonly skipped?: number;
  /** Milliseconds that the thread which called `step` waited for other threads, where there are any. */
  readonly waitedMs?: number;
}

/** Bytes a session holds. */
export interface MemoryReport {
  /** Weights and momentum. */
  readonly weights: number;
  /** Everything else that a checkpoint holds. */
  readonly state: number;
  /** The rest: staging, reports, stacks, padding. */
  readonly scratch: number;
  /** The linear memory it lies in, where it reserved one. */
  readonly reserved?: number;
  /** What it may hold at most, where there is a limit. */
  readonly limit?: number;
}

/** The tensors that every backend can read, each in unit order; f32 or f64 as the reader likes. */
export const READABLE = ["prediction", "hidden", "error", "signal"] as const;

/** One of {@linkcode READABLE}. */
export type Readable = typeof READABLE[number];

/** A running model. */
export interface Session extends AsyncDisposable {
  /** What it holds now; constant while it runs. */
  memory(): MemoryReport;
  /**
   * One step. Steps finish in call order; a backend that finishes at once returns nothing.
   *
   * @throws {RangeError} when a step's report would overwrite one that was not drained, or an input has another length
   * @throws {TypeError} for an option it does not do
   * @throws {DeviceLostError} when the device is gone
   */
  step(input: StepInput, options?: StepOptions): void | Promise<void>;
  /** Drains what has gathered since the last call. */
  report(): Promise<StepReports>;
  /**
   * Copies a tensor of the last finished step: `prediction` (of the next signal, all outputs of each unit), `hidden` (as published),
   * `error` (of the prediction just scored) or `signal` (the target it was scored with).
   *
   * @throws {RangeError} for an unknown name, naming those there are, or a wrong length
   */
  read(name: Readable, into: Float32Array | Float64Array): Promise<void>;
  /** The whole state; the running session is not changed. */
  save(): Promise<Checkpoint>;
}

/** Thrown by every call on a session whose device is gone: open it again and go on from the last checkpoint. */
export class DeviceLostError extends Error {
  /** @ignore */
  override name = "DeviceLostError";
}
