/** A backend elsewhere is the backend at hand; when its process or thread is gone, so is the device, and nothing else. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { compileC, DOUBLE } from "../../tests/compile_c.ts";
import { inputs, openSession } from "../../tests/agreement.ts";
import { needing } from "../../tests/needs.ts";
import { Folder } from "../../tests/program.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../std_assert.ts";
import { type Backend, DeviceLostError } from "../backend.ts";
import { BackendError } from "../errors.ts";
import { backend as reference } from "../reference/backend.ts";
import { inProcess, inWorker } from "./isolate.ts";

const plan = compilePlan(builtinSpec("tiny"));
const still = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const frame = new Uint8Array(frameLength(still)).fill(9);

const PLACES: Readonly<Record<string, (specifier: string) => Promise<Backend>>> = {
  "a process": (specifier) => inProcess(specifier, { threads: 1 }),
  "a worker": (specifier) => inWorker(specifier, { threads: 1 }),
};

/** An open device with a session; both end with their scope, and with them the process or the worker. */
async function opened(backend: Backend, id: string) {
  const device = await backend.open(id);
  const session = await device.load(still, initialCheckpoint(still));
  return { session, [Symbol.asyncDispose]: () => device[Symbol.asyncDispose]() };
}

/** A plugin: the reference, but for its steps. */
async function plugin(folder: Folder, step: string): Promise<string> {
  const url = new URL("../reference/backend.ts", import.meta.url);
  const path = folder.file("plugin.ts");
  await Deno.writeTextFile(
    path,
    `import { backend } from "${url}";
export default {
  apiVersion: backend.apiVersion,
  name: "plugin",
  probe: async () => (await backend.probe()).map((info) => ({ ...info, maxInFlight: 4 })),
  async open(id: string) {
    const device = await backend.open(id);
    return new Proxy(device, {
      get(target, name) {
        if (name !== "load") {
          const value = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (...args: Parameters<typeof device.load>) => {
          const session = await device.load(...args);
          const inner = session.step.bind(session);
          let n = 0;
          session.step = (input, options) => {
            const t = n++;
            ${step}
            return inner(input, options);
          };
          return session;
        };
      },
    });
  },
};
`,
  );
  return path;
}

