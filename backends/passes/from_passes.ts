/**
 * Makes a whole backend of an engine that does the three weight passes.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import { checkState, WEIGHT_TENSORS } from "../../model/state.ts";
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
import { matrixScalars } from "../reference/rule.ts";
import { copyTensors } from "../reference/unit.ts";
import type { Engine, Shapes, WeightPasses } from "./engine.ts";
import { PassesSession, weightsOf } from "./session.ts";

const CAPACITY = 1024;

/**
 * The backend of an engine: the three passes are the engine's, all vectors between them are those of the reference, in f32. A step
 * is done at once where every pass is; where one promises to be done, steps wait for each other.
 *
 * @param engine what does the passes
 * @throws {TypeError} when it has no name, no description or no load()
 *
 * @example
 * ```ts
 * import { fromPasses } from "@saccade/saccade";
 *
 * export default fromPasses({
 *   name: "mine",
 *   description: "an engine that takes no model yet",
 *   refuses: () => ["It is not written yet"],
 *   load() {
 *     throw new RangeError("It is not written yet");
 *   },
 * });
 * ```
 */
export function fromPasses(engine: Engine): Backend {
  const { name, description, kind = "cpu", deterministic = true } = engine;
  if (typeof name !== "string" || typeof description !== "string") {
    throw new TypeError("An engine says its name and one line of description");
  }
  if (typeof engine.load !== "function") throw new TypeError(`Engine "${name}" has no load()`);
  const info: DeviceInfo = {
    id: "0",
    kind,
    description,
    formats: ["f32"],
    deterministic,
    maxInFlight: 1,
    reportCapacity: CAPACITY,
  };
  return {
    apiVersion: API_VERSION,
    name,
    probe: () => Promise.resolve([info]),
    open: (id) =>
      id === info.id
        ? Promise.resolve(new PassesDevice(engine, info))
        : Promise.reject(new RangeError(`Backend "${name}" has no device "${id}": it is "0"`)),
  };
}

/** What an engine is told of a plan. */
function shapesOf(plan: Plan): Shapes {
  const { hidden, inputs, outputs, rule, mask } = plan;
  return {
    units: inputs.length,
    hidden,
    inputs,
    outputs,
    ...(rule.name === "2016" ? { momentum: matrixScalars(plan).mu } : {}),
    ...(mask === undefined ? {} : { mask }),
  };
}

class PassesDevice implements Device {
  readonly info: DeviceInfo;
  readonly #engine: Engine;
  readonly #sessions = new Set<PassesSession>();
  readonly #loss = Promise.withResolvers<Awaited<Device["lost"]>>();
  readonly lost: Device["lost"] = this.#loss.promise;
  #end: DeviceLostError | undefined;

  constructor(engine: Engine, info: DeviceInfo) {
    this.#engine = engine;
    this.info = info;
  }

  accepts(plan: Plan): Verdict {
    const engine = this.#engine;
    const reasons = [
      ...lacks(plan, {
        masks: engine.masks ?? false,
        delays: true,
        shift: true,
        skipping: true,
        who: `the engine "${engine.name}"`,
      }),
      ...engine.refuses?.(shapesOf(plan)) ?? [],
    ];
    return { ok: reasons.length === 0, reasons };
  }

  async load(plan: Plan, checkpoint: Checkpoint): Promise<Session> {
    if (this.#end !== undefined) throw this.#end;
    const { ok, reasons } = this.accepts(plan);
    if (!ok) throw new TypeError(reasons.join("; "));
    checkState(plan, checkpoint);
    if (checkpoint.deferred !== undefined) {
      throw new TypeError("The checkpoint has deferred updates: load denseCheckpoint() of it");
    }
    const rest = Object.entries(checkpoint.tensors).filter(([name]) =>
      !WEIGHT_TENSORS.includes(name)
    );
    const tensors = copyTensors(Object.fromEntries(rest), Float32Array);
    const weights = weightsOf(plan, checkpoint.tensors);
    const passes = await this.#engine.load(shapesOf(plan), weights);
    this.#checkPasses(passes);
    const session = new PassesSession(plan, tensors, checkpoint, passes, {
      engine: this.#engine.name,
      capacity: this.info.reportCapacity,
      fail: (error) => {
        // What it cannot give back after that is of no interest.
        Promise.all(this.#close(error, "unknown")).catch(() => {});
      },
      closed: (session) => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    // It may have been closed while the engine was loading.
    if (this.#end !== undefined) await session.end(this.#end);
    else if (!checkpoint.started) await session.start();
    if (this.#end !== undefined) throw this.#end;
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#close(new DeviceLostError("The device is closed: open it again"), "destroyed"),
    );
  }

  /** What an engine forgot must not show in the middle of a step. */
  #checkPasses(passes: WeightPasses): void {
    const names = ["sendBack", "encode", "decode", "save"] as const;
    const missing = names.filter((name) => typeof passes?.[name] !== "function");
    if (missing.length > 0) {
      throw new TypeError(
        `What load() of engine "${this.#engine.name}" gives lacks ${missing.join(", ")}`,
      );
    }
  }

  #close(error: DeviceLostError, reason: "destroyed" | "unknown"): Promise<void>[] {
    this.#end ??= error;
    this.#loss.resolve({ reason, message: error.message });
    return [...this.#sessions].map((session) => session.end(error));
  }
}
