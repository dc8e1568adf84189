/** What becomes of a run whose device is lost. */
import { DeviceLostError } from "../backends/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { loadCheckpoint } from "./checkpoint_store.ts";
import type { Report } from "./report.ts";
import type { Lost } from "./running.ts";
import { run, type RunOptions } from "./runtime.ts";

const spec = builtinSpec("tiny", { fields: { motion: 0 } });
const size = { width: 20, height: 20 };
let number = 0;

/** A backend of its own, told how it fails. */
function fragile(how: string): string {
  return new URL(`../tests/fragile_backend.ts?n=${number++}&${how}`, import.meta.url).href;
}

/** Everything that a run says. */
async function all(
  backend: string,
  options: Partial<RunOptions>,
): Promise<{ reports: Report[]; losses: Lost[]; warnings: string[] }> {
  const [reports, losses, warnings]: [Report[], Lost[], string[]] = [[], [], []];
  await using source = openScene({ size });
  const told: RunOptions = {
    spec,
    source,
    backend,
    meter: null,
    lost: (record) => losses.push(record),
    warn: (sentence) => warnings.push(sentence),
    ...options,
  };
  for await (const report of run(told)) reports.push(report);
  return { reports, losses, warnings };
}

Deno.test("a run whose device is lost begins again where it began, and makes all its steps", async () => {
  const { reports, losses, warnings } = await all(fragile("after=7"), { steps: 10, window: 5 });
  assertEquals(losses, [
    { kind: "lost", step: 0, lostSteps: 7, losses: 1, message: "The device fell off" },
  ]);
  assertEquals(warnings, [
    "The device fell off; the run goes on from step 0, 7 steps are lost",
  ]);
  // Two of the first seven were never reported: nobody knows their errors, so they are not counted.
  assertEquals(reports.map(({ kind, step, steps }) => [kind, step, steps]), [
    ["window", 5, 5],
    ["window", 5, 5],
    ["window", 10, 5],
    ["summary", 10, 15],
  ]);
  assert(reports.every(({ mse }) => mse.frame !== null && Number.isFinite(mse.frame)));
});

Deno.test("a lost device costs the steps since the last checkpoint, no more", async () => {
  const save = await Deno.makeTempFile();
  try {
    const { losses, reports } = await all(fragile("after=17"), {
      steps: 20,
      save,
      checkpointEvery: { steps: 5 },
    });
    // Which is the last depends on how long a write takes; the first at least is there.
    const [{ step, lostSteps }] = losses as [Lost];
    assert(step >= 5 && step <= 17, `${step}`);
    assertEquals([losses.length, lostSteps], [1, 17 - step]);
    assertEquals(reports.at(-1)!.step, 20);
    const { checkpoint, sourceFrames } = await loadCheckpoint(save);
    // The frame of the step that was refused and those of the steps that are lost were seen.
    assertEquals([checkpoint.step, sourceFrames], [20, 21 + lostSteps]);
  } finally {
    await Deno.remove(save);
  }
});

Deno.test("a resumed run goes back to what it resumed", async () => {
  const save = await Deno.makeTempFile();
  try {
    await all("reference", { steps: 6, save });
    const resume = await loadCheckpoint(save);
    const { losses, reports } = await all(fragile("after=4"), { steps: 10, resume });
    assertEquals(losses.map(({ step, lostSteps }) => [step, lostSteps]), [[6, 4]]);
    assertEquals(reports.at(-1)!.step, 16);
  } finally {
    await Deno.remove(save);
  }
});

Deno.test("a run gives up when its device is lost again and again, and comes no further", async () => {
  const losses: Lost[] = [];
  await assertRejects(
    () =>
      all(fragile("after=4&times=99"), {
        steps: 10,
        window: 2,
        lost: (record) => losses.push(record),
      }),
    DeviceLostError,
    "The device was lost 4 times and came no further than step 4",
  );
  assertEquals(losses.length, 3);
});

Deno.test("losses with progress between them are survived, however many", async () => {
  const save = await Deno.makeTempFile();
  try {
    const { losses, reports } = await all(fragile("after=4&times=8"), {
      steps: 30,
      window: 1,
      save,
      checkpointEvery: { steps: 1 },
    });
    assertEquals(losses.length, 8);
    assertEquals(reports.at(-1)!.step, 30);
  } finally {
    await Deno.remove(save);
  }
});

Deno.test("a run ends when its device cannot be opened again", async () => {
  await assertRejects(
    () => all(fragile("after=3&open=1"), { steps: 10 }),
    DeviceLostError,
    "cannot be opened again: there is no device any more",
  );
});
