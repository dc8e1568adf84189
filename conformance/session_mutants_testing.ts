/** Faults around the mathematics, for testing the kit. */
import {
  type Backend,
  type Device,
  DeviceLostError,
  type Session,
  type StepInput,
  type StepOptions,
} from "../backends/backend.ts";
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { frameLength, type Plan } from "../model/plan.ts";
import { type Fault, faulty, type Mutant } from "./mutants_testing.ts";

/** Saves something else. */
function saving(change: (checkpoint: Checkpoint, plan: Plan) => Partial<Checkpoint>): Fault {
  return (inner, plan) => ({
    async save() {
      const saved = await inner.save();
      return { ...saved, ...change(saved, plan) };
    },
  });
}

/** Steps with something else. */
function stepping(
  change: (input: StepInput, options: StepOptions) => [StepInput, StepOptions],
): Fault {
  return (inner) => ({ step: (input, options = {}) => inner.step(...change(input, options)) });
}

function scaled(frame: StepInput["frame"], factor: number): StepInput["frame"] {
  return frame instanceof Uint8Array ? Float32Array.from(frame, (byte) => byte * factor) : frame;
}

/** Zeros for what some tensors hold. */
function forgetting(names: RegExp): Fault {
  return saving(({ tensors }) => ({
    tensors: Object.fromEntries(
      Object.entries(tensors).map(([name, values]): [string, Tensor] => [
        name,
        names.test(name) ? values.map(() => 0) : values,
      ]),
    ),
  }));
}

/** Runs each step later, in the order that `sort` makes of those that wait. */
function later(copy: boolean, swap: boolean): Fault {
  return (inner) => {
    let waiting: (() => void)[] = [];
    let idle: Promise<void> = Promise.resolve();
    const flush = async () => {
      await new Promise<void>((wake) => queueMicrotask(() => queueMicrotask(wake)));
      const steps = swap ? waiting.reverse() : waiting;
      waiting = [];
      for (const step of steps) step();
    };
    const settled = <T>(call: () => Promise<T>) => idle.then(call);
    return {
      step({ frame, external }, options) {
        const input: StepInput = {
          frame: copy ? frame.slice() : frame,
          ...(external === undefined ? {} : { external: copy ? external.slice() : external }),
        };
        waiting.push(() => void inner.step(input, options));
        if (waiting.length === 1) idle = flush();
        return idle;
      },
      report: () => settled(() => inner.report()),
      save: () => settled(() => inner.save()),
      read: (name, into) => settled(() => inner.read(name, into)),
    };
  };
}

/** As the reference does it once the device is gone, but for calls that fail. */
function afterLoss(instead: <T>(whole: () => T | Promise<T>) => Promise<T>): Fault {
  return (inner) => {
    const call = async <T>(run: () => T | Promise<T>): Promise<T> => {
      try {
        return await run();
      } catch (error) {
        if (error instanceof DeviceLostError) return await instead(run);
        throw error;
      }
    };
    return {
      step: (input, options) => call(() => inner.step(input, options)),
      save: () => call(() => inner.save()),
    };
  };
}

function sharedState(): Fault {
  let last: Session | undefined;
  return (inner, plan) => ({
    async save() {
      const saved = await inner.save();
      const other = await last?.save();
      last = inner;
      const alike = other?.tensors["hidden"]?.length === plan.layerStart.at(-1)! * plan.hidden;
      return alike && other !== undefined
        ? { ...saved, tensors: { ...saved.tensors, hidden: other.tensors["hidden"]! } }
        : saved;
    },
  });
}

const kept: unknown[] = [];

