/**
 * ONNX Runtime: the plan as one ONNX graph that scores, learns, observes and predicts.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import { checkState, stateLengths } from "../../model/state.ts";
import {
  API_VERSION,
  type Backend,
  type Device,
  type DeviceInfo,
  DeviceLostError,
  type Session,
  type Verdict,
} from "../backend.ts";
import { lacks } from "../lacks.ts";
import { findAdapter } from "../webgpu/adapter.ts";
import { packPart } from "./layout.ts";
import type { UpdateForm } from "./passes.ts";
import { ORT_VERSION } from "./import_ort.ts";
import { RawOrt } from "./raw_ort.ts";
import type { Beginning, Executor } from "./executor.ts";
import { type OrtModule, type Provider, PublicExecutor, publicOrt } from "./public_executor.ts";
import { RawExecutor } from "./raw_executor.ts";
import { OnnxSession } from "./session.ts";
import { startedTensors } from "./started.ts";
import { buildStep } from "./step_graph.ts";

const CAPACITY = 1024;

/** What can be chosen. */
export interface OnnxOptions {
  /** Threads of the WebAssembly provider, the caller's included; 1 unless stated. */
  readonly threads?: number;
  /** onnxruntime-web, where the page has loaded it: in a browser the package cannot be imported by its name. */
  readonly ort?: OrtModule;
}

/** What runs the graphs of a device. */
interface Engine {
  /** How updates are to be written for it. */
  readonly form: UpdateForm;
  /** Makes the executor of a session. */
  open(beginning: Beginning): Promise<Executor>;
}

/**
 * The backend, for a number of threads.
 *
 * @param options what can be chosen
 * @throws {RangeError} for a number of threads that is no whole number from 1 on
 */
export function onnxBackend(options: OnnxOptions = {}): Backend {
  const threads = options.threads ?? 1;
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new RangeError(`Cannot run on ${threads} threads: give a whole number from 1 to 64`);
  }
  const runtime = `ONNX Runtime Web ${ORT_VERSION} (fetched when first used)`;
  const common = { formats: ["f32"], maxInFlight: 1, reportCapacity: CAPACITY };
  const wasm: DeviceInfo = {
    ...common,
    id: "wasm",
    kind: "cpu",
    description: `${runtime}, WebAssembly, ${threads} thread${threads > 1 ? "s" : ""}`,
    deterministic: true,
  };
  const webgpu: DeviceInfo = {
    ...common,
    id: "webgpu",
    kind: "gpu",
    description: `${runtime}, WebGPU, the state stays on the device`,
    deterministic: false,
  };
  return {
    apiVersion: API_VERSION,
    name: "onnx",
    probe: async () => await findAdapter() === null ? [wasm] : [wasm, webgpu],
    async open(id) {
      if (id === "wasm") {
        const most = threads > 1 ? MOST_SHARED_BYTES : MOST_BYTES;
        return new OnnxDevice(wasm, await openWasm(threads, options.ort), most);
      }
      if (id !== "webgpu") {
        throw new RangeError(`Backend "onnx" has no device "${id}": there are wasm, webgpu`);
      }
      if (await findAdapter() === null) {
        throw new RangeError('Backend "onnx" has no device "webgpu" here: there is no GPU adapter');
      }
      const ort = options.ort ?? await publicOrt("webgpu");
      return new OnnxDevice(webgpu, publicEngine(ort, "webgpu"));
    },
  };
}

/** The raw module, or the public API where that cannot be had. */
async function openWasm(threads: number, given: OrtModule | undefined): Promise<Engine> {
  if (given === undefined) {
    try {
      await RawOrt.get(threads);
      return { form: "fused", open: (beginning) => RawExecutor.open(beginning, threads) };
    } catch (error) {
      // Without the package the public API fails as well, and says why.
      if (threads > 1) throw error;
    }
  }
  const ort = given ?? await publicOrt("wasm");
  // More would hang at random under Deno (denoland/deno#35658).
  ort.env.wasm.numThreads = 1;
  return publicEngine(ort, "wasm");
}

function publicEngine(ort: OrtModule, provider: Provider): Engine {
  return {
    form: "standard",
    open: (beginning) => PublicExecutor.open(beginning, ort, provider),
  };
}

/** A 32-bit memory, less what the runtime needs for itself. */
const MOST_BYTES = 3.5 * 2 ** 30;
/** Threads share a memory that has its final size from the start. */
const MOST_SHARED_BYTES = 1.75 * 2 ** 30;

class OnnxDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly #engine: Engine;
  readonly #most: number;
  readonly #settle: (loss: Awaited<Device["lost"]>) => void;
  readonly #sessions = new Set<OnnxSession>();
  #loss: string | undefined;

  constructor(info: DeviceInfo, engine: Engine, most = MOST_BYTES) {
    const { promise, resolve } = Promise.withResolvers<Awaited<Device["lost"]>>();
    this.info = info;
    this.lost = promise;
    this.#engine = engine;
    this.#most = most;
    this.#settle = resolve;
  }

  accepts(plan: Plan): Verdict {
    const reasons = lacks(plan, { delays: true });
    let bytes = 0;
    // All state twice: what a step reads and what it writes.
    for (const length of Object.values(stateLengths(plan))) bytes += 8 * length;
    if (bytes > this.#most) {
      const gigabytes = (value: number) => (value / 2 ** 30).toFixed(1);
      reasons.push(
        `The plan needs ${gigabytes(bytes)} GiB, ONNX Runtime Web has ${gigabytes(this.#most)} GiB`,
      );
    }
    return { ok: reasons.length === 0, reasons };
  }

  async load(plan: Plan, checkpoint: Checkpoint): Promise<Session> {
    if (this.#loss !== undefined) throw new DeviceLostError(this.#loss);
    const { ok, reasons } = this.accepts(plan);
    if (!ok) throw new RangeError(reasons.join("; "));
    checkState(plan, checkpoint);
    const tensors = startedTensors(plan, checkpoint);
    const step = buildStep(plan, { form: this.#engine.form });
    const executor = await this.#engine.open({
      step,
      model: step.graph.encode("step"),
      counts: checkpoint,
      fill: (name, into) => packPart(step.state.get(name)!, tensors, into),
    });
    if (this.#loss !== undefined) {
      await executor[Symbol.asyncDispose]();
      throw new DeviceLostError(this.#loss);
    }
    const session = new OnnxSession(checkpoint, {
      executor,
      layout: step.layout,
      capacity: CAPACITY,
      lose: (message) => this.#end("unknown", message),
      closed: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    executor.lost?.then((message) => this.#end("unknown", message));
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end("destroyed", "The device is closed: open it again");
    await Promise.all(Array.from(this.#sessions, (session) => session[Symbol.asyncDispose]()));
  }

  /** From now on every call on every session is refused. */
  #end(reason: "destroyed" | "unknown", message: string): void {
    this.#loss ??= message;
    for (const session of this.#sessions) session.end(this.#loss);
    this.#settle({ reason, message });
  }
}

/** The backend on one thread. */
export const backend: Backend = onnxBackend();
