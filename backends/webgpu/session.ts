/**
 * A model running on a GPU.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { frameLength, offsetsOf, type Plan, unitCount } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
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
import type { StepCost } from "../report_ring.ts";
import { checkInput, checkReadable } from "../session_input.ts";
import { stepCost } from "../step_cost.ts";
import { ModelBuffers } from "./buffers.ts";
import { HEADER, LAYER_WORDS, type Layout } from "./layout.ts";
import type { Loss } from "./loss.ts";
import type { Programs } from "./program.ts";
import { Readback } from "./readback.ts";
import type { WeightFormat } from "./shader.ts";

/** Steps that may be started before the first has finished, at most. */
export const IN_FLIGHT = 64;
/** No more multiply-accumulates than these wait in the queue: seconds on a CPU that plays a GPU, milliseconds on a GPU. */
const MACS_IN_FLIGHT = 2 ** 31;
/** A device that has not done by then what was queued is lost. */
const DEADLINE_S = 120;

/** What a session is opened on. */
export interface SessionOptions {
  readonly gpu: GPUDevice;
  readonly loss: Loss;
  readonly plan: Plan;
  readonly layout: Layout;
  readonly format: WeightFormat;
  /** Reports that gather at most. */
  readonly capacity: number;
  /** Of the device. */
  readonly programs: Programs;
  /** Called when it is closed. */
  readonly closed: (session: WebGpuSession) => void;
}

/** Where the words of the head are. */
const HEAD = Object.fromEntries(HEADER.map((name, at) => [name, at])) as Record<
  typeof HEADER[number],
  number
>;

/** A byte as a value. */
const VALUES = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** A model on a GPU: a step is one submit, and nothing comes back unless it is asked for. */
export class WebGpuSession implements Session {
  readonly #options: SessionOptions;
  readonly #buffers: ModelBuffers;
  readonly #readback: Readback;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array<ArrayBuffer>;
  readonly #frame: Float32Array;
  readonly #external: Float32Array;
  readonly #cost: (step: number, learn: boolean) => StepCost;
  readonly #report = { macs: 0, bytesRead: 0, bytesWritten: 0 };
  #step: number;
  #learned: number;
  #drained: number;
  /** Where the newest published state begins in its ring. */
  #newest = 0;
  /** Steps from mark to mark, those since the last, and the last: who waits for it knows that all before is done. */
  readonly #stride: number;
  #queued = 0;
  #mark: Promise<unknown> | undefined;
  #open = true;

