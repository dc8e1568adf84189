import { assertEquals } from "../../std_assert.ts";
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { wasmBackend } from "./backend.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const frames = Array.from(
  { length: 400 },
  (_, n) => Uint8Array.from({ length: frameLength(plan) }, (_, i) => (i * 7 + n * 13) % 256),
);

async function states(threads: number, id: string) {
  await using device = await wasmBackend({ threads }).open(id);
  await using session = await device.load(plan, initialCheckpoint(plan));
  for (const frame of frames) {
    // Threads join while steps go on: a turn now and then lets them start.
    if (frame === frames[100]) await new Promise((resolve) => setTimeout(resolve, 200));
    session.step({ frame });
  }
  return await session.save();
}

for (const threads of [2, 3, 8]) {
  Deno.test(`${threads} threads compute what one does, bit for bit`, async () => {
    for (const id of ["relaxed", "strict"]) {
      assertEquals(await states(threads, id), await states(1, id));
    }
  });
}

Deno.test("plain SIMD has the same bits with and without shared memory", async () => {
  assertEquals(await states(2, "strict"), await states(1, "single"));
});
