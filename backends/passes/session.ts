/**
 * A model whose weights are an engine's, and whose vectors are those of the reference.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { frameLength, type Plan, unitCount } from "../../model/plan.ts";
import { stateLengths } from "../../model/state.ts";
import {
  DeviceLostError,
  type MemoryReport,
  type Readable,
  type Session,
  type StepInput,
  type StepOptions,
  type StepReports,
} from "../backend.ts";
import { matrixScalars, type StepContext } from "../reference/rule.ts";
import { zeros } from "../reference/unit.ts";
import { Vectors } from "../reference/vectors.ts";
import { ReportRing } from "../report_ring.ts";
import { checkInput, checkReadable, writeFrame } from "../session_input.ts";
import { stepCost } from "../step_cost.ts";
import type { Learning, WeightPasses, Weights } from "./engine.ts";
import { Turns } from "./turns.ts";

/** How a session is opened. */
export interface PassesSessionOptions {
  /** The engine's name. */
  readonly engine: string;
  /** Reports that gather at most. */
  readonly capacity: number;
  /** Called when a pass fails, with what to throw from then on. */
  readonly fail: (error: DeviceLostError) => void;
  /** Called when the session is closed. */
  readonly closed: (session: PassesSession) => void;
}

/** A part of a step: vectors, then at most one pass of the engine. */
type Phase = () => void | Promise<void>;

/** All units go through a pass together: one call of the engine each. */
export class PassesSession implements Session {
  readonly #vectors: Vectors;
  readonly #passes: WeightPasses;
  readonly #options: PassesSessionOptions;
  readonly #ring: ReportRing;
  readonly #cost: ReturnType<typeof stepCost>;
  readonly #turns = new Turns();
  readonly #decoderLearning: Learning & { readonly rates: Float32Array };
  readonly #encoderLearning: Learning & { readonly rates: Float32Array };
  /** [h; bias], what the decoders send back and the inputs learned from, of all units. */
  readonly #hidden: Float32Array;
  readonly #back: Float32Array;
  readonly #past: Float32Array;
  readonly #weightBytes: number;
  #step: StepContext;
  /** Steps that have begun and are not in the ring. */
  #started = 0;
  #learn = true;
  #rate = 1;
  #end: DeviceLostError | undefined;

