/** A model tried on some frames. */
import { openDevice } from "../backends/registry.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength } from "../model/plan.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import { DirectFeed } from "./feed.ts";
import { tryModel } from "./trial.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 2 } }));
const size = { width: 20, height: 20 };

async function trial(learn: boolean, steps: number, frames?: number) {
  const { device } = await openDevice("wasm", { threads: 1 });
  await using _device = device;
  await using session = await device.load(plan, initialCheckpoint(plan));
  await using source = openScene({ size, ...(frames === undefined ? {} : { frames }) });
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: 2, skip: 0 });
  const made: number[] = [];
  const result = await tryModel({ plan, session, feed, steps, learn, made: (n) => made.push(n) });
  return { result, saved: await session.save(), made };
}

Deno.test("a trial scores every layer beside copying, without the first two steps", async () => {
  const { result, made } = await trial(true, 20);
  assertEquals([result.steps, result.errors.length, made.length, made.at(-1)], [20, 20, 20, 20]);
  assertEquals(result.layers.length, 4);
  const mean = (values: readonly number[]) => values.slice(2).reduce((a, b) => a + b, 0) / 18;
  const [ground, ...above] = result.layers;
  assertAlmostEquals(ground!.mse!, mean(result.errors), 1e-12);
  assertAlmostEquals(ground!.copyLast!, mean(result.copies), 1e-12);
  assertAlmostEquals(ground!.skill!, 1 - ground!.mse! / ground!.copyLast!, 1e-12);
  for (const { mse, copyLast, skill } of above) {
    assert(mse! > 0 && copyLast! > 0 && skill! < 1, `${mse} ${copyLast} ${skill}`);
  }
  assert(result.seconds > 0);
});

Deno.test("what copying costs a layer above is the change of what it predicts", async () => {
  const { device } = await openDevice("reference");
  await using _device = device;
  await using session = await device.load(plan, initialCheckpoint(plan));
  await using source = openScene({ size });
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: 2, skip: 0 });
  const first = await tryModel({ plan, session, feed, steps: 2, learn: true });
  assertEquals(first.layers[1], { mse: null, copyLast: null, skill: null });
  const before = await session.save();
  const three = await tryModel({ plan, session, feed, steps: 3, learn: true });
  const after = await session.save();
  assert(three.layers[1]!.copyLast! > 0 && before.step + 3 === after.step);
});

Deno.test("a frozen trial leaves what was learned, and ends where the frames end", async () => {
  const { result, saved } = await trial(false, 50, 12);
  assertEquals([result.steps, saved.learned], [12, 0]);
  assertEquals(saved.tensors["decoder"], initialCheckpoint(plan).tensors["decoder"]);
  assertEquals(saved.tensors["frame"]!.length, frameLength(plan));
});
