/** A model tried on some frames. */
import { openDevice } from "../backends/registry.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength } from "../model/plan.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import type { Meter, Work } from "../meters/meter.ts";
import { openModelled } from "../meters/modelled.ts";
import { openMeter } from "../meters/open.ts";
import { DirectFeed } from "./feed.ts";
import { tryModel } from "./trial.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 2 } }));
const size = { width: 20, height: 20 };

async function trial(
  learn: boolean,
  steps: number,
  options: { frames?: number; meter?: Meter | null; onStep?: (step: number) => void } = {},
) {
  const { frames, meter = null, onStep } = options;
  const { device } = await openDevice("wasm", { threads: 1 });
  await using _device = device;
  await using session = await device.load(plan, initialCheckpoint(plan));
  await using source = openScene({ size, ...(frames === undefined ? {} : { frames }) });
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: 2, skip: 0 });
  const made: number[] = [];
  const noted = (step: number) => {
    made.push(step);
    onStep?.(step);
  };
  const result = await tryModel({ plan, session, feed, steps, learn, meter, made: noted });
  return { result, saved: await session.save(), made, weights: session.memory().weights };
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
  assert(result.stepsPerSecond! > 0);
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
  const { result, saved } = await trial(false, 50, { frames: 12 });
  assertEquals([result.steps, saved.learned], [12, 0]);
  assertEquals(saved.tensors["decoder"], initialCheckpoint(plan).tensors["decoder"]);
  assertEquals(saved.tensors["frame"]!.length, frameLength(plan));
});

Deno.test("a trial tells its meter of all that was done, learning or not", async () => {
  for (const learn of [true, false]) {
    const told: Work[] = [];
    const modelled = openModelled();
    const meter: Meter = {
      ...{ method: "modelled", source: "a publication", scope: "all" },
      start: () => modelled.start(),
      lap: (work) => (told.push(work), modelled.lap(work)),
    };
    // More steps than are drained at once.
    const { result, weights } = await trial(learn, 600, { meter });
    assertEquals(told.length, 1);
    const { macs, bytesRead, bytesWritten, weightBytes } = told[0]!;
    assertEquals(weightBytes, weights);
    // Every weight in every step; a few numbers beside the weights are read when they are needed.
    assertAlmostEquals(bytesRead / (600 * weights), 1, 1e-3);
    // Nothing is learned from the first two frames.
    assertEquals(bytesWritten, learn ? bytesRead * 598 / 600 : 0);
    assert(macs > 0);
    assertEquals(result.energy, await modelled.lap(told[0]!));
  }
});

Deno.test("a trial is measured by the counters of the machine, where there are any", async () => {
  const root = await Deno.makeTempDir();
  const folder = `${root}/intel-rapl:0`;
  await Deno.mkdir(folder);
  const set = (name: string, value: string) => Deno.writeTextFileSync(`${folder}/${name}`, value);
  set("name", "package-0\n");
  set("max_energy_range_uj", "1000000000\n");
  set("energy_uj", "5000000\n");
  const onStep = (step: number) => set("energy_uj", `${5e6 + 250_000 * step}\n`);
  const { result } = await trial(false, 8, { meter: await openMeter({ rapl: { root } }), onStep });
  const { method, source, joules } = result.energy!;
  assertEquals([method, source, joules], ["measured", "RAPL package-0", 2]);
  // A counter that is gone in the middle leaves nothing to say.
  const meter = await openMeter({ rapl: { root } });
  const gone = await trial(false, 8, {
    meter,
    onStep: (step) => step === 4 && Deno.removeSync(root, { recursive: true }),
  });
  assertEquals(gone.result.energy, null);
});

Deno.test("the energy of a trial without a meter, or without a step, is unknown", async () => {
  assertEquals((await trial(false, 5)).result.energy, null);
  const { result } = await trial(false, 0, { meter: openModelled() });
  assertEquals([result.energy, result.stepsPerSecond], [null, null]);
});
