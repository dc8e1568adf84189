/** A model that is pruned while it runs. */
import { densityOf, prune } from "../compress/prune.ts";
import { builtinSpec } from "../model/builtin.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { SpecError } from "../model/parse_spec.ts";
import { DEFAULT_BLOCKS, gradualDensity } from "../model/pruning_schedule.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { loadCheckpoint } from "./checkpoint_store.ts";
import { startPruning } from "./gradual_pruning.ts";
import type { Report } from "./report.ts";
import type { Lost } from "./running.ts";
import { run, type RunOptions } from "./runtime.ts";

const spec = builtinSpec("tiny", { fields: { motion: 0 } });
const plan = compilePlan(spec);
const pruning = { density: 0.2, steps: 20 };

/** Everything that a run says, and what it saves. */
async function all(options: Partial<RunOptions>) {
  const [reports, losses, said]: [Report[], Lost[], string[]] = [[], [], []];
  const save = await Deno.makeTempFile();
  try {
    await using source = openScene({ size: plan.frame });
    const told: RunOptions = {
      spec,
      source,
      backend: "reference",
      meter: null,
      save,
      lost: (record) => losses.push(record),
      warn: (sentence) => said.push(sentence),
      note: (sentence) => said.push(sentence),
      ...options,
    };
    for await (const report of run(told)) reports.push(report);
    const bytes = await Deno.readFile(save);
    return { reports, losses, said, bytes, stored: await loadCheckpoint(save) };
  } finally {
    await Deno.remove(save);
  }
}

Deno.test("a run prunes on the way: its records and its checkpoint have the density", async () => {
  const { reports, stored, said } = await all({ pruning, steps: 30, window: 1 });
  const densities = reports.map(({ density }) => density);
  assertEquals(densities[0], 1);
  assert(densities.every((density, i) => i === 0 || density <= densities[i - 1]!));
  // After the first step the first is due, and after the 20th the last.
  for (const [made, density] of densities.entries()) {
    assert(Math.abs(density - gradualDensity(0.2, Math.min(made, 20) / 20)) < 1e-2, `${made}`);
  }
  assertEquals(densityOf(planOf(stored)), densities.at(-1));
  assertEquals(reports.map(({ step }) => step).slice(-3), [29, 30, 30]);
  assert(reports.every(({ mse }) => mse.frame !== null));
  assertEquals([stored.pruning?.made, stored.checkpoint.learned, said], [21, 28, []]);
});

Deno.test("a run that ends meanwhile goes on when it is resumed, as if it had not ended", async () => {
  const whole = await all({ pruning, steps: 30 });
  const half = await all({ pruning, steps: 11 });
  assertEquals(half.stored.pruning, {
    ...{ density: 0.2, blocks: DEFAULT_BLOCKS, scope: "global" },
    ...{ from: 1, steps: 20, made: 11 },
  });
  for (const again of [undefined, { density: 0.2 }]) {
    const rest = await all({
      resume: half.stored,
      steps: 19,
      ...(again === undefined ? {} : { pruning: again }),
    });
    assertEquals(rest.bytes, whole.bytes);
    const [said, ...more] = rest.said;
    assertEquals(more, []);
    assert(/^the pruning goes on: 11 of 20 steps made, (29|30)\.\d % of the/.test(said!), said);
  }
});

Deno.test("a run that only predicts is pruned when it learns again", async () => {
  const half = await all({ pruning, steps: 11 });
  const still = await all({ resume: half.stored, steps: 9, learn: false });
  assertEquals([still.stored.pruning, still.stored.mask], [half.stored.pruning, half.stored.mask]);
});

Deno.test("a device that is lost costs the prunings since the last checkpoint, no more", async () => {
  const backend = new URL("../tests/fragile_backend.ts?n=pruned&after=4", import.meta.url).href;
  const few = { density: 0.2, steps: 3 };
  const { losses, stored } = await all({ backend, pruning: few, steps: 10, window: 1 });
  // Each session of that device makes four steps more: it is opened with every pruning.
  assertEquals(losses.map(({ step }) => step), [0]);
  assertEquals([stored.checkpoint.step, stored.pruning?.made], [10, 4]);
  assert(Math.abs(densityOf(planOf(stored)) - 0.2) < 1e-2);
});

Deno.test("startPruning() tells what goes on, what is new, and what is finished", () => {
  const checkpoint = initialCheckpoint(plan);
  const begun = {
    ...{ density: 0.5, blocks: { rows: 4, columns: 1 }, scope: "layer" as const },
    ...{ from: 1, steps: 30, made: 31 },
  };
  const half = prune(plan, checkpoint, { density: 0.5 });
  const resume: StoredCheckpoint = {
    spec: { ...spec },
    checkpoint: half.checkpoint,
    sourceFrames: 0,
    mask: half.plan.mask,
    pruning: begun,
  };
  assertEquals(startPruning(plan, {}), {});
  assertEquals(startPruning(half.plan, { resume }), { schedule: begun });
  const finished = startPruning(half.plan, { resume, pruning: { density: 0.5 } });
  assertEquals(finished.note, "the pruning is finished: 50.0 % of the weights are left");
  const { from, ...next } = startPruning(half.plan, {
    resume,
    pruning: { density: 0.1, scope: "layer" },
    steps: 100,
  }).schedule!;
  assertEquals(next, {
    ...{ density: 0.1, blocks: DEFAULT_BLOCKS, scope: "layer" },
    ...{ steps: 75, made: 0 },
  });
  assert(Math.abs(from - 0.5) < 1e-3);
  const { mask } = resume;
  const without = { resume: { ...resume, mask: mask!, pruning: { ...begun, density: 0.3 } } };
  const nothing = startPruning(half.plan, { ...without, pruning: { density: 0.6 } });
  assertEquals(
    nothing,
    { note: "nothing is left to prune: 50.0 % of the weights are there, 60.0 % were to be kept" },
  );
  assertEquals(startPruning(plan, { pruning: { density: 0.1 } }).schedule?.steps, 5000);
  assertThrows(
    () => startPruning(plan, { pruning: { density: 0.1, blocks: { rows: 99, columns: 1 } } }),
    SpecError,
    "cannot be pruned like that: Blocks of 99x1 do not fit",
  );
});
