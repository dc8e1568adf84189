/** The example of an engine against the reference: both rules, all that changes the vectors or who learns. */
import type { Session } from "../backends/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import mine from "../examples/my_backend/mod.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import type { Plan, Sources } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { deviation } from "../conformance/tolerance.ts";
import { ALL_LEARN, inputs, openSession } from "./agreement.ts";

const PLANS: Record<string, { rule: RuleName; fields: Record<string, unknown> }> = {
  "saccade": { rule: "saccade", fields: {} },
  "saccade without motion, rate 0 later": {
    rule: "saccade",
    fields: { motion: 0, schedule: [[0, 1], [9, 0.5], [15, 0]] },
  },
  "2016": { rule: "2016", fields: {} },
  "2016, layers and contexts one after the other": {
    rule: "2016",
    fields: { delay_each_layer_learning: 4, enable_lateral_at: 3, enable_feedback_at: 7 },
  },
  "2016, two steps, normalised, every feature": {
    rule: "2016",
    fields: {
      predict_two_steps: true,
      normalize_output: true,
      use_derivative: true,
      use_integral: true,
      use_error: true,
      use_t_minus_2_block: true,
      delay_each_layer_learning: 3,
    },
  },
  "2016, two steps, autoencoder, legacy": {
    rule: "2016",
    fields: { predict_two_steps: true, autoencoder: true, lateral: "legacy" },
  },
  "2016, logistic, bias free, autoencoder": {
    rule: "2016",
    fields: { activation: "logistic", bias_free: true, autoencoder: true },
  },
  "2016 without momentum": { rule: "2016", fields: { momentum: 0 } },
};

function planOf({ rule, fields }: typeof PLANS[string]): Plan {
  const learning = rule === "2016" ? { ...ALL_LEARN, initial_learning_rate: 0.02 } : {};
  return compilePlan(builtinSpec("tiny", { rule, fields: { ...learning, ...fields } }));
}

/** The plan with contexts that come late, and one of every unit from another part of a split model. */
function late(plan: Plan): Plan {
  const known = plan.frame.width * plan.frame.height * plan.frame.channels + plan.external.motion;
  const parts = plan.hidden;
  const shifted = (sources: Sources): Sources => ({
    ...sources,
    index: sources.index.map((index) => index < known ? index : index + parts),
  });
  const context = shifted(plan.context);
  for (let u = 0; u + 1 < context.start.length; u++) {
    for (let run = context.start[u]!; run < context.start[u + 1]!; run++) {
      context.delay[run] = 1 + run % 3;
    }
    const first = context.start[u]!;
    if (first === context.start[u + 1] || context.length[first] !== parts) continue;
    context.index[first] = known;
    context.delay[first] = 0;
  }
  return {
    ...plan,
    maxDelay: 3,
    external: { ...plan.external, parts },
    signal: shifted(plan.signal),
    context,
  };
}

/** A step that learns, one that does not, and slower ones, in turns. */
function how(n: number) {
  return n % 7 === 5 ? { learn: false } : n % 5 === 4 ? { rate: 0 } : { rate: 1 - (n % 3) / 4 };
}

async function assertAgree(plan: Plan, limit: number): Promise<void> {
  await using a: Session = await openSession(mine, "0", plan);
  await using b: Session = await openSession(reference, "f32", plan);
  const { motion, parts } = plan.external;
  for (const [n, { frame, external }] of inputs(plan, 24).entries()) {
    const values = new Float32Array(motion + parts);
    if (external !== undefined) values.set(external);
    for (let i = motion; i < values.length; i++) values[i] = Math.sin(n + i);
    const input = { frame, ...(values.length > 0 ? { external: values } : {}) };
    a.step(input, how(n));
    b.step(input, how(n));
  }
  const [got, want] = [await a.report(), await b.report()];
  assert(deviation(got.mse, want.mse) <= limit, "errors");
  assertEquals({ ...got, mse: 0 }, { ...want, mse: 0 });
  const [left, right] = [await a.save(), await b.save()];
  assertEquals([left.step, left.learned, left.started], [right.step, right.learned, true]);
  for (const [name, tensor] of Object.entries(right.tensors)) {
    const off = deviation(left.tensors[name] ?? [], tensor, name);
    assert(off <= limit, `tensor "${name}" deviates by ${off}`);
  }
  for (const name of ["prediction", "hidden", "error", "signal"] as const) {
    const length = right.tensors[name === "error" ? "signal" : name]!.length;
    const [x, y] = [new Float32Array(length), new Float32Array(length)];
    await a.read(name, x);
    await b.read(name, y);
    assert(deviation(x, y) <= limit, `read "${name}"`);
  }
}

for (const [label, of] of Object.entries(PLANS)) {
  // Small m / s amplifies rounding (learning-rule, Tolerances).
  const limit = label === "saccade" ? 5e-5 : 1e-5;
  Deno.test(`examples/my_backend agrees with the reference: rule ${label}`, async () => {
    await assertAgree(planOf(of), limit);
  });
  Deno.test(`examples/my_backend agrees with the reference: rule ${label}, delays and parts`, async () => {
    await assertAgree(late(planOf(of)), limit);
  });
}

Deno.test("examples/my_backend is one file of 60 lines at most", async () => {
  const folder = new URL("../examples/my_backend/", import.meta.url);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["mod.ts"]);
  const text = await Deno.readTextFile(new URL("mod.ts", folder));
  assert(text.trimEnd().split("\n").length <= 60);
});
