/**
 * A backend of one's own: it hands every call to the reference, and says how long steps took.
 *
 * Run it: `saccade run --spec tiny --steps 50 --backend ./examples/logging_backend.ts`
 */
import {
  API_VERSION,
  type Backend,
  type Device,
  findBackend,
  type Session,
  type StepInput,
  type StepOptions,
} from "../mod.ts";

const inner = await findBackend("reference");

class LoggingSession implements Session {
  #ms = 0;
  constructor(readonly session: Session) {}
  memory() {
    return this.session.memory();
  }
  step(input: StepInput, options?: StepOptions) {
    const begin = performance.now();
    const pending = this.session.step(input, options);
    this.#ms += performance.now() - begin;
    return pending;
  }
  async report() {
    const report = await this.session.report();
    console.error(`${report.steps} steps took ${this.#ms.toFixed(1)} ms`);
    this.#ms = 0;
    return report;
  }
  read(...args: Parameters<Session["read"]>) {
    return this.session.read(...args);
  }
  save() {
    return this.session.save();
  }
  [Symbol.asyncDispose]() {
    return this.session[Symbol.asyncDispose]();
  }
}

const backend: Backend = {
  apiVersion: API_VERSION,
  name: "logging",
  probe: () => inner.probe(),
  async open(id): Promise<Device> {
    const device = await inner.open(id);
    return {
      info: device.info,
      lost: device.lost,
      accepts: (plan) => device.accepts(plan),
      load: async (plan, checkpoint) => new LoggingSession(await device.load(plan, checkpoint)),
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  },
};

/** What `--backend` looks for. */
export default backend;
