/**
 * The reference behind the contract: two devices, f64 and f32.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { type Plan, unitCount } from "../../model/plan.ts";
import { checkState, stateBytes } from "../../model/state.ts";
import { hasMomentum, NARROW_FORMATS, WEIGHT_FORMATS } from "../../model/weight_format.ts";
import {
  API_VERSION,
  type Backend,
  type Device,
  type DeviceInfo,
  DeviceLostError,
  type MemoryReport,
  type Readable,
  type Session,
  type StepInput,
  type StepOptions,
  type StepReports,
  type Verdict,
} from "../backend.ts";
import { lacks } from "../lacks.ts";
import { ReportRing } from "../report_ring.ts";
import { checkInput, checkReadable, writeFrame } from "../session_input.ts";
import { stepCost } from "../step_cost.ts";
import { PASSES, type Passes } from "./passes.ts";
import { ReferenceModel } from "./step.ts";
import { copyTensors } from "./unit.ts";

const CAPACITY = 1024;

/**
 * The reference as a backend, or its vectors around other weight passes.
 *
 * @param name what the backend is called
 * @param passes where weights are touched; the definition unless stated
 */
export function referenceBackend(name = "reference", passes?: Passes): Backend {
  const devices = ["f32", "f64"].map((id): DeviceInfo => ({
    id,
    kind: "cpu",
    description: `scalar TypeScript, values stored in ${id}`,
    formats: passes === undefined || passes.formats ? [id, ...NARROW_FORMATS] : [id],
    deterministic: true,
    maxInFlight: 1,
    reportCapacity: CAPACITY,
  }));
  return {
    apiVersion: API_VERSION,
    name,
    probe: () => Promise.resolve(devices),
    open(id) {
      const info = devices.find((device) => device.id === id);
      return info === undefined
        ? Promise.reject(new RangeError(`Backend "${name}" has no device "${id}": f32 or f64`))
        : Promise.resolve(new ReferenceDevice(info, passes));
    },
  };
}

/** The definition of the maths as a backend. */
export const backend: Backend = referenceBackend();

class ReferenceDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly #end: () => void;
  readonly #passes: Passes | undefined;
  #open = true;

  constructor(info: DeviceInfo, passes?: Passes) {
    this.info = info;
    this.#passes = passes;
    const { promise, resolve } = Promise.withResolvers<Awaited<Device["lost"]>>();
    this.lost = promise;
    this.#end = () => {
      this.#open = false;
      resolve({ reason: "destroyed", message: "The device was closed" });
    };
  }

  accepts(plan: Plan): Verdict {
    const { masks, formats } = this.#passes ?? PASSES;
    const reasons = lacks(plan, {
      ...(formats ? { formats: WEIGHT_FORMATS } : {}),
      masks: masks ?? false,
      delays: true,
      shift: true,
      skipping: true,
    });
    return { ok: reasons.length === 0, reasons };
  }

  // deno-lint-ignore require-await
  async load(plan: Plan, checkpoint: Checkpoint): Promise<Session> {
    if (!this.#open) throw new DeviceLostError("The device is closed: open it again");
    const { ok, reasons } = this.accepts(plan);
    if (!ok) throw new TypeError(reasons.join("; "));
    checkState(plan, checkpoint);
    return new ReferenceSession(plan, checkpoint, {
      double: this.info.id === "f64",
      isOpen: () => this.#open,
      passes: this.#passes,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    return Promise.resolve();
  }
}

class ReferenceSession implements Session {
  readonly #model: ReferenceModel;
  readonly #isOpen: () => boolean;
  readonly #frame: Tensor;
  readonly #ring: ReportRing;
  readonly #cost: ReturnType<typeof stepCost>;

  constructor(
    plan: Plan,
    checkpoint: Checkpoint,
    options: { double: boolean; isOpen: () => boolean; passes: Passes | undefined },
  ) {
    const { double, isOpen, passes } = options;
    const { step, learned } = checkpoint;
    const tensors = copyTensors(checkpoint.tensors, double ? Float64Array : Float32Array);
    this.#model = new ReferenceModel(plan, tensors, step, learned, passes);
    if (!checkpoint.started) this.#model.start();
    this.#isOpen = isOpen;
    this.#frame = tensors["frame"]!.slice();
    this.#ring = new ReportRing(plan.layerStart.length - 1, CAPACITY, checkpoint.step);
    const momentum = hasMomentum(plan);
    const bytes = double ? 8 : 4;
    this.#cost = stepCost(plan, {
      encoderBytes: (u) => bytes * plan.hidden * plan.inputs[u]!,
      decoderBytes: (u) => bytes * (plan.hidden + 1) * plan.outputs[u]!,
      momentum,
    });
  }

  memory(): MemoryReport {
    const { tensors, scratchBytes } = this.#model.vectors;
    const scratch = scratchBytes + this.#model.besideBytes + this.#frame.byteLength +
      this.#ring.byteLength;
    return { ...stateBytes(tensors), scratch };
  }

  step(input: StepInput, options: StepOptions = {}): void {
    this.#checkOpen();
    const { learn = true, rate = 1 } = options;
    checkInput(this.#model.vectors.plan, input, options);
    this.#ring.checkRoom();
    writeFrame(input.frame, this.#frame);
    const { step, skipped } = this.#model.vectors;
    const mse = this.#model.advance(this.#frame, input.external ?? [], learn, rate);
    this.#ring.push(mse, this.#cost(step, learn, skipped), skipped);
  }

  // deno-lint-ignore require-await
  async report(): Promise<StepReports> {
    this.#checkOpen();
    return this.#ring.drain();
  }

  // deno-lint-ignore require-await
  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#checkOpen();
    const { plan, tensors, scratch } = this.#model.vectors;
    const values = name === "hidden"
      ? tensors["published"]!.subarray(0, unitCount(plan) * plan.hidden)
      : name === "error"
      ? scratch.error
      : tensors[name] ?? [];
    checkReadable(name, values.length, into);
    into.set(values);
  }

  // deno-lint-ignore require-await
  async save(): Promise<Checkpoint> {
    this.#checkOpen();
    const { tensors, step, learned } = this.#model.vectors;
    const copies = Object.entries(tensors).map(([name, values]) => [name, values.slice()]);
    return { step, learned, started: true, tensors: Object.fromEntries(copies) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #checkOpen(): void {
    if (!this.#isOpen()) throw new DeviceLostError("The device is closed: open it again");
  }
}
