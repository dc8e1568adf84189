/**
 * What is said between a backend that runs elsewhere and its caller.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import type {
  Device,
  DeviceInfo,
  MemoryReport,
  Readable,
  StepInput,
  StepOptions,
  StepReports,
  Verdict,
} from "../backend.ts";
import type { SentError } from "./failures.ts";

/** What can be asked for, and the answer; devices and sessions have numbers. */
export interface Calls {
  hello: { of: unknown; gives: { apiVersion: number; name: string } };
  probe: { of: unknown; gives: readonly DeviceInfo[] };
  open: {
    of: { id: string };
    gives: { device: number; info: DeviceInfo; measuresEnergy: boolean };
  };
  /** With the id of the device: who is asked alone has not opened it yet. */
  accepts: { of: { device: number; id: string; plan: Plan }; gives: Verdict };
  load: {
    of: { device: number; plan: Plan; checkpoint: Checkpoint };
    gives: { session: number; memory: MemoryReport };
  };
  energy: { of: { device: number }; gives: { joules: number; scope: string } };
  closeDevice: { of: { device: number }; gives: null };
  step: { of: { session: number; input: StepInput; options: StepOptions }; gives: null };
  report: { of: { session: number }; gives: StepReports };
  read: {
    of: { session: number; name: Readable; length: number; double: boolean };
    gives: Float32Array | Float64Array;
  };
  save: { of: { session: number }; gives: Checkpoint };
  closeSession: { of: { session: number }; gives: null };
}

/** What can be asked for. */
export type CallName = keyof Calls;

/** A question. */
export type Request = {
  readonly [N in CallName]: { readonly id: number; readonly call: N; readonly of: Calls[N]["of"] };
}[CallName];

/** An answer, or what happened meanwhile. */
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: SentError }
  | { readonly lost: number; readonly loss: Awaited<Device["lost"]> };
