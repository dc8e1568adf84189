/** WebGPU against the reference: both rules, all options, odd sizes, delays, parts, shards. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import type { Plan, Sources } from "../../model/plan.ts";
import { frameLength } from "../../model/plan.ts";
import { assert, assertEquals, assertRejects } from "../../std_assert.ts";
import { agreeOn, ALL_LEARN, inputs, openSession } from "../../tests/agreement.ts";
import { deviation } from "../../conformance/tolerance.ts";
import { needing } from "../../tests/needs.ts";
import type { StepInput } from "../backend.ts";
import { backend as reference } from "../reference/backend.ts";
import { webgpuBackend } from "./backend.ts";

type Fields = Readonly<Record<string, unknown>>;

function planOf(rule: "saccade" | "2016", fields: Fields, model = "tiny"): Plan {
  const learning = rule === "2016" ? { ...ALL_LEARN, initial_learning_rate: 0.02 } : {};
  return compilePlan(builtinSpec(model, { rule, fields: { ...learning, ...fields } }));
}

/** Hidden outputs arrive up to three steps late. */
function delayed(plan: Plan): Plan {
  const late = (sources: Sources): Sources => ({
    ...sources,
    delay: sources.delay.map((delay, run) => delay === 0 ? 0 : 1 + run % 3),
  });
  return { ...plan, maxDelay: 3, signal: late(plan.signal), context: late(plan.context) };
}

/** Some of the context comes from the hidden outputs of another part. */
function withParts(plan: Plan): Plan {
  const parts = 2 * plan.hidden;
  const begin = frameLength(plan) + plan.external.motion;
  const moved = (sources: Sources): Sources => ({
    ...sources,
    index: sources.index.map((index) => index < begin ? index : index + parts),
  });
  const context = moved(plan.context);
  const outside = (run: number) => run % 5 === 2;
  return {
    ...plan,
    external: { ...plan.external, parts },
    signal: moved(plan.signal),
    context: {
      ...context,
      index: context.index.map((index, run) =>
        outside(run) ? begin + run % 2 * plan.hidden : index
      ),
      delay: context.delay.map((delay, run) => outside(run) ? 0 : delay),
    },
  };
}

/** Frames and candidates, and for other parts something that moves. */
function given(plan: Plan, steps: number): StepInput[] {
  return inputs(plan, steps).map(({ frame, external }, n) => {
    const { motion, parts } = plan.external;
    if (parts === 0) return external === undefined ? { frame } : { frame, external };
    const all = new Float32Array(motion + parts);
    if (external !== undefined) all.set(external);
    for (let i = 0; i < parts; i++) all[motion + i] = Math.sin(n + i);
    return { frame, external: all };
  });
}

const ODD = { layer_shapes: [3, 2, 1], readout_block_size: [1, 2, 3], input_block_size: 3 };
const EVERY_FEATURE = {
  use_derivative: true,
  use_integral: true,
  use_error: true,
  use_t_minus_2_block: true,
};

/** A grid of its own, under both rules. */
function both(label: string, fields: Fields): Record<string, () => Plan> {
  return {
    [`saccade, ${label}`]: () => planOf("saccade", fields),
    [`2016, ${label}`]: () => planOf("2016", fields),
  };
}

const PLANS: Readonly<Record<string, () => Plan>> = {
  "saccade": () => planOf("saccade", {}),
  "saccade without motion": () => planOf("saccade", { motion: 0 }),
  "2016": () => planOf("2016", {}),
  "2016, every feature": () => planOf("2016", EVERY_FEATURE),
  "2016, two steps, normalised": () =>
    planOf("2016", {
      predict_two_steps: true,
      normalize_output: true,
      use_t_minus_2_block: true,
      use_integral: false,
    }),
  "2016, logistic, bias free, autoencoder": () =>
    planOf("2016", { activation: "logistic", bias_free: true, autoencoder: true }),
  "2016, two steps, autoencoder, legacy": () =>
    planOf("2016", { predict_two_steps: true, autoencoder: true, lateral: "legacy" }),
  "2016, no momentum": () => planOf("2016", { momentum: 0 }),
  "2016, layers and contexts that begin later, rates that change": () =>
    planOf("2016", {
      delay_each_layer_learning: 2,
      enable_lateral_at: 4,
      enable_feedback_at: 6,
      delay_final_learning_rate: 5,
      final_learning_rate: 0.01,
      predict_two_steps: true,
    }),
  "saccade, a schedule": () => planOf("saccade", { schedule: [[0, 1], [5, 0], [8, 0.5]] }),
  "saccade, delays": () => delayed(planOf("saccade", {})),
  "2016, delays": () => delayed(planOf("2016", {})),
  "saccade, parts": () => withParts(planOf("saccade", {})),
  "2016, parts and delays": () => delayed(withParts(planOf("2016", {}))),
  ...both("H 1", { ...ODD, hidden_block_size: 1 }),
  ...both("H 4", { ...ODD, hidden_block_size: 2 }),
  ...both("H 9", { ...ODD, hidden_block_size: 3 }),
  ...both("H 49", { ...ODD, hidden_block_size: 7 }),
  ...both("a single unit", { layer_shapes: [1], readout_block_size: [1], hidden_block_size: 3 }),
  ...both("more hidden lanes than a workgroup has", {
    layer_shapes: [1],
    readout_block_size: [1],
    input_block_size: 2,
    hidden_block_size: 33,
  }),
};
for (const [label, make] of Object.entries(PLANS)) {
  await needing(["gpu"], `webgpu agrees with the reference: ${label}`, async () => {
    const plan = make();
    // Small m / s amplifies rounding (learning-rule, Tolerances).
    await agreeOn(plan, given(plan, 20), plan.external.motion > 0 ? 5e-5 : 1e-5, [
      (plan) => openSession(webgpuBackend(), "f32", plan),
      (plan) => openSession(reference, "f32", plan),
    ]);
  });
}

