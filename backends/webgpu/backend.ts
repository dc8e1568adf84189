/**
 * WebGPU: a whole step of all layers in one dispatch; weights never leave the device.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import { checkState } from "../../model/state.ts";
import {
  API_VERSION,
  type Backend,
  type Device,
  type DeviceInfo,
  type Verdict,
} from "../backend.ts";
import { lacks } from "../lacks.ts";
import { findAdapter } from "./adapter.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { Loss } from "./loss.ts";
import { Programs } from "./program.ts";
import { IN_FLIGHT, WebGpuSession } from "./session.ts";
import type { WeightFormat } from "./shader.ts";
import { LLVMPIPE_TURNS, turnsOf } from "./turns.ts";

const CAPACITY = 1024;
/** Drivers are tested least at the end of their range. */
const MOST_BINDING = 2 ** 30;
const FORMATS: readonly WeightFormat[] = ["f32", "f16"];

/** What can be chosen. */
export interface WebGpuOptions {
  /** Bytes of the largest binding; what the adapter allows unless stated. Models above it are split into shards. */
  readonly binding?: number;
  /** Told of each device that is opened. */
  readonly opened?: (gpu: GPUDevice) => void;
}

/**
 * The backend. Its devices are one adapter with two weight formats, `f32` and `f16` (stored in 16 bits, computed in 32).
 *
 * @param options what can be chosen
 */
export function webgpuBackend(options: WebGpuOptions = {}): Backend {
  return {
    apiVersion: API_VERSION,
    name: "webgpu",
    async probe() {
      const adapter = await findAdapter();
      return adapter === null ? [] : FORMATS.map((format) => infoOf(adapter, format));
    },
    async open(id) {
      const adapter = await findAdapter();
      if (adapter === null) {
        throw new RangeError(`Backend "webgpu" has no device "${id}": there is no WebGPU adapter`);
      }
      const format = FORMATS.find((format) => format === id);
      if (format === undefined) {
        throw new RangeError(`Backend "webgpu" has no device "${id}": f32 or f16`);
      }
      const { limits } = adapter;
      const most = Math.min(limits.maxStorageBufferBindingSize, MOST_BINDING);
      const gpu = await adapter.requestDevice({
        requiredLimits: {
          maxStorageBufferBindingSize: most,
          maxBufferSize: Math.min(limits.maxBufferSize, 4 * MOST_BINDING),
        },
      });
      options.opened?.(gpu);
      const binding = Math.min(options.binding ?? most, most);
      return new WebGpuDevice(gpu, infoOf(adapter, format), { format, binding });
    },
  };
}

function infoOf({ info }: GPUAdapter, format: WeightFormat): DeviceInfo {
  const name = [info.description, [info.vendor, info.architecture, info.device].join(" ").trim()]
    .find((text) => text !== "") ?? "a GPU";
  return {
    id: format,
    kind: "gpu",
    description: `WebGPU on ${name}, weights stored in ${format}`,
    formats: [format],
    // Sums are added in a fixed order, and no two workgroups write one value.
    deterministic: true,
    maxInFlight: IN_FLIGHT,
    reportCapacity: CAPACITY,
  };
}

class WebGpuDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly #gpu: GPUDevice;
  readonly #loss = new Loss();
  readonly #programs: Programs;
  readonly #options: { readonly format: WeightFormat; readonly binding: number };
  readonly #sessions = new Set<WebGpuSession>();

  constructor(
    gpu: GPUDevice,
    info: DeviceInfo,
    options: { readonly format: WeightFormat; readonly binding: number },
  ) {
    this.info = info;
    this.lost = this.#loss.promise;
    this.#gpu = gpu;
    this.#programs = new Programs(gpu);
    this.#options = options;
    gpu.lost.then(({ reason, message }) => {
      this.#loss.lose({
        reason: reason === "destroyed" ? reason : "unknown",
        message: `The GPU is lost (${message || reason}): open it again`,
      });
    });
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      const { error } = event as GPUUncapturedErrorEvent;
      // What follows an error is not to be believed.
      this.#loss.lose({ reason: "unknown", message: `The GPU failed: ${error.message}` });
      gpu.destroy();
    });
  }

  accepts(plan: Plan): Verdict {
    const reasons = [...this.#layout(plan).reasons, ...lacks(plan, { delays: true })];
    const turns = turnsOf(plan);
    if (this.info.description.includes("llvmpipe") && turns > LLVMPIPE_TURNS) {
      reasons.push(
        `A unit of this model takes ${turns} turns of loops a step, and llvmpipe ends loops after ${LLVMPIPE_TURNS}: use another GPU, or wasm`,
      );
    }
    return { ok: reasons.length === 0, reasons };
  }

  #layout(plan: Plan): Layout {
    const { format, binding } = this.#options;
    return layoutOf(plan, { binding, capacity: CAPACITY, quadBytes: format === "f16" ? 8 : 16 });
  }

  async load(plan: Plan, checkpoint: Checkpoint): Promise<WebGpuSession> {
    this.#loss.check();
    const { ok, reasons } = this.accepts(plan);
    if (!ok) throw new RangeError(reasons.join("; "));
    checkState(plan, checkpoint);
    if (checkpoint.deferred !== undefined) {
      throw new TypeError("The checkpoint has deferred updates: make it dense (denseCheckpoint)");
    }
    const session = await WebGpuSession.open({
      gpu: this.#gpu,
      loss: this.#loss,
      plan,
      layout: this.#layout(plan),
      format: this.#options.format,
      capacity: CAPACITY,
      programs: this.#programs,
      closed: (session) => this.#sessions.delete(session),
    }, checkpoint);
    this.#sessions.add(session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#loss.lose({ reason: "destroyed", message: "The device is closed: open it again" });
    for (const session of [...this.#sessions]) await session[Symbol.asyncDispose]();
    this.#gpu.destroy();
  }
}

/** The backend with the adapter's limits. */
export const backend: Backend = webgpuBackend();
