/**
 * A model that a library runs.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import { pairLengths } from "../../model/pairs.ts";
import { frameLength, type Plan, unitCount } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import { MOMENTUM_TENSORS, stateLengths, WEIGHT_TENSORS } from "../../model/state.ts";
import {
  DeviceLostError,
  type MemoryReport,
  type Readable,
  type Session,
  type StepInput,
  type StepOptions,
  type StepReports,
} from "../backend.ts";
import { checkInput, checkReadable } from "../session_input.ts";
import { cString } from "./flat_plan.ts";
import { isLoss, isRefusal, type Library, OK } from "./library.ts";
import { StructRecord, STRUCTS } from "./structs.ts";

/** What is a frame of bytes, and one of floats. */
const [U8, F32] = [0, 1];

/** What a session is made of. */
export interface SessionParts {
  readonly plan: Plan;
  readonly library: Library;
  /** The library's handle. */
  readonly handle: Deno.PointerObject;
  /** What it was loaded from. */
  readonly checkpoint: Checkpoint;
  /** Reports that gather at most. */
  readonly capacity: number;
  /** Whether the device heeds `plan.defer`. */
  readonly defers: boolean;
  /** Called when the library says that the device is gone. */
  readonly lose: (message: string) => void;
  /** Called when the session is closed. */
  readonly closed: () => void;
}

/** A model on a device of a library. Calls block: the loop of a run has a thread of its own. */
export class NativeSession implements Session {
  readonly #plan: Plan;
  readonly #library: Library;
  readonly #parts: SessionParts;
  /** Names and lengths of all tensors of a checkpoint. */
  readonly #lengths: Readonly<Record<string, number>>;
  readonly #rates: Float32Array;
  readonly #learning: Uint32Array;
  /** The record of a step, and where the caller's floats are narrowed. */
  readonly #record = new StructRecord(STRUCTS.step);
  readonly #frame: Float32Array;
  readonly #external: Float32Array;
  readonly #memory: MemoryReport;
  #step: number;
  #drained: number;
  #learned: number;
  #open = true;

