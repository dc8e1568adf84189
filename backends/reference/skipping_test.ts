/** A unit that skips is left as `learn: false` leaves it, and only it. */
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { layerOf, offsetsOf, type Plan, unitCount } from "../../model/plan.ts";
import { unitOffsets } from "../../model/unit_tensors.ts";
import { assert, assertAlmostEquals, assertEquals } from "../../std_assert.ts";
import { ALL_LEARN, inputs } from "../../tests/agreement.ts";
import type { StepInput, StepOptions, StepReports } from "../backend.ts";
import { backend } from "./backend.ts";

const OLD = { ...ALL_LEARN, initial_learning_rate: 0.02 };
const MODELS: Record<string, readonly ["2016" | "saccade", Record<string, unknown>]> = {
  "saccade": ["saccade", {}],
  "saccade with a shift candidate": ["saccade", { motion: 0, shift_radius: 1 }],
  "2016": ["2016", OLD],
  "2016, two steps, normalised": [
    "2016",
    { ...OLD, predict_two_steps: true, normalize_output: true },
  ],
};
const BEFORE = 8;

interface Outcome {
  readonly saved: Checkpoint;
  readonly error: Float64Array;
  readonly report: StepReports;
}

async function stepped(
  plan: Plan,
  checkpoint: Checkpoint,
  steps: readonly StepInput[],
  options?: StepOptions,
): Promise<Outcome> {
  await using device = await backend.open("f32");
  await using session = await device.load(plan, checkpoint);
  for (const input of steps) await session.step(input, options);
  const error = new Float64Array(offsetsOf(plan).signal.at(-1)!);
  await session.read("error", error);
  return { saved: await session.save(), error, report: await session.report() };
}

/** The mean squared error of each unit. */
function errorsOf(plan: Plan, error: Float64Array): number[] {
  const { signal } = offsetsOf(plan);
  return Array.from({ length: unitCount(plan) }, (_, u) => {
    const part = error.subarray(signal[u], signal[u + 1]);
    return part.reduce((sum, e) => sum + e * e, 0) / part.length;
  });
}

for (const [label, [rule, fields]] of Object.entries(MODELS)) {
  Deno.test(`units with a small error, and no others, are left as learn: false leaves them: rule ${label}`, async () => {
    const plan = compilePlan(builtinSpec("tiny", { rule, fields }));
    const given = inputs(plan, BEFORE + 1);
    const { saved } = await stepped(plan, initialCheckpoint(plan), given.slice(0, BEFORE));
    const last = given.slice(BEFORE);
    const taught = await stepped(plan, saved, last);
    const frozen = await stepped(plan, saved, last, { learn: false });
    // Half of the units of each layer.
    const errors = errorsOf(plan, taught.error);
    const layers = layerOf(plan);
    const skipBelow = Array.from({ length: plan.layerStart.length - 1 }, (_, layer) => {
      const own = errors.filter((_, u) => layers[u] === layer).sort((a, b) => a - b);
      return (own[own.length >> 1]! + (own[(own.length >> 1) - 1] ?? 0)) / 2;
    });
    const got = await stepped({ ...plan, skipBelow }, saved, last);

    const skips = errors.map((error, u) => error < skipBelow[layers[u]!]!);
    const count = skips.filter(Boolean).length;
    assert(count > 5 && count < skips.length - 5, `${count} of ${skips.length} skip`);
    assertEquals(got.report.skipped, count);
    assertEquals(got.saved.learned, taught.saved.learned);
    const at = unitOffsets(plan);
    let differ = 0;
    for (const [name, values] of Object.entries(got.saved.tensors)) {
      if (name === "frame") continue;
      for (const [u, skip] of skips.entries()) {
        const [begin, end] = [at[name]![u]!, at[name]![u + 1]!];
        const [want, other] = skip ? [frozen, taught] : [taught, frozen];
        const part = ({ saved }: Outcome) => saved.tensors[name]!.subarray(begin, end);
        assertEquals(values.subarray(begin, end), part(want), `"${name}" of unit ${u}`);
        if (values.subarray(begin, end).some((v, i) => v !== part(other)[i])) differ++;
      }
    }
    assert(differ > skips.length, "Learning or not makes no difference here");
  });
}

for (const [label, [rule, fields]] of Object.entries(MODELS)) {
  Deno.test(`units skip what is no surprise beside their own mean error: rule ${label}`, async () => {
    const surprise = 0.8;
    const plan = compilePlan(builtinSpec("tiny", { rule, fields: { ...fields, surprise } }));
    const units = unitCount(plan);
    const usual = new Array<number>(units).fill(0);
    const error = new Float64Array(offsetsOf(plan).signal.at(-1)!);
    await using device = await backend.open("f64");
    await using session = await device.load(plan, initialCheckpoint(plan, { precision: "f64" }));
    let [all, learned] = [0, 0];
    for (const [t, input] of inputs(plan, 24).entries()) {
      // Steps that do not learn leave the means.
      const learn = t % 5 !== 4;
      await session.step(input, { learn });
      await session.read("error", error);
      if (learn && t >= 2) learned++;
      let want = 0;
      for (const [u, mean] of errorsOf(plan, error).entries()) {
        if (!learn || (rule === "saccade" && t < 2)) continue;
        if (mean < surprise * usual[u]!) want++;
        usual[u]! += Math.max(1 / Math.max(learned, 1), 0.01) * (mean - usual[u]!);
      }
      assertEquals((await session.report()).skipped, want, `step ${t}`);
      all += want;
    }
    assert(all > units && all < 20 * units, `${all} times a unit skips`);
    const { tensors } = await session.save();
    for (const [u, value] of usual.entries()) {
      assertAlmostEquals(tensors["error.mean"]![u]!, value, 1e-12);
    }
  });
}

Deno.test("a step is charged what its units do: those that skip are read, not written", async () => {
  const plan = compilePlan(builtinSpec("tiny", { rule: "2016", fields: OLD }));
  const [first, second] = inputs(plan, 2);
  const all = await stepped(plan, initialCheckpoint(plan), [first!, second!]);
  const none = await stepped(plan, initialCheckpoint(plan), [first!, second!], { learn: false });
  const skipping = (below: number) => {
    const layers = plan.layerStart.length - 1;
    const skipBelow = new Array(layers).fill(below);
    return stepped({ ...plan, skipBelow }, initialCheckpoint(plan), [first!, second!]);
  };
  const cost = ({ report: { macs, bytesRead, bytesWritten } }: Outcome) => [
    macs,
    bytesRead,
    bytesWritten,
  ];
  assertEquals(cost(await skipping(4)), cost(none));
  assertEquals((await skipping(4)).report.skipped, 2 * unitCount(plan));
  assertEquals(cost(await skipping(1e-30)), cost(all));
  assertEquals((await skipping(1e-30)).report.skipped, 0);
  assertEquals(all.report.skipped, undefined);
});
