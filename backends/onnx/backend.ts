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
import { packPart } from "./layout.ts";
import { ORT_VERSION } from "./import_ort.ts";
import { RawOrt } from "./raw_ort.ts";
import { RawExecutor } from "./raw_executor.ts";
import { OnnxSession } from "./session.ts";
import { startedTensors } from "./started.ts";
import { buildStep } from "./step_graph.ts";

const CAPACITY = 1024;

/** What can be chosen. */
export interface OnnxOptions {
  /** Threads of the WebAssembly provider, the caller's included; 1 unless stated. */
  readonly threads?: number;
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
  const wasm: DeviceInfo = {
    id: "wasm",
    kind: "cpu",
    description:
      `ONNX Runtime Web ${ORT_VERSION} (fetched when first used), WebAssembly, ${threads} thread${
        threads > 1 ? "s" : ""
      }`,
    formats: ["f32"],
    deterministic: true,
    maxInFlight: 1,
    reportCapacity: CAPACITY,
  };
  return {
    apiVersion: API_VERSION,
    name: "onnx",
    probe: () => Promise.resolve([wasm]),
    async open(id) {
      if (id !== wasm.id) {
        throw new RangeError(`Backend "onnx" has no device "${id}": there is wasm`);
      }
      await RawOrt.get(threads);
      return new OnnxDevice(wasm, threads);
    },
  };
}

/** A 32-bit memory, less what the runtime needs for itself. */
const MOST_BYTES = 3.5 * 2 ** 30;

class OnnxDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly #threads: number;
  readonly #lose: (loss: Awaited<Device["lost"]>) => void;
  readonly #sessions = new Set<OnnxSession>();
  #open = true;

  constructor(info: DeviceInfo, threads: number) {
    const { promise, resolve } = Promise.withResolvers<Awaited<Device["lost"]>>();
    this.info = info;
    this.lost = promise;
    this.#threads = threads;
    this.#lose = resolve;
  }

  accepts(plan: Plan): Verdict {
    const reasons: string[] = [];
    let bytes = 0;
    for (const length of Object.values(stateLengths(plan))) bytes += 8 * length;
    if (bytes > MOST_BYTES) {
      const gigabytes = (value: number) => (value / 2 ** 30).toFixed(1);
      reasons.push(
        `The plan needs ${gigabytes(bytes)} GiB, ONNX Runtime Web has ${gigabytes(MOST_BYTES)} GiB`,
      );
    }
    return { ok: reasons.length === 0, reasons };
  }

  async load(plan: Plan, checkpoint: Checkpoint): Promise<Session> {
    if (!this.#open) throw new DeviceLostError("The device is closed: open it again");
    const { ok, reasons } = this.accepts(plan);
    if (!ok) throw new RangeError(reasons.join("; "));
    checkState(plan, checkpoint);
    const tensors = startedTensors(plan, checkpoint);
    const step = buildStep(plan, { form: "fused" });
    const executor = await RawExecutor.open({
      step,
      model: step.graph.encode("saccade step"),
      counts: checkpoint,
      fill: (name, into) => packPart(step.state.get(name)!, tensors, into),
    }, this.#threads);
    const session = new OnnxSession(checkpoint, {
      executor,
      layout: step.layout,
      capacity: CAPACITY,
      fail: (message) => this.#lose({ reason: "unknown", message }),
    });
    this.#sessions.add(session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    for (const session of this.#sessions) await session[Symbol.asyncDispose]();
    this.#sessions.clear();
    this.#lose({ reason: "destroyed", message: "The device was closed" });
  }
}

/** The backend on one thread. */
export const backend: Backend = onnxBackend();