  /** @param parts what it is made of */
  constructor(parts: SessionParts) {
    const { plan, library, handle, checkpoint } = parts;
    const layers = plan.layerStart.length - 1;
    this.#plan = plan;
    this.#library = library;
    this.#parts = parts;
    this.#lengths = {
      ...stateLengths(plan),
      ...(parts.defers ? pairLengths(plan, plan.defer) : {}),
    };
    this.#rates = new Float32Array(layers);
    this.#learning = new Uint32Array(layers);
    this.#record.point("rates", this.#rates);
    this.#record.point("learning", this.#learning);
    this.#frame = new Float32Array(frameLength(plan));
    this.#external = new Float32Array(plan.external.motion + plan.external.parts);
    this.#step = this.#drained = checkpoint.step;
    this.#learned = checkpoint.learned;
    const memory = new StructRecord(STRUCTS.memory);
    library.check(library.symbols.saccade_measure(handle, memory.bytes));
    this.#memory = this.#split(memory.get("weights"), memory.get("total"));
  }

  /** The state is as long as its tensors; what is left is scratch. */
  #split(weights: number, total: number): MemoryReport {
    let state = 0;
    for (const [name, length] of Object.entries(this.#lengths)) {
      if (!WEIGHT_TENSORS.includes(name)) state += 4 * length;
    }
    const scratch = Math.max(total - weights - state, 0) + this.#frame.byteLength +
      this.#external.byteLength;
    return { weights, state, scratch };
  }

  memory(): MemoryReport {
    return this.#memory;
  }

  step(input: StepInput, options?: StepOptions): void {
    this.#checkOpen();
    checkInput(this.#plan, input, options);
    const gathered = this.#step - this.#drained;
    if (gathered >= this.#parts.capacity) {
      throw new RangeError(
        `${gathered} steps have not been reported: call report() before the next step`,
      );
    }
    const learn = options?.learn ?? true;
    let { frame } = input;
    if (frame instanceof Float64Array) {
      this.#frame.set(frame);
      frame = this.#frame;
    }
    let external = input.external ?? null;
    if (external instanceof Float64Array) {
      this.#external.set(external);
      external = this.#external;
    }
    const learned = this.#learned + Number(learn && this.#step >= 2);
    this.#writeStep(learn, learned, options?.rate ?? 1);
    this.#record.set("frame_type", frame instanceof Uint8Array ? U8 : F32);
    this.#check(
      this.#library.symbols.saccade_run_step(
        this.#parts.handle,
        frame as Uint8Array<ArrayBuffer>,
        external as Float32Array<ArrayBuffer> | null,
        this.#record.bytes,
      ),
    );
    this.#learned = learned;
    this.#step++;
  }

  /** What the record says of this step. */
  #writeStep(learn: boolean, learned: number, rate: number): void {
    const { rates, contextFrom } = this.#plan;
    const t = this.#step;
    for (let layer = 0; layer < this.#rates.length; layer++) {
      const now = rateAt(rates, layer, t);
      this.#rates[layer] = now * rate;
      this.#learning[layer] = Number(now !== 0) | (rateAt(rates, layer, t + 1) !== 0 ? 2 : 0);
    }
    this.#record.set("number", t);
    this.#record.set("learned", learned);
    this.#record.set("learn", Number(learn));
    this.#record.set("lateral", Number(t >= contextFrom[0]!));
    this.#record.set("feedback", Number(t >= contextFrom[1]!));
  }

  // deno-lint-ignore require-await
  async report(): Promise<StepReports> {
    this.#checkOpen();
    const firstStep = this.#drained;
    const steps = this.#step - firstStep;
    const mse = new Float64Array(steps * this.#rates.length);
    const report = new StructRecord(STRUCTS.report);
    const { symbols } = this.#library;
    this.#check(symbols.saccade_drain(this.#parts.handle, mse, BigInt(mse.length), report.bytes));
    if (report.get("steps") !== steps) {
      throw new Error(`The library reports ${report.get("steps")} steps, there were ${steps}`);
    }
    this.#drained = this.#step;
    const deviceNs = report.get("device_ns");
    return {
      firstStep,
      steps,
      mse,
      macs: report.get("macs"),
      bytesRead: report.get("bytes_read"),
      bytesWritten: report.get("bytes_written"),
      ...(deviceNs > 0 ? { deviceNs } : {}),
      waitedMs: report.get("waited_ns") / 1e6,
    };
  }

  // deno-lint-ignore require-await
  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#checkOpen();
    const newest = unitCount(this.#plan) * this.#plan.hidden;
    const of = name === "error" ? "signal" : name;
    checkReadable(name, name === "hidden" ? newest : this.#lengths[of] ?? 0, into);
    // What was published last stands first.
    if (name === "hidden") into.set(this.#tensor("published")!.subarray(0, newest));
    else into.set(this.#tensor(name)!);
  }

  // deno-lint-ignore require-await
  async save(): Promise<Checkpoint> {
    this.#checkOpen();
    const tensors: Record<string, Float32Array> = {};
    for (const name of Object.keys(this.#lengths)) {
      const tensor = this.#tensor(name);
      if (tensor !== null) tensors[name] = tensor;
    }
    const { defer } = this.#plan;
    const deferred = this.#parts.defers && defer.every > 0 ? { deferred: defer } : {};
    return { step: this.#step, learned: this.#learned, started: true, ...deferred, tensors };
  }

  /** One tensor; null for momentum that counts no more where updates are deferred. */
  #tensor(name: string): Float32Array<ArrayBuffer> | null {
    const into = new Float32Array(this.#lengths[name === "error" ? "signal" : name]!);
    const { symbols } = this.#library;
    const { handle, defers } = this.#parts;
    const status = symbols.saccade_read(handle, cString(name), into, BigInt(into.length));
    const deferring = defers && this.#plan.defer.every > 0;
    if (isRefusal(status) && deferring && MOMENTUM_TENSORS.includes(name)) return null;
    this.#check(status);
    return into;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Ends it. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#library.symbols.saccade_unload(this.#parts.handle);
    this.#parts.closed();
  }

  #check(status: number): void {
    if (status === OK) return;
    try {
      this.#library.check(status);
    } catch (error) {
      if (isLoss(status)) this.#parts.lose((error as Error).message);
      throw error;
    }
  }

  #checkOpen(): void {
    if (!this.#open) throw new DeviceLostError("The session is closed: open the device again");
  }
}
