/**
 * A model running on the kernels.
 *
 * @module
 */
import {
  compileKernels,
  instantiate,
  type KernelPackage,
  type Kernels,
  OVERHEAD,
  PAGE,
  sharedMemory,
} from "../../kernels/load.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { frameLength, offsetsOf, type Plan, unitCount } from "../../model/plan.ts";
import { stepWord } from "../../model/noise.ts";
import { ERROR_RATE, maySkip } from "../../model/skipping.ts";
import { rateAt } from "../../model/schedule.ts";
import { denseCheckpoint, pairLengths } from "../../model/pairs.ts";
import { MOMENTUM_TENSORS, stateLengths, WEIGHT_TENSORS } from "../../model/state.ts";
import {
  formatOf,
  hasMomentum as keepsMomentum,
  roundToFormat,
} from "../../model/weight_format.ts";
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
import { countOf } from "../report_ring.ts";
import { deferredCost } from "../deferred_cost.ts";
import { type CostOf, stepCost } from "../step_cost.ts";
import { ModelMemory } from "./memory.ts";
import { placeModel } from "./placement.ts";
import { MODEL } from "./records.ts";
import { storedPairs, storedWeights } from "./stored.ts";
import { SYNC_BYTES, Threads } from "./threads.ts";

/** How a session is opened. */
export interface SessionOptions {
  /** The build of the kernels. */
  readonly package: KernelPackage;
  /** Threads, the caller's included. */
  readonly threads: number;
  /** Reports that gather at most. */
  readonly capacity: number;
  /** Called when a thread breaks. */
  readonly fail: (message: string) => void;
  /** Called when the session is closed. */
  readonly closed: (session: WasmSession) => void;
}

/** Whether anything in a checkpoint's momentum is not 0. */
function hasMomentum({ tensors }: Checkpoint): boolean {
  return MOMENTUM_TENSORS.some((name) => tensors[name]?.some((value) => value !== 0) ?? false);
}

/** From W to Z = W + mu / (1 - mu) M, on the grid of the model's format. */
function withMomentum(plan: Plan, checkpoint: Checkpoint): Checkpoint {
  if (plan.rule.name !== "2016" || !hasMomentum(checkpoint)) return checkpoint;
  const factor = plan.rule.momentum / (1 - plan.rule.momentum);
  const tensors = { ...checkpoint.tensors };
  for (const name of ["encoder", "decoder"] as const) {
    const momentum = tensors[`${name}.momentum`]!;
    tensors[name] = tensors[name]!.map((weight, i) => weight + factor * momentum[i]!);
  }
  return {
    ...checkpoint,
    tensors: formatOf(plan) === "f32" ? tensors : roundToFormat(plan, tensors),
  };
}

/** A model on one or more threads over one memory. */
export class WasmSession implements Session {
  readonly #memory: ModelMemory;
  readonly #kernels: Kernels;
  readonly #threads: Threads;
  readonly #options: SessionOptions;
  readonly #staging: Uint8Array;
  readonly #spaces: readonly Float32Array[];
  /** In each space the hidden outputs of before the last step, and all but the oldest; where there are older ones. */
  readonly #ages:
    | readonly { readonly older: Float32Array; readonly kept: Float32Array }[]
    | undefined;
  readonly #errors: Float32Array;
  /** Where each unit's signal begins, of all units. */
  readonly #signal: ArrayLike<number>;
  /** Which units would have learned in the last step, but for their small error; of a plan in which some may. */
  readonly #skipped: Uint8Array | undefined;
  /** What rates are divided by: where no momentum is kept, a term counts as often as it would with it. */
  readonly #newShare: number;
  readonly #cost: CostOf;
  readonly #model: number;
  readonly #scratch: number;
  readonly #report = { macs: 0, bytesRead: 0, bytesWritten: 0, skipped: 0 };
  #step: number;
  #learned: number;
  #drained: number;
  #open = true;

