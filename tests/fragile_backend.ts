/**
 * The reference on a device that gets lost: `fragile_backend.ts?after=7&times=2` loses the first two devices at the step that follows
 * their seventh, and `open=1` does not open another one after the first. For the tests of the runtime.
 *
 * @module
 */
import {
  API_VERSION,
  type Backend,
  type Device,
  DeviceLostError,
  type Session,
} from "../backends/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";

const { searchParams: told } = new URL(import.meta.url);
const after = Number(told.get("after") ?? Infinity);
const times = Number(told.get("times") ?? 1);
const openings = Number(told.get("open") ?? Infinity);
let opened = 0;

/** A session that works for a number of steps; after that every call says that the device is gone. */
function fragile(inner: Session): Session {
  let left = opened <= times ? after : Infinity;
  const check = () => {
    if (left < 0) throw new DeviceLostError("The device fell off");
  };
  return {
    memory: () => inner.memory(),
    step(input, options) {
      left--;
      check();
      return inner.step(input, options);
    },
    // deno-lint-ignore require-await
    report: async () => {
      check();
      return inner.report();
    },
    read: (name, into) => inner.read(name, into),
    // deno-lint-ignore require-await
    save: async () => {
      check();
      return inner.save();
    },
    // deno-lint-ignore require-await
    [Symbol.asyncDispose]: async () => check(),
  };
}

/** The backend. */
const backend: Backend = {
  apiVersion: API_VERSION,
  name: "fragile",
  probe: () => reference.probe(),
  async open(id) {
    if (++opened > openings) throw new RangeError("there is no device any more");
    const device: Device = await reference.open(id);
    return {
      info: device.info,
      lost: device.lost,
      accepts: (plan) => device.accepts(plan),
      load: async (plan, checkpoint) => fragile(await device.load(plan, checkpoint)),
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  },
};

export default backend;
