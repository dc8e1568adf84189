import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../std_assert.ts";
import { needing } from "../../tests/needs.ts";
import { DeviceLostError } from "../backend.ts";
import { onnxBackend } from "./backend.ts";
import { publicOrt } from "./public_executor.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const frame = new Uint8Array(frameLength(plan)).fill(7);

Deno.test("open() refuses threads and devices that are not", async () => {
  assertThrows(() => onnxBackend({ threads: 0 }), RangeError, "0 threads");
  await assertRejects(() => onnxBackend().open("npu"), RangeError, `no device "npu"`);
});

Deno.test("accepts() refuses a model that is larger than the memory, before anything is allocated", async () => {
  await using device = await onnxBackend().open("wasm");
  const fields = { hidden_block_size: 40, motion: 0 };
  const { ok, reasons } = device.accepts(compilePlan(builtinSpec("large", { fields })));
  assert(!ok && /needs \d+\.\d GiB/.test(reasons[0]!), reasons[0]);
});

Deno.test("loading leaves the global Worker as it was", async () => {
  const { Worker } = globalThis;
  await using device = await onnxBackend().open("wasm");
  await using _session = await device.load(plan, initialCheckpoint(plan));
  await publicOrt("wasm");
  assertEquals(globalThis.Worker, Worker);
});

Deno.test("any number of threads gives the same bits", async () => {
  const states = [];
  for (const threads of [1, 2]) {
    await using device = await onnxBackend({ threads }).open("wasm");
    await using session = await device.load(plan, initialCheckpoint(plan));
    for (let n = 0; n < 20; n++) session.step({ frame: frame.map((byte, i) => byte + i * n) });
    states.push(await session.save());
  }
  assertEquals(states[1], states[0]);
});

Deno.test("steps that are queued are those that are awaited, and keep their input", async () => {
  const ort = await publicOrt("wasm");
  await using device = await onnxBackend({ ort }).open("wasm");
  await using queued = await device.load(plan, initialCheckpoint(plan));
  await using awaited = await device.load(plan, initialCheckpoint(plan));
  const shared = frame.slice();
  for (let n = 0; n < 6; n++) {
    const input = frame.map((byte, i) => byte + i * n);
    shared.set(input);
    queued.step({ frame: shared });
    await awaited.step({ frame: input });
  }
  shared.fill(0);
  assertEquals((await queued.report()).mse, (await awaited.report()).mse);
  assertEquals(await queued.save(), await awaited.save());
});

await needing(["gpu"], "a GPU that is gone ends its sessions", async () => {
  const device = await onnxBackend().open("webgpu");
  const session = await device.load(plan, initialCheckpoint(plan));
  await session.step({ frame });
  const { env } = await publicOrt("webgpu");
  const gpu = await env.webgpu!.device! as unknown as { destroy(): void };
  gpu.destroy();
  assertEquals((await device.lost).reason, "unknown");
  assertThrows(() => session.step({ frame }), DeviceLostError);
  await assertRejects(() => session.save(), DeviceLostError);
  await assertRejects(() => device.load(plan, initialCheckpoint(plan)), DeviceLostError);
  await device[Symbol.asyncDispose]();
});