for (const [place, elsewhere] of Object.entries(PLACES)) {
  Deno.test(`in ${place} a backend gives the same bits, and reports the same`, async () => {
    const backend = await elsewhere("reference");
    assertEquals([backend.name, backend.apiVersion], [reference.name, reference.apiVersion]);
    assertEquals(await backend.probe(), await reference.probe());
    const device = await backend.open("f64");
    await using _device = device;
    const double = initialCheckpoint(plan, { precision: "f64" });
    const session = await device.load(plan, double);
    await using here = await (await reference.open("f64")).load(plan, double);
    assertEquals(session.memory(), here.memory());
    for (const [n, input] of inputs(plan, 6).entries()) {
      const options = { learn: n !== 3, rate: n };
      await session.step(input, options);
      await here.step(input, options);
    }
    assertEquals(await session.report(), await here.report());
    assertEquals(await session.save(), await here.save());
    for (const Values of [Float32Array, Float64Array]) {
      const [a, b] = [new Values(plan.inputs.length * 25), new Values(plan.inputs.length * 25)];
      await session.read("hidden", a);
      await here.read("hidden", b);
      assertEquals(a, b);
    }
  });

  Deno.test(`in ${place} what is refused is refused as at hand`, async () => {
    const backend = await elsewhere("wasm");
    await assertRejects(() => backend.open("nothing"), RangeError, 'no device "nothing"');
    await using device = await backend.open("single");
    const long = device.accepts({ ...still, defer: { every: 1000, window: 0 } });
    assertEquals([long.ok, long.reasons.length], [false, 1]);
    assert(device.accepts(still).ok);
    const other = initialCheckpoint(plan);
    await assertRejects(() => device.load(still, other), TypeError, "of another model");
    const session = await device.load(still, initialCheckpoint(still));
    assertThrows(() => session.step({ frame: frame.subarray(1) }), RangeError, "The frame has");
    await assertRejects(
      async () => await session.step({ frame }, { deepDream: true }),
      TypeError,
      "deep dream",
    );
    await assertRejects(
      () => session.read("weights" as "hidden", new Float32Array(1)),
      RangeError,
      "prediction, hidden, error, signal",
    );
    await assertRejects(() => elsewhere("nonsense"), BackendError, 'no backend "nonsense"');
  });

  Deno.test(`in ${place} steps may be on their way, and their frames may change`, async () => {
    await using there = await opened(await elsewhere("reference"), "f32");
    const { session } = there;
    await using here = await openSession(reference, "f32", still);
    const shared = new Uint8Array(new SharedArrayBuffer(frame.length));
    const steps: (void | Promise<void>)[] = [];
    for (const { frame } of inputs(still, 5)) {
      shared.set(frame);
      steps.push(session.step({ frame: shared }));
      here.step({ frame });
    }
    shared.fill(255);
    await Promise.all(steps);
    assertEquals((await session.report()).mse, (await here.report()).mse);
  });

  Deno.test(`in ${place} a full ring of reports is noticed at once`, async () => {
    await using there = await opened(await elsewhere("null"), "0");
    const { session } = there;
    const steps = Array.from({ length: 1024 }, () => session.step({ frame }));
    assertThrows(() => session.step({ frame }), RangeError, "call report()");
    await Promise.all(steps);
    assertEquals((await session.report()).steps, 1024);
    await session.step({ frame });
    assertEquals((await session.report()).firstStep, 1024);
  });

  Deno.test(`in ${place} a closed device ends its sessions`, async () => {
    const device = await (await elsewhere("reference")).open("f32");
    const session = await device.load(still, initialCheckpoint(still));
    await device[Symbol.asyncDispose]();
    assertEquals((await device.lost).reason, "destroyed");
    assertThrows(() => session.step({ frame }), DeviceLostError);
    await assertRejects(() => session.save(), DeviceLostError);
    await assertRejects(() => device.load(still, initialCheckpoint(still)), DeviceLostError);
    assertThrows(() => device.accepts(still), DeviceLostError);
  });

  Deno.test(`in ${place} a crash is the loss of the device, and another one can be opened`, async () => {
    await using folder = new Folder();
    const crash = place === "a process"
      ? "if (t === 2) Deno.exit(3);"
      : 'if (t === 2) setTimeout(() => { throw new Error("a mishap"); }, 0);' +
        "if (t >= 2) return new Promise(() => {});";
    const path = await plugin(folder, crash);
    const backend = await elsewhere(path);
    const device = await backend.open("f32");
    const session = await device.load(still, initialCheckpoint(still));
    for (let i = 0; i < 2; i++) await session.step({ frame });
    // This step is under way, and the save is waiting, when it happens.
    const [step, save] = [session.step({ frame }), session.save()];
    const says = place === "a process" ? `"${path}" ended with code 3` : "a mishap";
    await assertRejects(async () => await step, DeviceLostError, says);
    await assertRejects(() => save, DeviceLostError, says).catch((error) => {
      // The worker answers before it breaks: then it is a save.
      if (place === "a process") throw error;
    });
    const { reason, message } = await device.lost;
    assertEquals(reason, "unknown");
    assert(message.includes(says), message);
    assertThrows(() => session.step({ frame }), DeviceLostError, says);
    await assertRejects(() => session.report(), DeviceLostError);
    await device[Symbol.asyncDispose]();

    await using again = await backend.open("f32");
    await using whole = await again.load(still, initialCheckpoint(still));
    for (let i = 0; i < 2; i++) await whole.step({ frame });
    assertEquals((await whole.report()).steps, 2);
  });

  Deno.test(`in ${place} an error of a step leaves the session as it is`, async () => {
    await using folder = new Folder();
    const path = await plugin(folder, 'if (t === 1) throw new TypeError("not on Sundays");');
    await using there = await opened(await elsewhere(path), "f32");
    const { session } = there;
    await session.step({ frame });
    await assertRejects(async () => await session.step({ frame }), TypeError, "not on Sundays");
    await session.step({ frame });
    assertEquals((await session.report()).steps, 2);
  });
}

Deno.test("a module that prints does not disturb the answers of its process", async () => {
  await using folder = new Folder();
  const path = await plugin(folder, 'console.log("step", t);');
  await using there = await opened(await inProcess(path), "f32");
  const { session } = there;
  for (let i = 0; i < 3; i++) await session.step({ frame });
  assertEquals((await session.report()).steps, 3);
});

await needing(["cc"], "a library that prints among the answers is ended, and told so", async () => {
  await using folder = new Folder();
  const library = folder.file("lib.so");
  await compileC(DOUBLE, library, { defines: { PRINT_AT: 1 } });
  const device = await (await inProcess(`native:${library}`)).open("0");
  await using _device = device;
  const session = await device.load(still, initialCheckpoint(still));
  await session.step({ frame });
  await assertRejects(
    async () => await session.step({ frame }),
    DeviceLostError,
    "something in it writes to its standard output",
  );
});

await needing(
  ["cc"],
  "a library that aborts is asked in vain, and takes nothing with it",
  async () => {
    await using folder = new Folder();
    const library = folder.file("lib.so");
    const source = `#include "${DOUBLE}"
SACCADE_EXPORT void nothing(void) {}
`;
    await compileC(source, library, {
      flags: ["-shared", '-DREFUSALS=(abort(), "")'],
    });
    const device = await (await inProcess(`native:${library}`)).open("0");
    await using _device = device;
    const { ok, reasons } = device.accepts(still);
    assert(!ok && reasons[0]!.includes("was ended by SIGABRT when it was asked"), reasons[0]);
  },
);