for (const rule of ["saccade", "2016"] as const) {
  await needing(
    ["gpu"],
    `a model in shards has the same bits as a whole one: ${rule}`,
    async () => {
      const plan = delayed(planOf(rule, {}));
      // The largest buffer of a shard is at most this; the whole model takes several.
      const small = webgpuBackend({ binding: 2 ** 19 });
      const worst = await agreeOn(plan, given(plan, 12), 0, [
        (plan) => openSession(small, "f32", plan),
        (plan) => openSession(webgpuBackend(), "f32", plan),
      ]);
      assertEquals(worst, 0);
    },
  );

  await needing(["gpu"], `f16 resumes bit for bit, and reads what it wrote: ${rule}`, async () => {
    const plan = planOf(rule, {});
    const all = given(plan, 12);
    await using whole = await openSession(webgpuBackend(), "f16", plan);
    await using device = await webgpuBackend().open("f16");
    await using half = await device.load(plan, initialCheckpoint(plan));
    for (const input of all) await whole.step(input);
    for (const input of all.slice(0, 7)) await half.step(input);
    await using rest = await device.load(plan, await half.save());
    for (const input of all.slice(7)) await rest.step(input);
    assertEquals(await rest.save(), await whole.save());
  });
}

await needing(
  ["gpu"],
  "no model is taken that does not fit a binding, and it says why",
  async () => {
    await using device = await webgpuBackend({ binding: 2 ** 14 }).open("f32");
    const plan = planOf("2016", {});
    const { ok, reasons } = device.accepts(plan);
    assert(
      !ok && /^Unit \d+ needs .* MiB, a binding of this device has 0.0156 MiB$/.test(reasons[0]!),
    );
    await assertRejects(() => device.load(plan, initialCheckpoint(plan)), RangeError, "a binding");
  },
);

await needing(["gpu"], "llvmpipe is not given loops that it would end too early", async () => {
  await using device = await webgpuBackend().open("f32");
  const { reasons } = device.accepts(planOf("2016", {
    layer_shapes: [2, 1],
    readout_block_size: [1, 2],
    hidden_block_size: 64,
  }));
  const cut = reasons.some((reason) => reason.includes("ends loops after 65535"));
  assertEquals(cut, device.info.description.includes("llvmpipe"), reasons.join("; "));
});

await needing(["gpu"], "a step is one submit, and nothing is read back", async () => {
  const counts = { submits: 0, dispatches: 0, maps: 0 };
  const plan = planOf("saccade", {});
  const undo: (() => void)[] = [];
  const count = (prototype: object, name: string, what: keyof typeof counts) => {
    const methods = prototype as Record<string, (...values: unknown[]) => unknown>;
    const method = methods[name]!;
    methods[name] = function (...values) {
      counts[what]++;
      return method.apply(this, values);
    };
    undo.push(() => methods[name] = method);
  };
  await using session = await openSession(webgpuBackend(), "f32", plan);
  count(GPUQueue.prototype, "submit", "submits");
  count(GPUComputePassEncoder.prototype, "dispatchWorkgroups", "dispatches");
  count(GPUBuffer.prototype, "mapAsync", "maps");
  try {
    for (const input of given(plan, 30)) session.step(input);
    assertEquals(counts, { submits: 30, dispatches: 30, maps: 0 });
    await session.report();
    assertEquals(counts, { submits: 31, dispatches: 30, maps: 1 });
  } finally {
    for (const method of undo) method();
  }
});

await needing(["gpu"], "equal runs have equal bits, on either format", async () => {
  for (const id of ["f32", "f16"]) {
    const states = [];
    for (let run = 0; run < 2; run++) {
      const plan = planOf("2016", {});
      await using session = await openSession(webgpuBackend(), id, plan);
      for (const input of given(plan, 10)) session.step(input);
      states.push((await session.save()).tensors);
    }
    for (const [name, values] of Object.entries(states[0]!)) {
      assertEquals(deviation(values, states[1]![name]!), 0, name);
    }
  }
});

Deno.test("without an adapter there is no device, and no error", async () => {
  const own = Object.getOwnPropertyDescriptor(navigator, "gpu");
  const fakes = [undefined, { requestAdapter: () => Promise.resolve(null) }, {
    requestAdapter: () => Promise.reject(new Error("the driver crashed")),
  }];
  try {
    for (const value of fakes) {
      Object.defineProperty(navigator, "gpu", { value, configurable: true });
      assertEquals(await webgpuBackend().probe(), []);
      await assertRejects(() => webgpuBackend().open("f32"), RangeError, "no WebGPU adapter");
    }
  } finally {
    if (own === undefined) delete (navigator as { gpu?: unknown }).gpu;
    else Object.defineProperty(navigator, "gpu", own);
  }
});
