/** A model made smaller. */
import { densityOf } from "../compress/prune.ts";
import { builtinSpec } from "../model/builtin.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { gradualDensity } from "../model/pruning_schedule.ts";
import { checkState } from "../model/state.ts";
import { openScene } from "../sources/synthetic.ts";
import { SourceError } from "../sources/source.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { compress, type CompressOptions } from "./compression.ts";

const spec = { ...builtinSpec("tiny", { fields: { motion: 0 } }) };
const checkpoint = initialCheckpoint(planOf({ spec }));
const stored: StoredCheckpoint = { spec, checkpoint, sourceFrames: 7 };
const scene = (frames = Infinity) =>
  openScene({ size: { width: 20, height: 20 }, ...(frames < Infinity ? { frames } : {}) });
const backend = "reference";

async function taught(options: CompressOptions, steps: number, gradual: boolean) {
  await using source = scene();
  const made: [number, number][] = [];
  const saved: [number, boolean][] = [];
  const result = await compress(stored, {
    ...options,
    retraining: { source, steps, gradual, backend },
    made: (step, density) => made.push([step, density]),
    save: (stored, last) => {
      saved.push([densityOf(planOf(stored)), last]);
      return Promise.resolve();
    },
  });
  return { result, made, saved };
}

Deno.test("a gradual schedule prunes in steps until three quarters, and saves after each", async () => {
  const pruning = { density: 0.1 };
  const { result, made, saved } = await taught({ format: "i8", pruning }, 40, true);
  assertEquals(made.map(([step]) => step), Array.from({ length: 40 }, (_, i) => i + 1));
  const densities = made.map(([, density]) => density);
  assert(densities.every((density, i) => i === 0 || density <= densities[i - 1]!));
  // What has learned nothing yet has nothing to choose from.
  assertEquals(densities.slice(0, 3), [1, 1, gradualDensity(0.1, 2 / 30)]);
  assertEquals(densities.slice(30), Array(10).fill(0.1));
  assert(densities[29]! > 0.1);
  assertEquals(saved.length, 21);
  assertEquals(saved.map(([, last]) => last), [...Array(20).fill(false), true]);
  assert(saved.every(([density], i) => i === 0 || density <= saved[i - 1]![0]));
  assert(new Set(saved.map(([density]) => density)).size >= 20);
  assert(Math.abs(densityOf(planOf(result.stored)) - 0.1) < 1e-3);
  const { step, learned } = result.stored.checkpoint;
  assertEquals([step, learned, result.stored.sourceFrames], [40, 38, 7]);
  assertEquals(result.stored.spec["format"], "i8");
});

Deno.test("at once is before the first step; without teaching nothing is learned", async () => {
  const pruning = { density: 0.3 };
  const { made, saved } = await taught({ pruning }, 5, false);
  assertEquals(made.map(([, density]) => density), Array(5).fill(0.3));
  assertEquals(saved.length, 1);
  const { stored: still } = await compress(stored, { format: "bf16", pruning });
  assertEquals(still.checkpoint.step, 0);
});

Deno.test("contexts are listened to, and those that add least go before the rest is pruned", async () => {
  const { result: { stored: some }, saved } = await taught({ contexts: 0.5 }, 20, true);
  const all = planOf(stored).contextKind.length;
  const cut = planOf(some);
  assertEquals([saved.length, some.checkpoint.step], [2, 20]);
  assert(cut.contextKind.length > 0 && cut.contextKind.length <= all - Math.round(all / 2));
  assertEquals(some.contexts?.length, all);
  checkState(cut, some.checkpoint);
  // A second time, from what is left; what loses all its weights goes, too.
  await using source = scene();
  const again = await compress(some, {
    format: "i16",
    contexts: 0.2,
    pruning: { density: 0.02, scope: "global" },
    retraining: { source, steps: 40, backend },
  });
  const least = planOf(again.stored);
  assert(least.contextKind.length < Math.round(0.8 * cut.contextKind.length));
  assert(again.stored.contexts!.every((bit, i) => bit === 0 || some.contexts![i] === 1));
  checkState(least, again.stored.checkpoint);
  const refused = (contexts: number, steps: number) => () =>
    compress(stored, { contexts, retraining: { source, steps, backend } });
  await assertRejects(refused(2, 9), RangeError, "from 0 to 1");
  await assertRejects(refused(0.5, 3), RangeError, "3 are too few");
});

Deno.test("a source that ends is refused, and so is nonsense before the teaching", async () => {
  await using source = scene(12);
  await assertRejects(
    () => compress(stored, { retraining: { source, steps: 30, backend } }),
    SourceError,
    "ended after 12 frames",
  );
  await using other = scene();
  const made = () => assert(false, "it was taught");
  const pruning = { density: 0 };
  await assertRejects(
    () => compress(stored, { pruning, made, retraining: { source: other, steps: 3, backend } }),
    RangeError,
    "above 0",
  );
});