/** Faults around the mathematics: the contract is broken, whatever is computed. */
export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    fault: "bytes divided by 256",
    noticed: "steps that learn agree",
    backend: faulty(
      stepping((
        { frame, ...rest },
        options,
      ) => [{ frame: scaled(frame, 1 / 256), ...rest }, options]),
    ),
  },
  {
    fault: "the rate of a step is ignored",
    noticed: "at other rates",
    backend: faulty(stepping((input, { learn = true }) => [input, { learn }])),
  },
  {
    fault: "learn: false is ignored",
    noticed: "learn: false leaves",
    backend: faulty(stepping((input, { rate = 1 }) => [input, { rate }])),
  },
  {
    fault: "external input is ignored",
    noticed: "steps that learn agree",
    backend: faulty(stepping(({ frame, external }, options) => [
      external === undefined ? { frame } : { frame, external: external.map(() => 0) },
      options,
    ])),
  },
  {
    fault: "the frame is borrowed until the step is run",
    noticed: "may be reused",
    backend: withInfo(faulty(later(false, false)), { maxInFlight: 2 }),
  },
  {
    fault: "steps that wait together are run last first",
    noticed: "queued steps",
    backend: withInfo(faulty(later(true, true)), { maxInFlight: 2 }),
  },
  {
    fault: "momentum and running means are lost in save",
    noticed: "resumes where it was saved",
    backend: faulty(forgetting(/momentum$|^variance$/)),
  },
  {
    fault: "the integral and the combiner are lost in save",
    noticed: "resumes on the reference",
    backend: faulty(forgetting(/^integral$|^combiner.moments$/)),
  },
  {
    fault: "steps learned are not counted in save",
    noticed: "resumes where it was saved",
    backend: faulty(saving(() => ({ learned: 0 }))),
  },
  {
    fault: "what was saved changes as the session goes on",
    noticed: "save() changes nothing",
    backend: faulty((inner) => {
      let first: Checkpoint | undefined;
      return {
        async save() {
          const saved = await inner.save();
          first ??= saved;
          for (const [name, values] of Object.entries(saved.tensors)) {
            first.tensors[name]!.set(values);
          }
          return { ...saved, tensors: first.tensors };
        },
      };
    }),
  },
  {
    fault: "read gives what was there a read ago",
    noticed: "read() gives",
    backend: faulty((inner) => {
      const before = new Map<string, number[]>();
      return {
        async read(name, into) {
          await inner.read(name, into);
          const now = [...into];
          const last = before.get(name);
          before.set(name, now);
          if (last !== undefined) into.set(last);
        },
      };
    }),
  },
  {
    fault: "a session holds what another one saved",
    noticed: "two sessions",
    backend: faulty(sharedState()),
  },
  {
    fault: "reports are given twice",
    noticed: "reported once",
    backend: faulty((inner) => {
      let last: Awaited<ReturnType<Session["report"]>> | undefined;
      return {
        async report() {
          const report = await inner.report();
          if (last !== undefined && report.steps === 0) return last;
          last = report;
          return report;
        },
      };
    }),
  },
  {
    fault: "units that skip are not counted",
    noticed: "units that skip learning are counted",
    backend: faulty((inner) => ({
      report: async () => ({ ...await inner.report(), skipped: 0 }),
    })),
  },
  {
    fault: "errors of a report come newest first",
    noticed: "reported once, in order",
    backend: faulty((inner) => ({
      async report() {
        const report = await inner.report();
        return { ...report, mse: report.mse.toReversed() };
      },
    })),
  },
  {
    fault: "a report that was not drained is overwritten",
    noticed: "never overwritten",
    backend: faulty((inner) => {
      let waiting = 0;
      return {
        step(input, options) {
          // Makes room by forgetting; the drain is synchronous in the reference.
          if (++waiting > 1024) {
            void inner.report();
            waiting = 1;
          }
          return inner.step(input, options);
        },
        report() {
          waiting = 0;
          return inner.report();
        },
      };
    }),
  },
  {
    fault: "every frame is kept",
    noticed: "leave nothing behind",
    backend: faulty((inner) => ({
      step(input, options) {
        kept.push(input.frame.slice());
        return inner.step(input, options);
      },
    })),
  },
  {
    fault: "memory() counts less than there is",
    noticed: "counts every weight",
    backend: faulty((inner) => ({
      memory: () => ({ ...inner.memory(), weights: inner.memory().weights / 8 }),
    })),
  },
  {
    fault: "memory() grows",
    noticed: "stays the same",
    backend: faulty((inner) => {
      let asked = 0;
      return { memory: () => ({ ...inner.memory(), scratch: asked++ }) };
    }),
  },
  {
    fault: "calls hang once the device is gone",
    noticed: "a device that is gone",
    backend: faulty(afterLoss(() => new Promise(() => {}))),
  },
  {
    fault: "steps go on once the device is gone",
    noticed: "a device that is gone",
    backend: faulty(afterLoss(() => Promise.resolve(undefined as never))),
  },
  {
    fault: "device.lost never settles",
    noticed: "a device that is gone",
    backend: faulty(() => ({}), () => ({ lost: new Promise(() => {}) })),
  },
  {
    fault: "it refuses what it could do",
    noticed: "core profile is refused",
    backend: faulty(() => ({}), (inner) => ({
      accepts: (plan) =>
        plan.hidden > 8
          ? { ok: false, reasons: ["This device has room for 8 hidden outputs"] }
          : inner.accepts(plan),
    })),
  },
  {
    fault: "it accepts what it cannot load",
    noticed: "accepts() says what load() does",
    backend: faulty(() => ({}), (inner) => ({
      load: (plan, checkpoint) =>
        plan.layerStart.length > 3
          ? Promise.reject(new RangeError("Three layers do not fit"))
          : inner.load(plan, checkpoint),
    })),
  },
  {
    fault: "a frame of another length is cut or filled",
    noticed: "inputs that are not the plan's",
    backend: faulty((inner, plan) => ({
      step({ frame, ...rest }, options) {
        const fitting = new Float32Array(frameLength(plan));
        const floats = frame instanceof Uint8Array ? scaled(frame, 1 / 255) : frame;
        fitting.set(floats.subarray(0, fitting.length));
        return inner.step({ frame: fitting, ...rest }, options);
      },
    })),
  },
  {
    fault: "bits are random though it says that it is deterministic",
    noticed: "bit for bit",
    backend: faulty(saving(({ tensors }) => ({
      tensors: {
        ...tensors,
        encoder: tensors["encoder"]!.map((weight) => weight * (1 + 2e-7 * (Math.random() - 0.5))),
      },
    }))),
  },
];

function withInfo(backend: Backend, change: Partial<Device["info"]>): Backend {
  return {
    ...backend,
    probe: async () => (await backend.probe()).map((info) => ({ ...info, ...change })),
    async open(id) {
      const device = await backend.open(id);
      return { ...device, info: { ...device.info, ...change } };
    },
  };
}
