/**
 * WebAssembly SIMD on the CPU: Rust kernels, worker threads over one shared memory.
 *
 * @module
 */
import { MAX_PAGES, missingFor, OVERHEAD, PACKAGES, PAGE, STACK } from "../../kernels/load.ts";
import type { KernelPackage } from "../../kernels/load.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { MOST_PAIRS, ringLength } from "../../model/defer.ts";
import { type Plan, weightCount } from "../../model/plan.ts";
import { checkState } from "../../model/state.ts";
import { hasMomentum } from "../../model/weight_format.ts";
import {
  API_VERSION,
  type Backend,
  type Device,
  type DeviceInfo,
  DeviceLostError,
  type Verdict,
} from "../backend.ts";
import { lacks } from "../lacks.ts";
import { MOST_COLUMNS } from "./kept.ts";
import { placeModel } from "./placement.ts";
import { WasmSession } from "./session.ts";
import { FORMAT_CODES } from "./weight_memory.ts";

const CAPACITY = 1024;

const DESCRIPTIONS: Readonly<Record<KernelPackage, string>> = {
  relaxed: "WebAssembly, relaxed SIMD, threads over shared memory",
  strict: "WebAssembly, SIMD with the same bits on every machine, threads over shared memory",
  single: "WebAssembly, SIMD with the same bits on every machine, one thread",
};

/** What can be chosen. */
export interface WasmOptions {
  /** Threads, the caller's included; unless stated as many as the machine has cores and the model has work for. */
  readonly threads?: number;
}

/** A thread that has fewer weights than this costs more at the barrier than it brings. */
const WEIGHTS_PER_THREAD = 500_000;

/**
 * The backend, for a number of threads.
 *
 * @param options what can be chosen
 * @throws {RangeError} for a number of threads that is no whole number from 1 on
 */
export function wasmBackend(options: WasmOptions = {}): Backend {
  const threads = options.threads ?? navigator.hardwareConcurrency;
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw new RangeError(`Cannot run on ${threads} threads: give a whole number from 1 to 1024`);
  }
  const missing = missingFor("strict");
  const whyAlone = missing === null ? "" : `: ${missing}`;
  const infos = PACKAGES.filter((name) => missingFor(name) === null).map((id): DeviceInfo => ({
    id,
    kind: "cpu",
    description: `${DESCRIPTIONS[id]}${id === "single" ? whyAlone : ` (up to ${threads})`}`,
    formats: Object.keys(FORMAT_CODES),
    deterministic: true,
    maxInFlight: 1,
    reportCapacity: CAPACITY,
    defers: true,
  }));
  return {
    apiVersion: API_VERSION,
    name: "wasm",
    probe: () => Promise.resolve(infos),
    open(id) {
      const info = infos.find((info) => info.id === id);
      if (info !== undefined) {
        const fixed = id === "single" ? 1 : options.threads;
        return Promise.resolve(new WasmDevice(info, threads, fixed));
      }
      const missing = PACKAGES.includes(id as KernelPackage)
        ? missingFor(id as KernelPackage)
        : `there are ${infos.map((info) => info.id).join(", ")}`;
      return Promise.reject(new RangeError(`Backend "wasm" has no device "${id}": ${missing}`));
    },
  };
}

/** A plan that is pruned is never deferred: a pair of vectors says nothing of what is kept. */
function withoutPairs(plan: Plan): Plan {
  return plan.mask === undefined ? plan : { ...plan, defer: { every: 0, window: 0 } };
}

class WasmDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly #cores: number;
  readonly #fixed: number | undefined;
  readonly #lose: (loss: Awaited<Device["lost"]>) => void;
  readonly #sessions = new Set<WasmSession>();
  #open = true;

  constructor(info: DeviceInfo, cores: number, fixed: number | undefined) {
    const { promise, resolve } = Promise.withResolvers<Awaited<Device["lost"]>>();
    this.info = info;
    this.lost = promise;
    this.#cores = cores;
    this.#fixed = fixed;
    this.#lose = resolve;
  }

  #threadsFor(plan: Plan): number {
    const useful = Math.max(Math.floor(weightCount(plan) / WEIGHTS_PER_THREAD), 1);
    return this.#fixed ?? Math.min(this.#cores, useful);
  }

  accepts(given: Plan): Verdict {
    const plan = withoutPairs(given);
    const threads = this.#threadsFor(plan);
    const reasons = lacks(plan, {
      formats: this.info.formats,
      masks: true,
      delays: true,
      shift: true,
      skipping: true,
    });
    const widest = Math.max(...plan.inputs, ...plan.outputs);
    if (plan.mask !== undefined && widest > MOST_COLUMNS) {
      reasons.push(
        `The plan is pruned and has rows of ${widest} weights; this backend prunes rows of up to ${MOST_COLUMNS}`,
      );
    }
    const pairs = ringLength(plan.defer);
    if (pairs > MOST_PAIRS) {
      reasons.push(
        `The plan defers up to ${pairs} updates of a unit; this backend keeps ${MOST_PAIRS}`,
      );
    }
    // Deferred updates need none after a while, but may be loaded with it.
    const momentum = hasMomentum(plan);
    const { bytes } = placeModel(plan, { threads, capacity: CAPACITY, momentum });
    const limit = MAX_PAGES * PAGE - OVERHEAD - (threads + 2) * 2 * STACK;
    if (bytes > limit) {
      const gigabytes = (value: number) => (value / 2 ** 30).toFixed(1);
      reasons.push(
        `The plan needs ${gigabytes(bytes)} GiB, a WebAssembly memory has ${gigabytes(limit)} GiB`,
      );
    }
    return { ok: reasons.length === 0, reasons };
  }

  async load(given: Plan, checkpoint: Checkpoint): Promise<WasmSession> {
    const plan = withoutPairs(given);
    if (!this.#open) throw new DeviceLostError("The device is closed: open it again");
    const { ok, reasons } = this.accepts(plan);
    if (!ok) throw new RangeError(reasons.join("; "));
    checkState(plan, checkpoint);
    const session = await WasmSession.open(plan, checkpoint, {
      package: this.info.id as KernelPackage,
      threads: this.#threadsFor(plan),
      capacity: CAPACITY,
      fail: (message) => this.#lose({ reason: "unknown", message }),
      closed: (session) => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    for (const session of this.#sessions) await session[Symbol.asyncDispose]();
    this.#lose({ reason: "destroyed", message: "The device was closed" });
  }
}

/** The backend with the machine's number of threads. */
export const backend: Backend = wasmBackend();