  private constructor(
    memory: ModelMemory,
    kernels: Kernels,
    threads: Threads,
    checkpoint: Checkpoint,
    options: SessionOptions,
  ) {
    const { plan, place, base } = memory;
    this.#memory = memory;
    this.#kernels = kernels;
    this.#threads = threads;
    this.#options = options;
    this.#model = base + place.model;
    this.#scratch = base + place.scratch[0]!.at;
    this.#staging = new Uint8Array(kernels.memory.buffer, base + place.staging, frameLength(plan));
    this.#spaces = [memory.space(0), memory.space(1)];
    this.#errors = memory.errors(options.capacity);
    const newest = unitCount(plan) * plan.hidden;
    this.#ages = plan.maxDelay === 1 ? undefined : [0, 1].map((parity) => {
      const all = memory.hidden(parity);
      return { older: all.subarray(newest), kept: all.subarray(0, all.length - newest) };
    });
    this.#signal = offsetsOf(plan).signal;
    this.#skipped = maySkip(plan) ? new Uint8Array(unitCount(plan)) : undefined;
    this.#newShare = plan.rule.name === "2016" && !keepsMomentum(plan) ? 1 - plan.rule.momentum : 1;
    this.#cost = plan.defer.every === 0
      ? stepCost(plan, storedWeights(plan, place))
      : deferredCost(plan, storedPairs(plan), memory.pairStates());
    this.#step = this.#drained = checkpoint.step;
    this.#learned = checkpoint.learned;
  }

  /** Places a model, writes its state and starts its threads; they join when they are ready. */
  static async open(
    plan: Plan,
    checkpoint: Checkpoint,
    options: SessionOptions,
  ): Promise<WasmSession> {
    const { threads, capacity } = options;
    const { every, window } = plan.defer;
    const same = checkpoint.deferred?.every === every && checkpoint.deferred.window === window;
    const dense = same ? checkpoint : denseCheckpoint(plan, checkpoint);
    const state = same || every === 0 ? dense : withMomentum(plan, dense);
    const momentum = keepsMomentum(plan) && (every === 0 || hasMomentum(state));
    const place = placeModel(plan, { threads, capacity, momentum });
    const module = await compileKernels(options.package);
    let kernels: Kernels;
    if (options.package === "single") {
      kernels = instantiate(module);
      kernels.memory.grow(Math.ceil((place.bytes + OVERHEAD) / PAGE));
    } else {
      kernels = instantiate(module, sharedMemory(place.bytes, threads));
    }
    const memory = new ModelMemory(plan, place, kernels);
    memory.write(state);
    const syncAt = memory.base + place.sync;
    const sync = new Int32Array(kernels.memory.buffer, syncAt, SYNC_BYTES / 4);
    const starts = place.scratch.slice(1).map(({ at }) => ({
      module,
      memory: kernels.memory,
      model: memory.base + place.model,
      scratch: memory.base + at,
      sync: syncAt,
    }));
    const workers = new Threads(starts, sync, options.fail);
    await workers.gather();
    const session = new WasmSession(memory, kernels, workers, checkpoint, options);
    if (!checkpoint.started) session.#start();
    return session;
  }

  /** Rule 2016 predicts once before the first frame, into the space that the first step reads. */
  #start(): void {
    const { plan, words, base, place } = this.#memory;
    if (plan.rule.name !== "2016") return;
    this.#writeSchedule(-1, true, 1);
    words[MODEL.other] = base + place.spaces[this.#step & 1]!;
    this.#kernels.start(this.#model, this.#scratch, unitCount(plan));
  }

  memory(): MemoryReport {
    const { place, plan } = this.#memory;
    let state = 0;
    const lengths = { ...stateLengths(plan), ...pairLengths(plan, plan.defer) };
    for (const [name, length] of Object.entries(lengths)) {
      if (!WEIGHT_TENSORS.includes(name)) state += 4 * length;
    }
    return {
      weights: place.weightBytes,
      state,
      scratch: place.bytes - place.weightBytes - state,
      reserved: this.#kernels.memory.buffer.byteLength,
    };
  }

  step(input: StepInput, options?: StepOptions): void {
    this.#checkOpen();
    const { plan, words, base, place } = this.#memory;
    const learn = options?.learn ?? true;
    const t = this.#step;
    checkInput(plan, input, options);
    const slot = t - this.#drained;
    if (slot >= this.#options.capacity) {
      throw new RangeError(
        `${slot} steps have not been reported: call report() before the next step`,
      );
    }
    const space = this.#spaces[t & 1]!;
    if (input.frame instanceof Uint8Array) {
      this.#staging.set(input.frame);
      const values = base + place.spaces[t & 1]!;
      this.#kernels.write_frame(base + place.staging, values, this.#staging.length);
    } else {
      space.set(input.frame);
    }
    if (input.external !== undefined) space.set(input.external, frameLength(plan));
    if (learn && t >= 2) this.#learned++;
    this.#writeSchedule(t, learn, options?.rate ?? 1);
    words[MODEL.space] = base + place.spaces[t & 1]!;
    words[MODEL.other] = base + place.spaces[(t + 1) & 1]!;
    words[MODEL.errors] = base + place.errors + 4 * slot * unitCount(plan);
    words[MODEL.claimed] = 0;
    this.#age(t);
    this.#memory.markPairs();
    this.#threads.begin();
    this.#kernels.work(this.#model, this.#scratch);
    this.#threads.end();
    const skipped = this.#skipped;
    if (skipped !== undefined) {
      this.#memory.readSkipped(skipped);
      this.#report.skipped += countOf(skipped);
    }
    const cost = this.#cost(t, learn, skipped);
    this.#report.macs += cost.macs;
    this.#report.bytesRead += cost.bytesRead;
    this.#report.bytesWritten += cost.bytesWritten;
    this.#step++;
  }

  /** Hidden outputs are a step older in the space that is written. */
  #age(t: number): void {
    if (this.#ages === undefined) return;
    this.#ages[(t + 1) & 1]!.older.set(this.#ages[t & 1]!.kept);
  }

  /** What the model record says of this step. */
  #writeSchedule(t: number, learn: boolean, rate: number): void {
    const { plan, words, floats, rates, learning } = this.#memory;
    const saccade = plan.rule.name === "saccade";
    for (let layer = 0; layer < rates.length; layer++) {
      const now = rateAt(plan.rates, layer, t);
      rates[layer] = now * rate / this.#newShare;
      const next = rateAt(plan.rates, layer, t + 1);
      learning[layer] = Number(now !== 0) | (next !== 0 ? 2 : 0);
    }
    words[MODEL.noise] = stepWord(plan.seed, t);
    words[MODEL.turn] = t % 2 ** 32;
    words[MODEL.first] = Number(t === 0);
    words[MODEL.learn] = Number(learn && (!saccade || t >= 2));
    const first = 1 / Math.max(this.#learned, 1);
    floats[MODEL.meanRate] = Math.max(first, 0.001);
    floats[MODEL.errorRate] = Math.max(first, ERROR_RATE);
    floats[MODEL.lateralFactor] = Number(t >= plan.contextFrom[0]!);
    floats[MODEL.feedbackFactor] = Number(t >= plan.contextFrom[1]!);
  }

  // deno-lint-ignore require-await
  async report(): Promise<StepReports> {
    this.#checkOpen();
    const { plan } = this.#memory;
    const { layerStart } = plan;
    const signal = this.#signal;
    const layers = layerStart.length - 1;
    const units = unitCount(plan);
    const steps = this.#step - this.#drained;
    const mse = new Float64Array(steps * layers);
    for (let step = 0; step < steps; step++) {
      for (let layer = 0; layer < layers; layer++) {
        const begin = layerStart[layer]!;
        const end = layerStart[layer + 1]!;
        let sum = 0;
        for (let u = begin; u < end; u++) sum += this.#errors[step * units + u]!;
        mse[step * layers + layer] = sum / (signal[end]! - signal[begin]!);
      }
    }
    const { waitedMs } = this.#threads;
    const { skipped, ...work } = this.#report;
    const report = {
      firstStep: this.#drained,
      steps,
      mse,
      waitedMs,
      ...work,
      ...(this.#skipped === undefined ? {} : { skipped }),
    };
    this.#threads.waitedMs = 0;
    this.#drained = this.#step;
    const sums = this.#report;
    sums.macs =
      sums.bytesRead =
      sums.bytesWritten =
      sums.skipped =
        0;
    return report;
  }

  // deno-lint-ignore require-await
  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#checkOpen();
    const lengths = stateLengths(this.#memory.plan);
    const tensor = name === "hidden" ? "published" : name;
    const length = lengths[name === "error" ? "signal" : name] ?? 0;
    checkReadable(name, length, into);
    this.#memory.read(tensor, this.#step, into);
  }

  // deno-lint-ignore require-await
  async save(): Promise<Checkpoint> {
    this.#checkOpen();
    const tensors = this.#memory.tensors(this.#step);
    const { defer } = this.#memory.plan;
    const deferred = defer.every > 0 ? { deferred: defer } : {};
    return { step: this.#step, learned: this.#learned, started: true, ...deferred, tensors };
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) {
      this.#threads[Symbol.dispose]();
      this.#options.closed(this);
    }
    this.#open = false;
    return Promise.resolve();
  }

  #checkOpen(): void {
    if (!this.#open) throw new DeviceLostError("The session is closed: open the device again");
  }
}
