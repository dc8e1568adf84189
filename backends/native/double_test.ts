/** What a library of whole models may say, by one that computes nothing. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { compileC, DOUBLE } from "../../tests/compile_c.ts";
import { needing } from "../../tests/needs.ts";
import { Folder } from "../../tests/program.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../std_assert.ts";
import { DeviceLostError, type Session } from "../backend.ts";
import { nativeBackend } from "./backend.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const frame = new Uint8Array(frameLength(plan)).fill(51);

function double(
  what: string,
  defines: Readonly<Record<string, string | number>>,
  test: (path: string) => Promise<void>,
): Promise<void> {
  return needing(["cc"], `a library of whole models: ${what}`, async () => {
    await using folder = new Folder();
    await test(await compileC(DOUBLE, folder.file("lib.so"), { defines }));
  });
}

const open = async (path: string) => await (await nativeBackend(path)).open("0");

await double("what it says of its device is what there is", {}, async (path) => {
  const backend = await nativeBackend(path);
  assertEquals(backend.name, "double");
  assertEquals(await backend.probe(), [{
    id: "0",
    kind: "npu",
    description: "computes nothing",
    formats: ["f32"],
    deterministic: false,
    maxInFlight: 1,
    reportCapacity: 1024,
  }]);
  await assertRejects(() => backend.open("1"), RangeError, 'no device "1": there are 0');
  await using device = await open(path);
  assertEquals(device.energy, undefined);
});

await double("every reason of a refusal is told", { REFUSALS: "One.\nTwo." }, async (path) => {
  await using device = await open(path);
  assertEquals(device.accepts(plan), { ok: false, reasons: ["One.", "Two."] });
});

await double("its errors are of the class that the header says", {}, async (path) => {
  await using device = await open(path);
  await using _first = await device.load(plan, initialCheckpoint(plan));
  await assertRejects(
    () => device.load(plan, initialCheckpoint(plan)),
    RangeError,
    "There is room for one session",
  );
});

await double("frames of every kind arrive", {}, async (path) => {
  await using device = await open(path);
  await using session = await device.load(plan, initialCheckpoint(plan));
  const into = new Float64Array(plan.inputs.length * plan.hidden);
  const shared = new Uint8Array(new SharedArrayBuffer(frame.length)).fill(51);
  for (
    const frame of [
      new Uint8Array(shared.length).fill(51),
      shared,
      new Float32Array(shared.length).fill(0.2),
      new Float64Array(shared.length).fill(0.2),
    ]
  ) {
    session.step({ frame });
    await session.read("hidden", into);
    assertEquals(into[0], Math.fround(0.2));
  }
  assertEquals((await session.report()).steps, 4);
});

await double("the joules of its device", { WITH_ENERGY: 1 }, async (path) => {
  await using device = await open(path);
  assertEquals(await device.energy!(), { joules: 1.5, scope: "the whole board" });
});

await double("a device that is lost ends its sessions at once", { LOST_AT: 2 }, async (path) => {
  const device = await open(path);
  const session: Session = await device.load(plan, initialCheckpoint(plan));
  for (let i = 0; i < 2; i++) session.step({ frame });
  assertThrows(() => session.step({ frame }), DeviceLostError, "The device fell off the bus");
  assertEquals(await device.lost, { reason: "unknown", message: "The device fell off the bus" });
  assertThrows(() => session.step({ frame }), DeviceLostError);
  await assertRejects(() => session.save(), DeviceLostError);
  await assertRejects(() => session.report(), DeviceLostError);
  await device[Symbol.asyncDispose]();
  assert(await device.lost.then(({ reason }) => reason === "unknown"));
});
