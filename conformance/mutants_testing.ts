/** Backends with a fault each, for testing the kit: the reference with one thing done wrong. */
import type { Backend, Device, Session } from "../backends/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import type { Plan } from "../model/plan.ts";

/** A fault, and a property that must notice it. */
export interface Mutant {
  /** What is done wrong. */
  readonly fault: string;
  /** Part of the name of a property that must fail. */
  readonly noticed: string;
  /** The faulty backend. */
  readonly backend: Backend;
}

/** What a fault changes of a session; it may call what was there. */
export type Fault = (inner: Session, plan: Plan, device: Device) => Partial<Session>;

/** What a fault changes of a device. */
type DeviceFault = (inner: Device) => Partial<Device>;

/** The reference in f32 with other sessions or another device, perhaps of other plans or with other weight passes. */
export function faulty(
  session: Fault,
  onDevice: DeviceFault = () => ({}),
  from: Backend = reference,
  replan: (plan: Plan) => Plan = (plan) => plan,
): Backend {
  return {
    ...from,
    name: "mutant",
    probe: async () => (await from.probe()).filter(({ id }) => id === "f32"),
    async open(id) {
      if (id !== "f32") throw new RangeError(`There is no device "${id}"`);
      const inner = await from.open(id);
      const device: Device = {
        info: inner.info,
        lost: inner.lost,
        accepts: (plan) => inner.accepts(plan),
        async load(plan, checkpoint) {
          const loaded = await inner.load(replan(plan), checkpoint);
          const plain: Session = {
            memory: () => loaded.memory(),
            step: (input, options) => loaded.step(input, options),
            report: () => loaded.report(),
            read: (name, into) => loaded.read(name, into),
            save: () => loaded.save(),
            [Symbol.asyncDispose]: () => loaded[Symbol.asyncDispose](),
          };
          return { ...plain, ...session(loaded, plan, inner) };
        },
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      };
      return { ...device, ...onDevice(device) };
    },
  };
}
