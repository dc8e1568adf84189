import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { needing } from "../tests/needs.ts";
import { exportOnnx } from "./onnx/export.ts";
import { openDevice } from "./registry.ts";
import { skipRefusal } from "./skip_refusal.ts";

const PLAN = compilePlan(builtinSpec("tiny", { fields: { skip_below: [1e-5, 0] } }));

Deno.test("skipRefusal() has nothing against a plan whose units always learn", () => {
  assertEquals(skipRefusal(compilePlan(builtinSpec("tiny"))), []);
});

for (const name of ["native", "webgpu", "onnx"]) {
  const refuses = async () => {
    const { device } = await openDevice(name);
    await using _device = device;
    const { ok, reasons } = device.accepts(PLAN);
    assert(!ok);
    assertEquals(reasons, skipRefusal(PLAN));
    await assertRejects(
      async () => await device.load(PLAN, initialCheckpoint(PLAN)),
      Error,
      '"skip_below"',
    );
  };
  if (name === "native") await needing([name], `${name} refuses units that skip learning`, refuses);
  else if (name === "webgpu") {
    await needing(["gpu"], `${name} refuses units that skip learning`, refuses);
  } else Deno.test(`${name} refuses units that skip learning`, refuses);
}

Deno.test("exportOnnx() refuses units that skip learning only where the graph learns", async () => {
  const checkpoint = initialCheckpoint(PLAN);
  assert((await exportOnnx(PLAN, checkpoint, "inference")).length > 0);
  await assertRejects(() => exportOnnx(PLAN, checkpoint, "training"), TypeError, '"skip_below"');
});
