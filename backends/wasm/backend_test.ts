import { assert, assertEquals } from "../../std_assert.ts";
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength } from "../../model/plan.ts";
import { wasmBackend } from "./backend.ts";

Deno.test("without shared memory one thread is what there is, and it says why", async () => {
  const shared = globalThis.SharedArrayBuffer;
  // As in a page that is not cross-origin isolated.
  Reflect.deleteProperty(globalThis, "SharedArrayBuffer");
  try {
    const backend = wasmBackend({ threads: 4 });
    const [info, ...others] = await backend.probe();
    assertEquals([info?.id, others], ["single", []]);
    assert(info!.description.includes("one thread: no shared memory"), info!.description);
    const plan = compilePlan(builtinSpec("tiny"));
    await using device = await backend.open("single");
    await using session = await device.load(plan, initialCheckpoint(plan));
    session.step({
      frame: new Uint8Array(frameLength(plan)),
      external: new Float32Array(plan.external.motion),
    });
    assertEquals((await session.report()).steps, 1);
  } finally {
    globalThis.SharedArrayBuffer = shared;
  }
});
