/** What every backend owes its caller, whatever it computes. */
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { builtinSpec } from "../model/builtin.ts";
import { frameLength } from "../model/plan.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std_assert.ts";
import { DeviceLostError } from "./backend.ts";
import { needing } from "../tests/needs.ts";
import { BACKEND_NAMES, openDevice } from "./registry.ts";

/** A test of a backend, skipped where its hardware or library is absent. */
function test(backend: string, name: string, fn: () => Promise<void>): Promise<void> {
  const needs = backend === "webgpu"
    ? ["gpu"] as const
    : backend === "native"
    ? ["native"] as const
    : [];
  return needing(needs, `${backend}: ${name}`, fn);
}

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const frame = () => new Uint8Array(frameLength(plan)).fill(9);

for (const name of [...BACKEND_NAMES, "wasm:single"]) {
  const open = async () => {
    const { device } = await openDevice(name, { threads: 2 });
    return { device, session: await device.load(plan, initialCheckpoint(plan)) };
  };

  await test(name, "inputs of another length are refused", async () => {
    const { device, session } = await open();
    await using _device = device;
    assertThrows(() => session.step({ frame: new Uint8Array(3) }), RangeError, "The frame has 3");
    const external = new Float32Array(1);
    assertThrows(() => session.step({ frame: frame(), external }), RangeError, "external input");
    assertThrows(
      () => session.step({ frame: frame() }, { deepDream: true }),
      TypeError,
      "deep dream",
    );
  });

  await test(
    name,
    "a step whose report has no room is refused, and drained ones have numbers",
    async () => {
      const { device, session } = await open();
      await using _device = device;
      const { reportCapacity } = device.info;
      assert(reportCapacity >= 1024);
      for (let i = 0; i < reportCapacity; i++) session.step({ frame: frame() });
      assertThrows(() => session.step({ frame: frame() }), RangeError, "call report()");
      const first = await session.report();
      assertEquals([first.firstStep, first.steps], [0, reportCapacity]);
      assertEquals(first.mse.length, reportCapacity * 4);
      await session.step({ frame: frame() });
      const next = await session.report();
      assertEquals([next.firstStep, next.steps], [reportCapacity, 1]);
    },
  );

  await test(name, "an unknown tensor is refused, naming those there are", async () => {
    const { device, session } = await open();
    await using _device = device;
    await assertRejects(
      () => session.read("weights" as "hidden", new Float32Array(1)),
      RangeError,
      "prediction, hidden, error, signal",
    );
    await assertRejects(() => session.read("hidden", new Float32Array(1)), RangeError, "not 1");
  });

  await test(name, "a checkpoint of another model is refused", async () => {
    const { device } = await openDevice(name);
    await using _device = device;
    const other = initialCheckpoint(compilePlan(builtinSpec("tiny")));
    await assertRejects(() => device.load(plan, other), TypeError, "of another model");
  });

  await test(name, "memory stays the same, and a saved state is not the running one", async () => {
    const { device, session } = await open();
    await using _device = device;
    const before = session.memory();
    await session.step({ frame: frame() });
    const saved = await session.save();
    saved.tensors["encoder"]!.fill(NaN);
    await session.step({ frame: frame() });
    assertEquals(session.memory(), before);
    if (name !== "null") {
      assert((await session.save()).tensors["encoder"]!.every((w: number) => !Number.isNaN(w)));
    }
  });
}

for (const name of BACKEND_NAMES.filter((name) => name !== "null")) {
  await test(name, "learn: false leaves what was learned, and steps go on", async () => {
    for (const rule of ["saccade", "2016"] as const) {
      const fields = rule === "saccade" ? { motion: 0 } : {
        normalize_output: true,
        delay_each_layer_learning: 0,
      };
      const plan = compilePlan(builtinSpec("tiny", { rule, fields }));
      const { device } = await openDevice(name, { threads: 2 });
      await using _device = device;
      await using session = await device.load(plan, initialCheckpoint(plan));
      const see = (learn: boolean) => {
        const bytes = Uint8Array.from({ length: frameLength(plan) }, () => 256 * Math.random());
        return session.step({ frame: bytes }, { learn });
      };
      for (let i = 0; i < 4; i++) await see(true);
      const before = await session.save();
      for (let i = 0; i < 3; i++) await see(false);
      const after = await session.save();
      assertEquals([after.step, after.learned], [before.step + 3, before.learned]);
      const kept = /^(en|de)coder|^combiner|^variance$|^power$|imum$/;
      for (const [tensor, values] of Object.entries(before.tensors)) {
        const same = after.tensors[tensor]!.every((v: number, i: number) => v === values[i]);
        assertEquals(same, kept.test(tensor), tensor);
      }
    }
  });

  await test(name, "a checkpoint resumes bit for bit", async () => {
    for (const rule of ["saccade", "2016"] as const) {
      const plan = compilePlan(builtinSpec("tiny", {
        rule,
        fields: rule === "saccade"
          ? { motion: 0 }
          : { predict_two_steps: true, delay_each_layer_learning: 2 },
      }));
      const frames = Array.from(
        { length: 12 },
        (_, n) => Uint8Array.from({ length: frameLength(plan) }, (_, i) => (i * 7 + n * 13) % 256),
      );
      const { device } = await openDevice(name, { threads: 2 });
      await using _device = device;
      await using whole = await device.load(plan, initialCheckpoint(plan));
      await using half = await device.load(plan, initialCheckpoint(plan));
      for (const frame of frames) await whole.step({ frame });
      for (const frame of frames.slice(0, 5)) await half.step({ frame });
      await using rest = await device.load(plan, await half.save());
      for (const frame of frames.slice(5)) await rest.step({ frame });
      assertEquals(await rest.save(), await whole.save());
    }
  });

  await test(name, "a closed device ends its sessions", async () => {
    const { device } = await openDevice(name, { threads: 2 });
    const session = await device.load(plan, initialCheckpoint(plan));
    await device[Symbol.asyncDispose]();
    assertEquals((await device.lost).reason, "destroyed");
    assertThrows(() => session.step({ frame: frame() }), DeviceLostError);
    await assertRejects(() => session.save(), DeviceLostError);
  });
}

Deno.test("running means forget over a thousand steps at most, on every backend", async () => {
  for (const name of ["wasm", "onnx", "reference"]) {
    const { device } = await openDevice(name, { threads: 1 });
    await using _device = device;
    const old = { ...initialCheckpoint(plan), step: 2000, learned: 2000, started: true };
    const tensors = {
      ...old.tensors,
      variance: new Float32Array(old.tensors["variance"]!.length).fill(1),
    };
    await using session = await device.load(plan, { ...old, tensors });
    await session.step({ frame: new Uint8Array(frameLength(plan)) });
    const { variance } = (await session.save()).tensors;
    // Nothing changed, so the mean moves by its least rate, 0.001.
    assert(variance!.every((v: number) => Math.abs(v - 0.999) < 1e-6), `${name}: ${variance![0]}`);
  }
});

Deno.test("the kernels refuse a model past the memory before anything is allocated", async () => {
  const { device } = await openDevice("wasm");
  await using _device = device;
  const huge = compilePlan(builtinSpec("large", { fields: { hidden_block_size: 40, motion: 0 } }));
  const { ok, reasons } = device.accepts(huge);
  assert(!ok && /needs \d+\.\d GiB/.test(reasons[0]!), reasons[0]!);
});
