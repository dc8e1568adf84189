/** Units that skip, in what the conformance kit does not combine with them: narrow weights and deferred updates. */
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { unitCount } from "../../model/plan.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { ALL_LEARN, inputs } from "../../tests/agreement.ts";
import { wasmBackend } from "./backend.ts";

const STEPS = 24;

for (
  const [label, rule, fields] of [
    ["i8", "saccade", { format: "i8" }],
    ["bf16, deferred", "saccade", { format: "bf16", defer: 4 }],
    ["deferred", "2016", { ...ALL_LEARN, initial_learning_rate: 0.02, defer: 4 }],
  ] as const
) {
  Deno.test(`units skip and resume bit for bit: rule ${rule}, ${label}`, async () => {
    const plan = compilePlan(
      builtinSpec("tiny", {
        rule,
        fields: { ...fields, skip_below: [1e-4, 0.05, 0], surprise: 0.8 },
      }),
    );
    const given = inputs(plan, STEPS);
    await using device = await wasmBackend({ threads: 2 }).open("strict");
    const run = async (from: Checkpoint, begin: number, end: number) => {
      await using session = await device.load(plan, from);
      for (const input of given.slice(begin, end)) await session.step(input);
      return { saved: await session.save(), report: await session.report() };
    };
    const whole = await run(initialCheckpoint(plan), 0, STEPS);
    const half = await run(initialCheckpoint(plan), 0, STEPS / 2);
    const rest = await run(half.saved, STEPS / 2, STEPS);
    assertEquals(rest.saved, whole.saved);
    assertEquals(half.report.skipped! + rest.report.skipped!, whole.report.skipped);
    const share = whole.report.skipped! / STEPS / unitCount(plan);
    assert(share > 0.1 && share < 0.9, `${share} skip`);
  });
}
