/** A device that is gone: whatever waits is told, and whatever comes after. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../std_assert.ts";
import { needing } from "../../tests/needs.ts";
import { DeviceLostError } from "../backend.ts";
import { webgpuBackend } from "./backend.ts";
import { Loss } from "./loss.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const frame = new Uint8Array(frameLength(plan)).fill(7);

/** A running model, and the GPU below it. */
async function open() {
  let gpu: GPUDevice | undefined;
  const device = await webgpuBackend({ opened: (opened) => gpu = opened }).open("f32");
  const session = await device.load(plan, initialCheckpoint(plan));
  return { device, session, gpu: gpu! };
}

/** The first of these to be rejected, within seconds. */
async function within<T>(seconds: number, work: PromiseLike<T>): Promise<T> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still waiting after ${seconds} s`)), 1000 * seconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

await needing(
  ["gpu"],
  "a GPU that is destroyed ends its sessions, those that wait as well",
  async () => {
    const { device, session, gpu } = await open();
    for (let i = 0; i < 20; i++) session.step({ frame });
    const waiting = [
      session.report(),
      session.save(),
      session.read("hidden", new Float32Array(30 * 25)),
    ];
    gpu.destroy();
    // What was copied before the end may still come; nothing waits for ever, and nothing else is thrown.
    for (const result of await within(5, Promise.allSettled(waiting))) {
      if (result.status === "rejected") assert(result.reason instanceof DeviceLostError);
    }
    assertEquals((await within(5, device.lost)).reason, "destroyed");
    assertThrows(() => session.step({ frame }), DeviceLostError, "open it again");
    await assertRejects(() => within(1, session.report()), DeviceLostError);
    await assertRejects(() => within(1, session.save()), DeviceLostError);
    await assertRejects(
      () => within(1, session.read("hidden", new Float32Array(750))),
      DeviceLostError,
    );
    await assertRejects(
      () => within(1, device.load(plan, initialCheckpoint(plan))),
      DeviceLostError,
    );
    await within(5, session[Symbol.asyncDispose]());
    await within(5, device[Symbol.asyncDispose]());
  },
);

await needing(
  ["gpu"],
  "a report that is asked for right after the end is not invented",
  async () => {
    const { device, session, gpu } = await open();
    await using _device = device;
    for (let i = 0; i < 3; i++) session.step({ frame });
    gpu.destroy();
    await assertRejects(() => within(5, session.report()), DeviceLostError);
  },
);

await needing(
  ["gpu"],
  "an error of the GPU that nobody asked about ends the device, with its message",
  async () => {
    const { device, session, gpu } = await open();
    gpu.createBuffer({ size: 16, usage: 0 });
    const { reason, message } = await within(5, device.lost);
    assertEquals(reason, "unknown");
    assert(message.startsWith("The GPU failed: "), message);
    assertThrows(() => session.step({ frame }), DeviceLostError, "The GPU failed");
    await device[Symbol.asyncDispose]();
  },
);

await needing(
  ["gpu"],
  "a device can be opened again, with the state that was saved before",
  async () => {
    const first = await open();
    for (let i = 0; i < 5; i++) first.session.step({ frame });
    const saved = await first.session.save();
    first.gpu.destroy();
    await first.device.lost;
    const { device, session } = await open();
    await using _device = device;
    await using again = await device.load(plan, saved);
    again.step({ frame });
    const { firstStep, steps } = await again.report();
    assertEquals([firstStep, steps], [5, 1]);
    await session[Symbol.asyncDispose]();
    assertThrows(() => session.step({ frame }), DeviceLostError, "session is closed");
  },
);

Deno.test("what takes longer than its deadline is a lost device", async () => {
  const loss = new Loss();
  const other = loss.guard(new Promise(() => {}), "something else", 10);
  await assertRejects(
    () => within(5, loss.guard(new Promise(() => {}), "reports", 0.02)),
    DeviceLostError,
    "did not answer within 0.02 s (reports)",
  );
  await assertRejects(() => within(5, other), DeviceLostError);
  assertEquals((await loss.promise).reason, "unknown");
  assertThrows(() => loss.check(), DeviceLostError);
});
