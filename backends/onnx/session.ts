/**
 * A model running as an ONNX graph.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import { frameLength } from "../../model/plan.ts";
import { stateLengths, WEIGHT_TENSORS } from "../../model/state.ts";
import {
  DeviceLostError,
  type MemoryReport,
  type Readable,
  type Session,
  type StepInput,
  type StepOptions,
  type StepReports,
} from "../backend.ts";
import { ReportRing, type StepCost } from "../report_ring.ts";
import { checkInput, checkReadable, writeFrame } from "../session_input.ts";
import { graphCost } from "./cost.ts";
import type { Executor, StepValues } from "./executor.ts";
import { type Layout, type Part, unpackPart } from "./layout.ts";

/** How a session is opened. */
export interface SessionOptions {
  /** What runs the graph. */
  readonly executor: Executor;
  /** How the units lie in it. */
  readonly layout: Layout;
  /** Reports that gather at most. */
  readonly capacity: number;
  /** Called when a step fails: the device is not to be used any more. */
  readonly lose: (message: string) => void;
  /** Called when the session is disposed of. */
  readonly closed: () => void;
}

/** A model on an executor. */
export class OnnxSession implements Session {
  readonly #layout: Layout;
  readonly #options: SessionOptions;
  readonly #ring: ReportRing;
  readonly #cost: (step: number, learn: boolean) => StepCost;
  readonly #lengths: Readonly<Record<string, number>>;
  readonly #frame: Float32Array;
  readonly #external: Float32Array;
  #step: number;
  #learned: number;
  #undrained = 0;
  /** The steps that have not finished; where the executor finishes at once there are none. */
  #queue: Promise<void> | undefined;
  #loss: string | undefined;
  #disposed = false;

  /**
   * @param checkpoint the state that the executor begins with
   * @param options the executor and what goes with it
   */
  constructor(checkpoint: Checkpoint, options: SessionOptions) {
    const { plan } = options.layout;
    this.#layout = options.layout;
    this.#options = options;
    this.#ring = new ReportRing(plan.layerStart.length - 1, options.capacity, checkpoint.step);
    this.#cost = graphCost(plan);
    this.#lengths = stateLengths(plan);
    this.#frame = new Float32Array(frameLength(plan));
    this.#external = new Float32Array(plan.external.motion + plan.external.parts);
    this.#step = checkpoint.step;
    this.#learned = checkpoint.learned;
  }

  /** From now on every call is refused. */
  end(message: string): void {
    this.#loss ??= message;
  }

  memory(): MemoryReport {
    let weights = 0;
    let state = 0;
    for (const [name, length] of Object.entries(this.#lengths)) {
      if (WEIGHT_TENSORS.includes(name)) weights += 4 * length;
      else state += 4 * length;
    }
    const staging = this.#frame.byteLength + this.#external.byteLength;
    return { weights, state, scratch: this.#options.executor.scratch + staging };
  }

  step(input: StepInput, options: StepOptions = {}): void | Promise<void> {
    this.#checkOpen();
    const { learn = true, rate = 1 } = options;
    checkInput(this.#layout.plan, input, options);
    if (this.#undrained >= this.#options.capacity) {
      throw new RangeError(
        `${this.#undrained} steps have not been reported: call report() before the next step`,
      );
    }
    writeFrame(input.frame, this.#frame);
    if (input.external !== undefined) this.#external.set(input.external);
    const t = this.#step++;
    if (learn && t >= 2) this.#learned++;
    this.#undrained++;
    const values = { frame: this.#frame, external: this.#external, learn, rate };
    const { executor } = this.#options;
    if (executor.immediate) {
      try {
        this.#ring.push(executor.step(values), this.#cost(t, learn));
      } catch (error) {
        throw this.#lose(error);
      }
      return;
    }
    const copied = { ...values, frame: this.#frame.slice(), external: this.#external.slice() };
    const done = (this.#queue ?? Promise.resolve()).then(() => this.#late(executor, copied, t));
    // Whoever does not wait for this step hears of it by the next call.
    done.catch(() => {});
    this.#queue = done;
    return done;
  }

  async #late(
    executor: Executor & { readonly immediate: false },
    values: StepValues,
    t: number,
  ): Promise<void> {
    this.#checkOpen();
    try {
      this.#ring.push(await executor.step(values), this.#cost(t, values.learn));
    } catch (error) {
      throw this.#lose(error);
    }
  }

  async report(): Promise<StepReports> {
    this.#checkOpen();
    await this.#queue;
    const report = this.#ring.drain();
    this.#undrained -= report.steps;
    return report;
  }

  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#checkOpen();
    const tensor = name === "hidden" ? "published" : name === "error" ? "signal" : name;
    const { plan } = this.#layout;
    const published = this.#lengths["published"]! / plan.maxDelay;
    checkReadable(name, name === "hidden" ? published : this.#lengths[tensor] ?? 0, into);
    const whole = name === "hidden" ? new Float32Array(this.#lengths[tensor]!) : into;
    for (const part of this.#layout.parts.filter((part) => part.tensor === tensor)) {
      const from = name === "error" ? part.name.replace("signal", "error") : part.name;
      await this.#copy(part, whole, from);
    }
    if (name === "hidden") into.set(whole.subarray(0, published));
  }

  async save(): Promise<Checkpoint> {
    this.#checkOpen();
    // As of now, however many steps are asked for while parts are on their way.
    const [step, learned] = [this.#step, this.#learned];
    const tensors: Record<string, Float32Array> = {};
    for (const [name, length] of Object.entries(this.#lengths)) {
      tensors[name] = new Float32Array(length);
    }
    const waiting = this.#layout.parts.map((part) => this.#copy(part, tensors[part.tensor]!));
    await Promise.all(waiting);
    return { step, learned, started: true, tensors };
  }

  /** Copies a part of the state, or an output of its shape, into the tensor it belongs to. */
  async #copy(part: Part, into: Float32Array | Float64Array, name = part.name): Promise<void> {
    const { executor } = this.#options;
    if (executor.immediate) return unpackPart(part, executor.read(name), into);
    const values = (this.#queue ?? Promise.resolve()).then(() => executor.read(name));
    unpackPart(part, await values, into);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.end("The session is closed: open the device again");
    await this.#queue?.catch(() => {});
    await this.#options.executor[Symbol.asyncDispose]();
    this.#options.closed();
  }

  #lose(error: unknown): DeviceLostError {
    const message = `A step failed: ${(error as Error).message}`;
    this.end(message);
    this.#options.lose(message);
    return new DeviceLostError(this.#loss, { cause: error });
  }

  #checkOpen(): void {
    if (this.#loss !== undefined) throw new DeviceLostError(this.#loss);
  }
}
