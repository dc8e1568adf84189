/** Deferred updates of narrow weights: rounded when they are written, and states that travel. */
import { assert, assertEquals } from "../std_assert.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { deviation } from "../conformance/tolerance.ts";
import { builtinSpec } from "../model/builtin.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import type { Plan } from "../model/plan.ts";
import { isCodebookFormat, NARROW_FORMATS, type NarrowFormat } from "../model/weight_format.ts";
import { ALL_LEARN, inputs } from "./agreement.ts";

/** Codebooks are never deferred. */
const DEFERRED = NARROW_FORMATS.filter((format) => !isCodebookFormat(format));

type RuleName = "2016" | "saccade";

function planOf(
  rule: RuleName,
  format: NarrowFormat | "f32",
  defer: number,
  others: Record<string, unknown> = {},
): Plan {
  const learning = { ...ALL_LEARN, initial_learning_rate: 0.02 };
  const fields = { ...(rule === "2016" ? learning : {}), ...others, format, defer };
  return compilePlan(builtinSpec("tiny", { rule, fields }));
}

/** Goes on from a state over frames `from` to `to`: the state and the errors of the steps. */
async function goOn(
  plan: Plan,
  state: Checkpoint,
  [from, to]: readonly [number, number],
  backend = wasmBackend({ threads: 1 }),
  id = "relaxed",
) {
  await using device = await backend.open(id);
  await using session = await device.load(plan, state);
  const given = inputs(plan, to).slice(from);
  const errors: number[] = [];
  for (const input of given) {
    await session.step(input);
    errors.push((await session.report()).mse[0]!);
  }
  return { state: await session.save(), errors };
}

/** The share of the weights that have moved which are not where they should be. */
function elsewhere(before: Checkpoint, got: Checkpoint, want: Checkpoint): number {
  let [moved, other] = [0, 0];
  for (const name of ["encoder", "decoder"]) {
    for (const [i, weight] of want.tensors[name]!.entries()) {
      if (weight !== before.tensors[name]![i]) moved++;
      if (Math.abs(weight - got.tensors[name]![i]!) > 2 ** -22) other++;
    }
  }
  assert(moved > 1000, `only ${moved} weights moved`);
  return other / moved;
}

for (const rule of ["2016", "saccade"] as const) {
  for (const format of DEFERRED) {
    Deno.test(`${format}, written at every update, is what the reference has: rule ${rule}`, async () => {
      // Without momentum: then what is written is the update itself.
      const others = rule === "2016" ? { momentum: 0 } : {};
      const [fused, deferred] = [0, 1].map((defer) => planOf(rule, format, defer, others));
      const begun = (await goOn(fused!, initialCheckpoint(fused!), [0, 6], reference, "f32")).state;
      const want = (await goOn(fused!, begun, [6, 7], reference, "f32")).state;
      const got = denseCheckpoint(deferred!, (await goOn(deferred!, begun, [6, 7])).state);
      const share = elsewhere(begun, got, want);
      assert(share < 0.02, `${share} of the weights are elsewhere`);
    });

    Deno.test(`${format} that is deferred is interrupted anywhere and goes on bit for bit: rule ${rule}`, async () => {
      const plan = planOf(rule, format, 6);
      const whole = (await goOn(plan, initialCheckpoint(plan), [0, 30])).state;
      for (const at of [1, 9, 16]) {
        const part = (await goOn(plan, initialCheckpoint(plan), [0, at])).state;
        const { state } = await goOn(plan, part, [at, 30]);
        assertEquals(Object.keys(state.tensors), Object.keys(whole.tensors));
        for (const [name, tensor] of Object.entries(whole.tensors)) {
          assertEquals(deviation(state.tensors[name]!, tensor), 0, `${name}, interrupted at ${at}`);
        }
      }
    });

    Deno.test(`${format} learns as well when it is deferred: rule ${rule}`, async () => {
      const steps = 90;
      const mean = async (plan: Plan) => {
        const { errors } = await goOn(plan, initialCheckpoint(plan), [0, steps]);
        return errors.slice(steps / 2).reduce((sum, error) => sum + error, 0);
      };
      const single = await mean(planOf(rule, "f32", 0));
      const narrow = await mean(planOf(rule, format, 8));
      assert(Math.abs(narrow / single - 1) < 0.02, `${narrow / single} of the error of f32`);
    });
  }
}

Deno.test("a state with momentum is taken over by narrow weights that are deferred, and given back", async () => {
  for (const format of DEFERRED) {
    const [fused, deferred] = [0, 6].map((defer) => planOf("2016", format, defer));
    const begun = (await goOn(fused!, initialCheckpoint(fused!), [0, 20])).state;
    const want = await goOn(fused!, begun, [20, 40]);
    const got = await goOn(deferred!, begun, [20, 40]);
    const back = await goOn(fused!, denseCheckpoint(deferred!, got.state), [40, 50]);
    const on = await goOn(fused!, want.state, [40, 50]);
    const sum = (errors: number[]) => errors.reduce((a, b) => a + b, 0);
    for (const [a, b] of [[got, want], [back, on]] as const) {
      assert(Math.abs(sum(a.errors) / sum(b.errors) - 1) < 0.02, `${format}: ${a.errors}`);
    }
  }
});