  /**
   * @param plan the model
   * @param tensors its state without the matrices, in f32; written to
   * @param checkpoint the state that it is of
   * @param passes the engine with the matrices
   * @param options how it is opened
   */
  constructor(
    plan: Plan,
    tensors: Readonly<Record<string, Tensor>>,
    { step, learned }: Checkpoint,
    passes: WeightPasses,
    options: PassesSessionOptions,
  ) {
    const units = unitCount(plan);
    this.#vectors = new Vectors(plan, tensors, step, learned);
    this.#step = this.#vectors.beginStart();
    this.#passes = passes;
    this.#options = options;
    this.#ring = new ReportRing(plan.layerStart.length - 1, options.capacity, step);
    this.#cost = stepCost(plan, {
      encoderBytes: (u) => 4 * plan.hidden * plan.inputs[u]!,
      decoderBytes: (u) => 4 * (plan.hidden + 1) * plan.outputs[u]!,
      momentum: plan.rule.name === "2016",
    });
    const learns = new Uint8Array(units);
    this.#decoderLearning = { learns, rates: new Float32Array(units) };
    this.#encoderLearning = { learns, rates: new Float32Array(units) };
    this.#hidden = new Float32Array(units * (plan.hidden + 1)).fill(matrixScalars(plan).bias);
    this.#back = new Float32Array(this.#hidden.length);
    this.#past = new Float32Array(tensors["input"]!.length);
    const lengths = stateLengths(plan);
    this.#weightBytes = Object.keys(NAMES).reduce((sum, name) => sum + 4 * (lengths[name] ?? 0), 0);
  }

  /** Rule 2016 predicts once, on zero inputs, before the first frame. */
  async start(): Promise<void> {
    if (this.#vectors.plan.rule.name !== "2016") return;
    this.#step = this.#vectors.beginStart();
    const publish = () => {
      this.#predict();
      this.#vectors.publish();
    };
    const phases = [this.#encodeInputs, this.#decode, publish];
    await this.#turns.take(() => this.#run(phases));
  }

  memory(): MemoryReport {
    const { tensors, scratchBytes } = this.#vectors;
    const { learns, rates } = this.#decoderLearning;
    const bytes = (arrays: readonly { byteLength: number }[]) =>
      arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return {
      weights: this.#weightBytes,
      state: bytes(Object.values(tensors)),
      scratch: scratchBytes +
        bytes([this.#hidden, this.#back, this.#past, this.#ring, learns, rates, rates]),
    };
  }

  step(input: StepInput, options?: StepOptions): void | Promise<void> {
    this.#checkOpen();
    const { plan, arriving } = this.#vectors;
    checkInput(plan, input, options);
    this.#ring.checkRoom(this.#started);
    const learn = options?.learn ?? true;
    const rate = options?.rate ?? 1;
    this.#started++;
    if (this.#turns.idle) {
      this.#write(input, arriving);
      this.#learn = learn;
      this.#rate = rate;
      return this.#turns.take(this.#advance);
    }
    const copy = zeros(arriving, arriving.length);
    this.#write(input, copy);
    return this.#turns.take(() => {
      arriving.set(copy);
      this.#learn = learn;
      this.#rate = rate;
      return this.#advance();
    });
  }

  async report(): Promise<StepReports> {
    this.#checkOpen();
    return await this.#turns.take(() => this.#ring.drain());
  }

  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#checkOpen();
    const { plan, tensors, scratch } = this.#vectors;
    const values = name === "hidden"
      ? tensors["published"]!.subarray(0, unitCount(plan) * plan.hidden)
      : name === "error"
      ? scratch.error
      : tensors[name] ?? [];
    checkReadable(name, values.length, into);
    await this.#turns.take(() => into.set(values));
  }

  async save(): Promise<Checkpoint> {
    this.#checkOpen();
    return await this.#turns.take(() => {
      const { plan, tensors, step, learned } = this.#vectors;
      const weights = weightsOf(plan);
      const all: Record<string, Tensor> = {};
      for (const name of Object.keys(stateLengths(plan))) {
        all[name] = weights[NAMES[name]!] ?? tensors[name]!.slice();
      }
      const checkpoint = { step, learned, started: true, tensors: all };
      const pending = this.#passes.save(weights);
      return pending instanceof Promise ? pending.then(() => checkpoint) : checkpoint;
    });
  }

  /**
   * Ends it: whatever is under way is rejected at once.
   *
   * @param error what every call throws from then on
   */
  async end(error: DeviceLostError): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#options.closed(this);
    const { idle } = this.#turns;
    const over = this.#turns.end(error);
    if (idle) return await this.#passes.dispose?.();
    // The engine is at work, and may never be done: nobody waits for it.
    over.then(() => this.#passes.dispose?.()).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(new DeviceLostError("The session is closed: open the device again"));
  }

  #checkOpen(): void {
    if (this.#end !== undefined) throw this.#end;
  }

  #write({ frame, external }: StepInput, to: Tensor): void {
    writeFrame(frame, to);
    if (external !== undefined) to.set(external, frameLength(this.#vectors.plan));
  }

  readonly #advance = (): void | Promise<void> => {
    this.#step = this.#vectors.begin(this.#learn, this.#rate);
    return this.#run(this.#phases);
  };

  /** Phases in order: a promise from the first on that makes one. */
  #run(phases: readonly Phase[], from = 0): void | Promise<void> {
    for (let at = from; at < phases.length; at++) {
      let pending: void | Promise<void>;
      try {
        pending = phases[at]!();
      } catch (error) {
        throw this.#fail(error);
      }
      if (pending instanceof Promise) {
        return pending.then(() => {
          this.#checkOpen();
          return this.#run(phases, at + 1);
        }, (error) => {
          throw this.#fail(error);
        });
      }
    }
  }

  /** Nobody knows what a pass that fails has written. */
  #fail(error: unknown): DeviceLostError {
    if (this.#end !== undefined) return this.#end;
    const reason = error instanceof Error ? error.message : String(error);
    const lost = new DeviceLostError(
      `The engine "${this.#options.engine}" failed in a step: ${reason}`,
      { cause: error },
    );
    this.#options.fail(lost);
    return lost;
  }

  /** Scores; pass 1. */
  readonly #sendBack: Phase = () => {
    const { units, rule, plan: { hidden: H }, scratch } = this.#vectors;
    const { learns } = this.#decoderLearning;
    const step = this.#step;
    let some = false;
    for (let u = 0; u < units.length; u++) {
      const unit = units[u]!;
      rule.score(step, unit);
      const teaches = rule.outputErrors(step, unit);
      learns[u] = Number(teaches);
      this.#decoderLearning.rates[u] = teaches ? unit.decoderRate : 0;
      this.#encoderLearning.rates[u] = teaches ? unit.encoderRate : 0;
      this.#hidden.set(unit.past.hidden, u * (H + 1));
      some ||= teaches;
    }
    if (!some) return;
    return this.#passes.sendBack(
      scratch.outputErrors as Float32Array,
      this.#hidden,
      this.#decoderLearning,
      this.#back,
    );
  };

  /** What was sent back, the new inputs; pass 2. */
  readonly #encode: Phase = () => {
    const { units, rule, plan: { hidden: H }, tensors } = this.#vectors;
    const { learns } = this.#encoderLearning;
    this.#past.set(tensors["lag.input"] ?? tensors["input"]!);
    for (let u = 0; u < units.length; u++) {
      const unit = units[u]!;
      if (learns[u] !== 0) {
        for (let j = 0; j < H; j++) unit.deltas[j] = this.#back[u * (H + 1) + j]!;
        rule.deltas(this.#step, unit);
      }
      rule.observe(this.#step, unit);
    }
    return this.#encodeInputs();
  };

  readonly #encodeInputs: Phase = () => {
    const { tensors, scratch } = this.#vectors;
    return this.#passes.encode(
      scratch.deltas as Float32Array,
      this.#past,
      this.#encoderLearning,
      tensors["input"] as Float32Array,
      tensors["hidden"] as Float32Array,
    );
  };

  /** Hidden outputs; pass 3. */
  readonly #decode: Phase = () => {
    const { units, rule, plan: { hidden: H }, tensors } = this.#vectors;
    for (let u = 0; u < units.length; u++) {
      rule.activate(this.#step, units[u]!);
      this.#hidden.set(units[u]!.hidden, u * (H + 1));
    }
    const outputs = tensors["change"] ?? tensors["prediction"]!;
    return this.#passes.decode(this.#hidden, outputs as Float32Array);
  };

  #predict(): void {
    const { units, rule } = this.#vectors;
    for (let u = 0; u < units.length; u++) rule.predict(this.#step, units[u]!);
  }

  /** Predictions, and the report. */
  readonly #finish: Phase = () => {
    const { step, mse, skipped } = this.#vectors;
    this.#predict();
    this.#vectors.end();
    this.#started--;
    this.#ring.push(mse, this.#cost(step, this.#learn, skipped), skipped);
  };

  readonly #phases = [this.#sendBack, this.#encode, this.#decode, this.#finish];
}

/** How the matrices of a checkpoint are called by an engine. */
const NAMES: Readonly<Record<string, keyof Weights>> = {
  "encoder": "encoder",
  "decoder": "decoder",
  "encoder.momentum": "encoderMomentum",
  "decoder.momentum": "decoderMomentum",
};

/**
 * The matrices of a plan, of their own.
 *
 * @param plan the model
 * @param tensors their values; 0 unless stated
 */
export function weightsOf(plan: Plan, tensors: Checkpoint["tensors"] = {}): Weights {
  const lengths = stateLengths(plan);
  const weights: Partial<Record<keyof Weights, Float32Array>> = {};
  for (const [name, key] of Object.entries(NAMES)) {
    const values = tensors[name];
    if (values !== undefined) weights[key] = new Float32Array(values);
    else if (lengths[name] !== undefined) weights[key] = new Float32Array(lengths[name]);
  }
  return weights as Weights;
}
