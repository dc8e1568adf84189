import { openDevice } from "../backends/registry.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { offsetsOf } from "../model/plan.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import { Signals } from "./signals.ts";

Deno.test("Signals adds the mean squared change of each layer above the first", async () => {
  const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
  const { device } = await openDevice("reference");
  await using _device = device;
  await using session = await device.load(plan, initialCheckpoint(plan));
  await using source = openScene({ size: plan.frame });
  const signals = new Signals(plan);
  const { signal } = offsetsOf(plan);
  assertEquals(signals.lengths.reduce((a, b) => a + b), signal.at(-1));
  const read = async () => {
    const values = new Float32Array(signal.at(-1)!);
    await session.read("signal", values);
    return values;
  };
  const frame = new Uint8Array(plan.frame.width * plan.frame.height * 3);
  let before = new Float32Array(signal.at(-1)!);
  for (let step = 0; step < 4; step++) {
    await source.next(frame);
    await session.step({ frame });
    const sums = new Float64Array(signals.lengths.length).fill(1);
    await signals.add(session, sums);
    const now = await read();
    assertEquals(sums[0], 1);
    for (let layer = 1; layer < sums.length; layer++) {
      const [begin, end] = [0, 1].map((i) => signal[plan.layerStart[layer + i]!]!);
      const changes = now.map((value, i) => (value - before[i]!) ** 2).slice(begin, end);
      const mean = changes.reduce((a, b) => a + b) / changes.length;
      assertAlmostEquals(sums[layer]! - 1, mean, 1e-6);
      if (step > 1) assert(mean > 0, `layer ${layer}`);
    }
    before = now;
  }
});
