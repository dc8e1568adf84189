import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { needing } from "../tests/needs.ts";
import { exportOnnx } from "./onnx/export.ts";
import { openDevice } from "./registry.ts";
import { shiftRefusal } from "./shift_refusal.ts";

const PLAN = compilePlan(builtinSpec("tiny", { fields: { motion: 0, shift_radius: 2 } }));

Deno.test("shiftRefusal() has nothing against a plan without a shift candidate", () => {
  assertEquals(shiftRefusal(compilePlan(builtinSpec("tiny"))), []);
});

for (const name of ["native", "webgpu", "onnx"]) {
  const refuses = async () => {
    const { device } = await openDevice(name);
    await using _device = device;
    const { ok, reasons } = device.accepts(PLAN);
    assert(!ok);
    assertEquals(reasons, shiftRefusal(PLAN));
    await assertRejects(
      async () => await device.load(PLAN, initialCheckpoint(PLAN)),
      Error,
      '"shift_radius"',
    );
  };
  if (name === "native") await needing([name], `${name} refuses a shift candidate`, refuses);
  else if (name === "webgpu") await needing(["gpu"], `${name} refuses a shift candidate`, refuses);
  else Deno.test(`${name} refuses a shift candidate`, refuses);
}

Deno.test("exportOnnx() refuses shift candidates", async () => {
  await assertRejects(
    () => exportOnnx(PLAN, initialCheckpoint(PLAN), "inference"),
    TypeError,
    '"shift_radius"',
  );
});