  private constructor(options: SessionOptions, checkpoint: Checkpoint) {
    const { gpu, loss, plan, layout, format } = options;
    this.#options = options;
    this.#buffers = new ModelBuffers(gpu, checkpoint, options);
    this.#readback = new Readback(gpu, loss);
    const staging = new ArrayBuffer(4 * layout.input);
    this.#words = new Uint32Array(staging);
    this.#floats = new Float32Array(staging);
    const frame = frameLength(plan);
    this.#frame = this.#floats.subarray(layout.data, layout.data + frame);
    this.#external = this.#floats.subarray(layout.data + frame);
    this.#frame.set(checkpoint.tensors["frame"]!);
    const quadBytes = format === "f16" ? 8 : 16;
    this.#cost = stepCost(plan, {
      encoderBytes: (u) => quadBytes * layout.encoder.quads * plan.inputs[u]!,
      decoderBytes: (u) => quadBytes * layout.decoder.quads * plan.outputs[u]!,
      momentum: plan.rule.name === "2016",
      momentumScale: 16 / quadBytes,
    });
    const most = Math.floor(MACS_IN_FLIGHT / Math.max(this.#cost(Infinity, true).macs, 1));
    this.#stride = Math.max(1, Math.min(most, IN_FLIGHT) >> 1);
    this.#step = this.#drained = checkpoint.step;
    this.#learned = checkpoint.learned;
  }

  /**
   * Puts a model on the device.
   *
   * @param options where, and what
   * @param checkpoint the state it begins with
   * @throws {RangeError} when the device has no memory for it
   * @throws {DeviceLostError} when the device is gone
   */
  static async open(options: SessionOptions, checkpoint: Checkpoint): Promise<WebGpuSession> {
    const { gpu, loss, plan } = options;
    // Scopes are a stack: nothing may be awaited while they are open, or another model's errors would be taken for ours.
    gpu.pushErrorScope("validation");
    gpu.pushErrorScope("internal");
    gpu.pushErrorScope("out-of-memory");
    let session: WebGpuSession | undefined;
    let thrown: unknown;
    try {
      session = new WebGpuSession(options, checkpoint);
      const last = ((checkpoint.step + 1) & 1) as 0 | 1;
      if (!checkpoint.started && plan.rule.name === "2016") session.#start(last);
      else gpu.queue.writeBuffer(session.#buffers.inputs[last], 0, session.#words);
    } catch (error) {
      thrown = error;
    }
    const scopes = Promise.all([gpu.popErrorScope(), gpu.popErrorScope(), gpu.popErrorScope()]);
    const [memory, ...invalid] = await loss.guard(scopes, "loading a model", DEADLINE_S);
    const wrong = invalid.find((error) => error !== null && error !== undefined);
    const fits = (memory === null || memory === undefined) && !(thrown instanceof RangeError);
    if (!fits || wrong !== undefined || thrown !== undefined) options.programs.forget();
    if (!fits) {
      await session?.[Symbol.asyncDispose]();
      const reason = memory?.message ?? (thrown as Error).message;
      throw new RangeError(`The GPU has no memory for this model: ${reason}`);
    }
    if (wrong !== undefined) {
      await session?.[Symbol.asyncDispose]();
      throw new Error(`The GPU refuses the program of this model: ${wrong!.message}`);
    }
    if (thrown !== undefined) throw thrown;
    return session!;
  }

  /** Rule 2016 predicts once, on the input that is there, with the schedule of step 0. */
  #start(parity: 0 | 1): void {
    const words = this.#words;
    this.#writeHead(-1, true, 1);
    words[HEAD.start] = 1;
    words[HEAD.parity] = parity;
    this.#submit(parity);
    words[HEAD.start] = 0;
  }

  memory(): MemoryReport {
    const { plan } = this.#options;
    const { weights, all } = this.#buffers.bytes;
    let state = 0;
    for (const [name, length] of Object.entries(stateLengths(plan))) {
      if (!WEIGHT_TENSORS.includes(name)) state += 4 * length;
    }
    const held = all + this.#readback.bytes + this.#words.byteLength;
    return { weights, state, scratch: held - weights - state };
  }

  step(input: StepInput, options?: StepOptions): void | Promise<void> {
    this.#check();
    const { plan, capacity } = this.#options;
    checkInput(plan, input, options);
    const waiting = this.#step - this.#drained;
    if (waiting >= capacity) {
      throw new RangeError(
        `${waiting} steps have not been reported: call report() before the next step`,
      );
    }
    const { frame, external } = input;
    if (frame instanceof Uint8Array) {
      for (let i = 0; i < frame.length; i++) this.#frame[i] = VALUES[frame[i]!]!;
    } else {
      this.#frame.set(frame);
    }
    if (external !== undefined) this.#external.set(external);
    const t = this.#step;
    const learn = options?.learn ?? true;
    if (learn && t >= 2) this.#learned++;
    this.#writeHead(t, learn, options?.rate ?? 1);
    const cost = this.#cost(t, learn);
    this.#report.macs += cost.macs;
    this.#report.bytesRead += cost.bytesRead;
    this.#report.bytesWritten += cost.bytesWritten;
    this.#submit((t & 1) as 0 | 1);
    this.#step++;
    return this.#hold();
  }

  /** The head of a step's input. */
  #writeHead(t: number, learn: boolean, rate: number): void {
    const { plan, layout, capacity } = this.#options;
    const words = this.#words;
    const floats = this.#floats;
    const size = unitCount(plan) * plan.hidden;
    words[HEAD.first] = Number(t === 0);
    words[HEAD.learn] = Number(learn && (plan.rule.name === "2016" || t >= 2));
    floats[HEAD.mean_rate] = Math.max(1 / Math.max(this.#learned, 1), 0.001);
    words[HEAD.newest] = this.#newest;
    // A ring without values has no place either.
    this.#newest = (this.#newest + layout.published - size) % Math.max(layout.published, 1);
    words[HEAD.publishing] = this.#newest;
    words[HEAD.slot] = Math.max(t, 0) % capacity;
    words[HEAD.parity] = t & 1;
    floats[HEAD.lateral] = Number(t >= plan.contextFrom[0]!);
    floats[HEAD.feedback] = Number(t >= plan.contextFrom[1]!);
    words[HEAD.step] = t;
    words[HEAD.seed] = plan.seed;
    for (let layer = 0; layer < plan.layerStart.length - 1; layer++) {
      const at = HEADER.length + LAYER_WORDS * layer;
      const now = rateAt(plan.rates, layer, t);
      floats[at] = now * rate;
      words[at + 1] = Number(now !== 0);
      words[at + 2] = Number(rateAt(plan.rates, layer, t + 1) !== 0);
    }
  }

  /** One write, one submit. */
  #submit(parity: 0 | 1): void {
    const { gpu } = this.#options;
    gpu.queue.writeBuffer(this.#buffers.inputs[parity], 0, this.#words);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#buffers.record(pass, parity);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  }

  /** Keeps the queue short: after each half of what may be in flight, the other half must be done. */
  #hold(): Promise<void> | void {
    if (++this.#queued < this.#stride) return;
    const { gpu, loss } = this.#options;
    const mark = this.#mark;
    this.#queued = 0;
    this.#mark = gpu.queue.onSubmittedWorkDone();
    this.#mark.catch(() => {});
    if (mark === undefined) return;
    const held = loss.guard(mark, "steps in flight", DEADLINE_S).then(() => {});
    // Who does not wait hears of it at the next call.
    held.catch(() => {});
    return held;
  }

  async report(): Promise<StepReports> {
    this.#check();
    const { plan, layout, capacity } = this.#options;
    const firstStep = this.#drained;
    const steps = this.#step - firstStep;
    const report = { firstStep, steps, ...this.#report };
    const layers = plan.layerStart.length - 1;
    const mse = new Float64Array(steps * layers);
    const copying = this.#readback.copy(
      this.#buffers.errors(firstStep % capacity, steps),
      "reports",
    );
    // The copy comes before whatever is submitted from here on: its places are free.
    this.#drained = this.#step;
    this.#report.macs = this.#report.bytesRead = this.#report.bytesWritten = 0;
    const copies = await copying;
    const { signal } = offsetsOf(plan);
    for (const [i, { first, end }] of layout.shards.entries()) {
      const units = end - first;
      const [head, rest] = [copies[2 * i]!, copies[2 * i + 1]!].map((b) => new Float32Array(b));
      for (let layer = 0; layer < layers; layer++) {
        const from = Math.max(plan.layerStart[layer]!, first);
        const to = Math.min(plan.layerStart[layer + 1]!, end);
        for (let step = 0; step < steps; step++) {
          const row = step * units;
          const part = row < head!.length ? head! : rest!;
          const begin = row < head!.length ? row : row - head!.length;
          for (let u = from; u < to; u++) mse[step * layers + layer]! += part[begin + u - first]!;
        }
      }
    }
    for (let layer = 0; layer < layers; layer++) {
      const values = signal[plan.layerStart[layer + 1]!]! - signal[plan.layerStart[layer]!]!;
      for (let step = 0; step < steps; step++) mse[step * layers + layer]! /= values;
    }
    return { ...report, mse };
  }

  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#check();
    const { plan } = this.#options;
    const lengths = stateLengths(plan);
    const length = name === "hidden" ? lengths[name] : lengths[name === "error" ? "signal" : name];
    checkReadable(name, length ?? 0, into);
    const pieces = name === "hidden"
      ? this.#buffers.published(this.#newest, 1)
      : this.#buffers.pieces(name);
    let at = 0;
    for (const copy of await this.#readback.copy(pieces, name)) {
      into.set(new Float32Array(copy), at);
      at += copy.byteLength / 4;
    }
  }

  async save(): Promise<Checkpoint> {
    this.#check();
    const { plan } = this.#options;
    const [step, learned] = [this.#step, this.#learned];
    const tensors: Record<string, Tensor> = {};
    for (const [name, length] of Object.entries(stateLengths(plan))) {
      tensors[name] = new Float32Array(length);
    }
    tensors["frame"]!.set(this.#frame);
    const published = this.#buffers.published(this.#newest, plan.maxDelay);
    const pieces = [...published, ...this.#buffers.saved(step)];
    const [newer, older, ...rest] = await this.#readback.copy(pieces, "the state");
    tensors["published"]!.set(new Float32Array(newer!));
    tensors["published"]!.set(new Float32Array(older!), newer!.byteLength / 4);
    this.#buffers.restore(step, rest, tensors);
    return { step, learned, started: true, tensors };
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) {
      this.#open = false;
      this.#buffers.destroy();
      this.#readback.destroy();
      this.#options.closed(this);
    }
    return Promise.resolve();
  }

  #check(): void {
    this.#options.loss.check();
    if (!this.#open) throw new DeviceLostError("The session is closed: open the device again");
  }
}
