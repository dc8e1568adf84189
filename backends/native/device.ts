/**
 * A device of a library that runs whole models.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import { denseCheckpoint } from "../../model/pairs.ts";
import type { Plan } from "../../model/plan.ts";
import { checkState } from "../../model/state.ts";
import { type Device, type DeviceInfo, DeviceLostError, type Verdict } from "../backend.ts";
import { lacks } from "../lacks.ts";
import { flatPlan, flatState } from "./flat_plan.ts";
import { isLoss, Library, OK } from "./library.ts";
import { NativeSession } from "./session.ts";

/** Bytes for sentences. */
const ROOM = 4096;

/** Masks and delays a library refuses, or not, for itself. */
const HAS = { masks: true, delays: true } as const;

/** An open device; it has the library open for itself. */
export class NativeDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly energy?: NonNullable<Device["energy"]>;
  readonly #library: Library;
  readonly #handle: Deno.PointerValue;
  readonly #sessions = new Set<NativeSession>();
  readonly #settle: (loss: Awaited<Device["lost"]>) => void;
  #open = true;

  /**
   * Opens it.
   *
   * @param path the library
   * @param index which of its devices
   * @param info what it said of it
   * @param threads how many threads are wished for; 0 for no wish
   * @throws {Error} as the library says
   */
  constructor(path: string, index: number, info: DeviceInfo, threads: number) {
    const { promise, resolve } = Promise.withResolvers<Awaited<Device["lost"]>>();
    this.info = info;
    this.lost = promise;
    this.#settle = resolve;
    this.#library = Library.open(path);
    try {
      this.#handle = openHandle(this.#library, index, threads);
    } catch (error) {
      this.#library[Symbol.dispose]();
      throw error;
    }
    if (this.#library.has("saccade_energy")) this.energy = () => this.#energy();
  }

  accepts(plan: Plan): Verdict {
    if (!this.#open) throw new DeviceLostError("The device is closed: open it again");
    const refused = lacks(plan, HAS);
    if (refused.length > 0) return { ok: false, reasons: refused };
    const text = new Uint8Array(ROOM);
    const { symbols } = this.#library;
    const record = flatPlan(plan);
    const status = symbols.saccade_accepts(this.#handle, record.bytes, text, BigInt(ROOM));
    if (status === OK) return { ok: true, reasons: [] };
    if (isLoss(status)) this.#library.check(status);
    const said = new TextDecoder().decode(text.subarray(0, Math.max(text.indexOf(0), 0)));
    const reasons = said.split("\n").filter((reason) => reason !== "");
    return { ok: false, reasons: reasons.length > 0 ? reasons : [this.#reasonOf(status)] };
  }

  #reasonOf(status: number): string {
    try {
      this.#library.check(status);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  }

  // deno-lint-ignore require-await
  async load(plan: Plan, checkpoint: Checkpoint): Promise<NativeSession> {
    if (!this.#open) throw new DeviceLostError("The device is closed: open it again");
    const refused = lacks(plan, HAS);
    if (refused.length > 0) throw new TypeError(refused.join("; "));
    checkState(plan, checkpoint);
    const defers = this.info.defers ?? false;
    const same = defers && checkpoint.deferred?.every === plan.defer.every &&
      checkpoint.deferred.window === plan.defer.window;
    const state = same ? checkpoint : denseCheckpoint(plan, checkpoint);
    const [record, tensors] = [flatPlan(plan), flatState(plan, state)];
    const out = new BigUint64Array(1);
    const { symbols } = this.#library;
    this.#check(symbols.saccade_load(this.#handle, record.bytes, tensors.bytes, out));
    const session = new NativeSession({
      plan,
      library: this.#library,
      handle: Deno.UnsafePointer.create(out[0]!)!,
      checkpoint,
      capacity: this.info.reportCapacity,
      defers,
      lose: (message) => this.#end({ reason: "unknown", message }),
      closed: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }

  // deno-lint-ignore require-await
  async #energy(): Promise<{ joules: number; scope: string }> {
    const joules = new Float64Array(1);
    const scope = new Uint8Array(ROOM);
    this.#check(this.#library.symbols.saccade_energy(this.#handle, joules, scope, BigInt(ROOM)));
    const text = new TextDecoder().decode(scope.subarray(0, Math.max(scope.indexOf(0), 0)));
    return { joules: joules[0]!, scope: text };
  }

  #check(status: number): void {
    try {
      this.#library.check(status);
    } catch (error) {
      if (isLoss(status)) this.#end({ reason: "unknown", message: (error as Error).message });
      throw error;
    }
  }

  /** Ends all sessions; the library stays open until the device is disposed of. */
  #end(loss: Awaited<Device["lost"]>): void {
    for (const session of [...this.#sessions]) session.close();
    this.#settle(loss);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) {
      this.#open = false;
      this.#end({ reason: "destroyed", message: "The device was closed" });
      if (this.#library.has("saccade_close")) this.#library.symbols.saccade_close(this.#handle);
      this.#library[Symbol.dispose]();
    }
    return Promise.resolve();
  }
}

/**
 * Opens a device of a library; one that has no function for it needs none.
 *
 * @param library the library
 * @param index which of its devices
 * @param threads how many threads are wished for; 0 for no wish
 */
export function openHandle(library: Library, index: number, threads: number): Deno.PointerValue {
  if (!library.has("saccade_open")) return null;
  const out = new BigUint64Array(1);
  library.check(library.symbols.saccade_open(index, threads, out));
  return Deno.UnsafePointer.create(out[0]!);
}
