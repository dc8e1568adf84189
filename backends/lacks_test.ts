import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import type { Plan } from "../model/plan.ts";
import { NARROW_FORMATS } from "../model/weight_format.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { needing } from "../tests/needs.ts";
import type { Device } from "./backend.ts";
import { type Abilities, lacks } from "./lacks.ts";
import { exportOnnx } from "./onnx/export.ts";
import { BACKEND_NAMES, openDevice } from "./registry.ts";

const tiny = (fields: Record<string, unknown> = {}) =>
  compilePlan(builtinSpec("tiny", { fields: { motion: 0, ...fields } }));
const PLAIN = tiny();
const SHIFT = tiny({ shift_radius: 2 });
const SKIPPING = tiny({ skip_below: [1e-5, 0] });
const DELAYED: Plan = { ...PLAIN, maxDelay: 3 };
const PRUNED: Plan = {
  ...PLAIN,
  mask: { encoder: new Uint8Array(1), decoder: new Uint8Array(1) },
};
const NARROW: Plan = { ...PLAIN, format: "i8" };

/** What a plan asks for, what gives it, and what is said without. */
const CASES: readonly [plan: Plan, has: Abilities, says: string][] = [
  [NARROW, { formats: ["f32", "i8"] }, "The plan's weights are i8; this backend has f32 alone"],
  [DELAYED, { delays: true }, "The plan has delays of up to 3 steps; this backend keeps one"],
  [PRUNED, { masks: true }, "The plan is pruned; this backend has no masks"],
  [SHIFT, { shift: true }, "The plan has shift candidates, which this backend cannot make: use"],
  [
    SKIPPING,
    { skipping: true },
    "The plan has units that skip learning, and those of this backend",
  ],
];

Deno.test("lacks() has nothing against what every backend has", () => {
  assertEquals(lacks(PLAIN), []);
});

for (const [plan, has, says] of CASES) {
  Deno.test(`lacks() says "${says}" to whom it concerns`, () => {
    const [reason, ...more] = lacks(plan);
    assert(reason!.startsWith(says), reason);
    assertEquals(more, []);
    assertEquals(lacks(plan, has), []);
  });
}

Deno.test("lacks() has a sentence for each thing, and names whose it is", () => {
  const { skipBelow } = SKIPPING;
  const { mask } = PRUNED;
  const all: Plan = { ...SHIFT, skipBelow: skipBelow!, mask: mask!, maxDelay: 3, format: "i8" };
  assertEquals(lacks(all).length, 5);
  const said = lacks(all, { formats: ["f32", "f16"], who: "the engine" });
  assert(said.every((reason) => reason.includes("the engine")), said.join("; "));
  assert(said[0]!.includes("has f32, f16: take another backend"), said[0]);
});

/** What a backend has to be asked on. */
const needsOf = (name: string) =>
  name === "webgpu" ? ["gpu"] as const : name === "native" ? ["native"] as const : [];

/** Checks that a device refuses a plan for one reason, in both places. */
async function refuses(device: Device, plan: Plan, says: string): Promise<void> {
  const { ok, reasons } = device.accepts(plan);
  assert(!ok, says);
  assertEquals(reasons.length, 1, reasons.join("; "));
  assert(reasons[0]!.includes(says), reasons[0]);
  await assertRejects(async () => await device.load(plan, initialCheckpoint(plan)), Error, says);
}

for (const name of BACKEND_NAMES.filter((name) => name !== "null")) {
  await needing(
    needsOf(name),
    `${name} takes narrow weights or says that it does not`,
    async () => {
      const { device } = await openDevice(name);
      await using _device = device;
      for (const format of NARROW_FORMATS) {
        const plan: Plan = { ...PLAIN, format };
        const has = name === "reference" || name === "wasm";
        if (!has) await refuses(device, plan, `weights are ${format}`);
        else {
          assert(device.accepts(plan).ok, format);
          assert(device.info.formats.includes(format), format);
        }
      }
    },
  );
}

for (const name of ["native", "webgpu", "onnx"]) {
  await needing(needsOf(name), `${name} refuses a shift candidate`, async () => {
    const { device } = await openDevice(name);
    await using _device = device;
    await refuses(device, SHIFT, '"shift_radius"');
  });
}

for (const name of ["native", "webgpu", "onnx"]) {
  await needing(needsOf(name), `${name} refuses units that skip learning`, async () => {
    const { device } = await openDevice(name);
    await using _device = device;
    await refuses(device, SKIPPING, '"skip_below"');
  });
}

Deno.test("exportOnnx() refuses shift candidates", async () => {
  await assertRejects(
    () => exportOnnx(SHIFT, initialCheckpoint(SHIFT), "inference"),
    TypeError,
    '"shift_radius"',
  );
});

Deno.test("exportOnnx() refuses units that skip learning only where the graph learns", async () => {
  const checkpoint = initialCheckpoint(SKIPPING);
  assert((await exportOnnx(SKIPPING, checkpoint, "inference")).length > 0);
  await assertRejects(
    () => exportOnnx(SKIPPING, checkpoint, "training"),
    TypeError,
    '"skip_below"',
  );
});
