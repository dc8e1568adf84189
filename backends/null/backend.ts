/**
 * Accepts everything and computes nothing: what is left is the runtime's own overhead.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import { checkState, stateBytes } from "../../model/state.ts";
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
} from "../backend.ts";
import { ReportRing } from "../report_ring.ts";
import { checkInput, checkReadable } from "../session_input.ts";

const INFO: DeviceInfo = {
  id: "0",
  kind: "cpu",
  description: "computes nothing: measures the overhead of the runtime",
  formats: ["f32", "f64"],
  deterministic: true,
  maxInFlight: 1,
  reportCapacity: 1024,
};

const NOTHING = { macs: 0, bytesRead: 0, bytesWritten: 0 };

/** The backend that does nothing. */
export const backend: Backend = {
  apiVersion: API_VERSION,
  name: "null",
  probe: () => Promise.resolve([INFO]),
  // deno-lint-ignore require-await
  async open(id) {
    if (id !== INFO.id) throw new RangeError(`Backend "null" has no device "${id}": there is 0`);
    return new NullDevice();
  },
};

class NullDevice implements Device {
  readonly info = INFO;
  readonly #loss = Promise.withResolvers<Awaited<Device["lost"]>>();
  readonly lost = this.#loss.promise;
  #open = true;

  accepts(): { ok: boolean; reasons: string[] } {
    return { ok: true, reasons: [] };
  }

  // deno-lint-ignore require-await
  async load(plan: Plan, checkpoint: Checkpoint): Promise<Session> {
    this.#checkOpen();
    checkState(plan, checkpoint);
    return new NullSession(plan, checkpoint, () => this.#checkOpen());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    this.#loss.resolve({ reason: "destroyed", message: "The device was closed" });
    return Promise.resolve();
  }

  #checkOpen(): void {
    if (!this.#open) throw new DeviceLostError("The device is closed: open it again");
  }
}

/** Its predictions are zeros for ever, and it knows no error: NaN. */
class NullSession implements Session {
  readonly #plan: Plan;
  readonly #checkpoint: Checkpoint;
  readonly #ring: ReportRing;
  readonly #unknown: Float64Array;
  readonly #checkOpen: () => void;
  #step: number;

  constructor(plan: Plan, checkpoint: Checkpoint, checkOpen: () => void) {
    const layers = plan.layerStart.length - 1;
    this.#plan = plan;
    this.#checkpoint = checkpoint;
    this.#ring = new ReportRing(layers, INFO.reportCapacity, checkpoint.step);
    this.#unknown = new Float64Array(layers).fill(NaN);
    this.#checkOpen = checkOpen;
    this.#step = checkpoint.step;
  }

  memory(): MemoryReport {
    return { ...stateBytes(this.#checkpoint.tensors), scratch: 0 };
  }

  step(input: StepInput, options?: StepOptions): void {
    this.#checkOpen();
    checkInput(this.#plan, input, options);
    this.#ring.push(this.#unknown, NOTHING);
    this.#step++;
  }

  // deno-lint-ignore require-await
  async report(): Promise<StepReports> {
    this.#checkOpen();
    return this.#ring.drain();
  }

  // deno-lint-ignore require-await
  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#checkOpen();
    const tensor = name === "error" ? "signal" : name;
    checkReadable(name, this.#checkpoint.tensors[tensor]?.length ?? 0, into);
    into.fill(0);
  }

  // deno-lint-ignore require-await
  async save(): Promise<Checkpoint> {
    this.#checkOpen();
    return structuredClone({ ...this.#checkpoint, step: this.#step, started: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
