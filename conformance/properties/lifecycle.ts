/**
 * Opening, loading, stepping, reading, saving and closing, in any order that makes sense, beside the reference doing the same.
 *
 * @module
 */
import fc from "fast-check";
import { type Device, DeviceLostError, type Session } from "../../backends/backend.ts";
import { backend as reference } from "../../backends/reference/backend.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { buildCase, type Case } from "../case.ts";
import {
  claim,
  failureOf,
  type Property,
  recipesFor,
  storedFormat,
  type Subject,
  within,
} from "../property.ts";
import { compare, roundingOf } from "../tolerance.ts";
import { observe, stepOnce } from "../trace.ts";

/** What should be the case. */
interface Model {
  device: "closed" | "open";
  sessions: ("open" | "closed" | "lost")[];
}

/** A model that runs on the device and on the reference, exact and rounded. */
interface Trio {
  readonly built: Case;
  readonly sessions: readonly [mine: Session, exact: Session, rounded: Session];
  steps: number;
  saved: readonly Checkpoint[];
}

/** What is the case. */
interface Real {
  readonly subject: Subject;
  readonly cases: readonly Case[];
  device: Device | null;
  readonly trios: Trio[];
}

type Command = fc.AsyncCommand<Model, Real>;

async function load(real: Real, built: Case, saved: readonly Checkpoint[]): Promise<Trio> {
  const devices = [real.device!, await reference.open("f64"), await reference.open("f32")];
  const sessions = await Promise.all(
    devices.map((device, i) =>
      within(real.subject, "load()", device.load(built.plan, saved[i] ?? built.checkpoint))
    ),
  );
  const [mine, exact, rounded] = sessions;
  return { built, sessions: [mine!, exact!, rounded!], steps: 0, saved: [] };
}

const open: Command = {
  check: (model) => model.device === "closed",
  async run(model, real) {
    const { subject } = real;
    real.device = await within(subject, "open()", subject.backend.open(subject.info.id));
    model.device = "open";
  },
  toString: () => "open",
};

const close: Command = {
  check: (model) => model.device === "open",
  async run(model, real) {
    await within(real.subject, "Disposing the device", real.device![Symbol.asyncDispose]());
    model.device = "closed";
    model.sessions = model.sessions.map((state) => state === "open" ? "lost" : state);
  },
  toString: () => "close",
};

const loadOne = (which: number): Command => ({
  check: ({ device, sessions }) =>
    device === "open" && sessions.filter((state) => state === "open").length < 3,
  async run(model, real) {
    real.trios.push(await load(real, real.cases[which % real.cases.length]!, []));
    model.sessions.push("open");
  },
  toString: () => `load ${which}`,
});

/** A command on one session that is open. */
function on(
  name: string,
  which: number,
  run: (real: Real, trio: Trio, model: Model, at: number) => Promise<void>,
): Command {
  const find = (model: Model) => {
    const open = model.sessions.flatMap((state, i) => state === "open" ? [i] : []);
    return open[which % open.length];
  };
  return {
    check: (model) => find(model) !== undefined,
    async run(model, real) {
      const at = find(model)!;
      await run(real, real.trios[at]!, model, at);
    },
    toString: () => `${name} ${which}`,
  };
}

const step = (which: number) =>
  on("step", which, async (_, trio) => {
    const { stimuli } = trio.built;
    for (const session of trio.sessions) {
      await stepOnce(session, stimuli[trio.steps % stimuli.length]!);
    }
    trio.steps++;
  });

const report = (which: number) =>
  on("report", which, async (real, trio) => {
    const [mine, exact] = await Promise.all(
      trio.sessions.map((session) => within(real.subject, "report()", session.report())),
    );
    claim(
      mine!.firstStep === exact!.firstStep && mine!.steps === exact!.steps,
      `report() gives ${mine!.steps} steps from ${mine!.firstStep} on, not ${exact!.steps} from ${
        exact!.firstStep
      } on`,
    );
  });

const save = (which: number) =>
  on("save", which, async (real, trio) => {
    const { plan } = trio.built;
    const [mine, exact, rounded] = await Promise.all(
      trio.sessions.map(async (session) => observe(session, plan, await session.report())),
    );
    const rounding = roundingOf(plan, storedFormat(real.subject, plan), trio.steps + 1);
    compare(mine!, exact!, rounded!, rounding);
    trio.saved = [mine!, exact!, rounded!].map(({ checkpoint }) => checkpoint);
  });

const resume = (which: number) =>
  on("resume", which, async (real, trio, model) => {
    if (trio.saved.length === 0 || real.trios.length > 6) return;
    const again = await load(real, trio.built, trio.saved);
    real.trios.push(again);
    model.sessions.push("open");
  });

const end = (which: number) =>
  on("end", which, async (real, trio, model, at) => {
    for (const session of trio.sessions) {
      await within(real.subject, "Disposing a session", session[Symbol.asyncDispose]());
    }
    model.sessions[at] = "closed";
  });

const callEnded = (which: number): Command => {
  const find = (model: Model) => {
    const ended = model.sessions.flatMap((state, i) => state === "open" ? [] : [i]);
    return ended[which % ended.length];
  };
  return {
    check: (model) => find(model) !== undefined,
    async run(model, real) {
      const at = find(model)!;
      const { sessions: [mine], built } = real.trios[at]!;
      const calls: [string, () => unknown][] = [
        ["step()", () => mine.step(built.stimuli[0]!.input)],
        ["report()", () => mine.report()],
        ["save()", () => mine.save()],
      ];
      // Of a session that was closed only an end is asked: what it fails with, or that it does, is its own affair.
      for (const [name, call] of calls) {
        const failed = await failureOf(real.subject, `${name} of a session that ended`, call);
        claim(
          model.sessions[at] === "closed" || failed?.name === DeviceLostError.name,
          `${name} on a device that is gone must fail with a DeviceLostError: ${failed}`,
        );
        claim(!failed?.message.includes("has not come to an end"), failed?.message ?? "");
      }
      await within(real.subject, "Disposing twice", mine[Symbol.asyncDispose]());
    },
    toString: () => `call ended ${which}`,
  };
};

/** How a failing sequence of commands is replayed: fast-check prints it among the commands. */
const which = fc.nat({ max: 5 });

/**
 * The lifecycle.
 *
 * @param replayPath which commands of a sequence are run, of a counterexample that is replayed
 */
export function lifecycle(replayPath?: string): Property {
  return {
    name: "a session does what the reference does, whatever is called in whatever order",
    share: 0.5,
    of: (subject) =>
      fc.asyncProperty(
        fc.tuple(recipesFor(subject, { before: 0 }), recipesFor(subject)),
        fc.commands([
          fc.constant(open),
          which.map(loadOne),
          which.map(step),
          which.map(step),
          which.map(step),
          which.map(report),
          which.map(save),
          which.map(resume),
          which.map(end),
          which.map(callEnded),
          fc.constant(close),
        ], { maxCommands: 40, size: "max", ...(replayPath === undefined ? {} : { replayPath }) }),
        async (pair, commands) => {
          const cases = await Promise.all(pair.map(buildCase));
          const device = await subject.backend.open(subject.info.id);
          const real: Real = { subject, cases, device, trios: [] };
          const model: Model = { device: "open", sessions: ["open"] };
          try {
            real.trios.push(await load(real, cases[0]!, []));
            await fc.asyncModelRun(() => Promise.resolve({ model, real }), commands);
          } finally {
            if (model.device === "open") await real.device![Symbol.asyncDispose]();
          }
        },
      ),
  };
}
