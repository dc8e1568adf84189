/** Models without some of their contexts. */
import { backend as reference } from "../backends/reference/backend.ts";
import { backend as wasm } from "../backends/wasm/backend.ts";
import type { Backend } from "../backends/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { decodeCheckpoint, encodeCheckpoint, planOf } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { contextsLeft, cutCheckpoint, cutPlan, unitsRead } from "../model/cut_contexts.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { lengths, offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import { checkState } from "../model/state.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../std_assert.ts";
import { ALL_LEARN, inputs } from "../tests/agreement.ts";
import { contextContributions, contextsAfter, dropContexts } from "./contexts.ts";
import { prune } from "./prune.ts";

const OPTIONS: Record<string, { rule: RuleName; fields: Record<string, unknown> }> = {
  "saccade with motion": { rule: "saccade", fields: { motion: 2 } },
  "saccade with shifts": { rule: "saccade", fields: { motion: 0, shift_radius: 1 } },
  "2016 with everything": {
    rule: "2016",
    fields: {
      ...{ predict_two_steps: "1", autoencoder: "1", normalize_output: "1", use_integral: "1" },
      ...{ use_t_minus_2_block: "1", momentum: "0.5", ...ALL_LEARN },
    },
  },
};

function specOf(name: string) {
  const { rule, fields } = OPTIONS[name]!;
  return builtinSpec("tiny", { rule, fields });
}

/** Goes so many steps on a backend. */
async function walk(
  plan: Plan,
  checkpoint: Checkpoint,
  { backend = reference, device = "f32", steps = 6, learn = true }: {
    readonly backend?: Backend;
    readonly device?: string;
    readonly steps?: number;
    readonly learn?: boolean;
  } = {},
) {
  await using opened = await backend.open(device);
  await using session = await opened.load(plan, checkpoint);
  for (const input of inputs(plan, checkpoint.step + steps).slice(checkpoint.step)) {
    await session.step({
      frame: input.frame,
      ...(input.external ? { external: input.external } : {}),
    }, { learn });
  }
  const mse = (await session.report()).mse;
  return { mse, after: await session.save() };
}

/** Every second context, and for some units all of them. */
function some(plan: Plan): Uint8Array {
  const { start } = plan.context;
  const kept = plan.contextKind.map((_, run) => run % 2);
  for (const unit of [1, 6, unitCount(plan) - 1]) kept.fill(0, start[unit], start[unit + 1]);
  return kept;
}

/** The state with the weights of the dropped contexts 0, and a mask that keeps them so. */
function silenced(plan: Plan, checkpoint: Checkpoint, kept: Uint8Array) {
  const encoder = checkpoint.tensors["encoder"]!.slice();
  const momentum = checkpoint.tensors["encoder.momentum"]?.slice();
  const mask = {
    encoder: new Uint8Array(encoder.length).fill(1),
    decoder: new Uint8Array(checkpoint.tensors["decoder"]!.length).fill(1),
  };
  const contexts = lengths(plan.context);
  let begin = 0;
  for (let unit = 0; unit < unitCount(plan); unit++) {
    const columns = plan.inputs[unit]!;
    let column = columns - contexts[unit]! - 1;
    for (let run = plan.context.start[unit]!; run < plan.context.start[unit + 1]!; run++) {
      for (let i = 0; i < plan.hidden; i++, column++) {
        if (kept[run] === 1) continue;
        for (let row = 0; row < plan.hidden; row++) {
          const at = begin + row * columns + column;
          encoder[at] = mask.encoder[at] = 0;
          if (momentum !== undefined) momentum[at] = 0;
        }
      }
    }
    begin += plan.hidden * columns;
  }
  const tensors = {
    ...checkpoint.tensors,
    encoder,
    ...(momentum === undefined ? {} : { "encoder.momentum": momentum }),
  };
  return { plan: { ...plan, mask }, checkpoint: { ...checkpoint, tensors } };
}

for (const name of Object.keys(OPTIONS)) {
  Deno.test(`a context whose weights are 0 can be dropped: rule ${name}`, async () => {
    const plan = compilePlan(specOf(name));
    const { after: trained } = await walk(plan, initialCheckpoint(plan), { steps: 12 });
    const kept = contextsLeft(plan, some(plan));
    assertEquals(unitsRead(plan, kept).length, unitCount(plan));
    const whole = silenced(plan, trained, kept);
    const cut = cutPlan(plan, kept);
    const state = cutCheckpoint(plan, whole.checkpoint, kept);
    checkState(cut, state);
    assert(cut.inputs.every((n, unit) => n <= plan.inputs[unit]!));
    const { rule: { name: rule } } = plan;
    const before = await walk(whole.plan, whole.checkpoint, { learn: false });
    const after = await walk(cut, state, { learn: false });
    assertEquals(after.mse, before.mse);
    assertEquals(after.after, cutCheckpoint(plan, before.after, kept));
    // The steps of rule saccade are divided by the power of all inputs, those of the context among them: without it they are larger.
    const [learned, without] = [await walk(whole.plan, whole.checkpoint), await walk(cut, state)];
    const expected = cutCheckpoint(plan, learned.after, kept);
    if (rule === "2016") assertEquals(without.after, expected);
    else {
      const far = furthest(without.after.tensors["encoder"]!, expected.tensors["encoder"]!);
      assert(far > 0 && far < 1e-2, `${far}`);
    }
    // And as the reference does, so do the kernels, where they take the rule at all.
    if (plan.patch !== undefined) return;
    for (const learn of [false, true]) {
      const fast = await walk(cut, state, { backend: wasm, device: "strict", learn });
      const slow = learn ? without : after;
      for (const tensor of ["prediction", "encoder", "published"]) {
        const far = furthest(fast.after.tensors[tensor]!, slow.after.tensors[tensor]!);
        assert(far < 1e-5, `${tensor}: ${far}`);
      }
    }
  });
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assertEquals(a.length, b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

Deno.test("units that nobody reads go, and layers without units: layer 0 predicts what it did", async () => {
  const plan = compilePlan(specOf("saccade with motion"));
  const { after: trained } = await walk(plan, initialCheckpoint(plan), { steps: 12 });
  const ground = plan.layerStart[1]!;
  const base = plan.frame.width * plan.frame.height * 3 + plan.external.motion;
  const source = (run: number) => Math.floor((plan.context.index[run]! - base) / plan.hidden);
  // Layer 0 keeps what layer 0 and one unit of layer 1 say.
  const one = ground + 2;
  const wanted = plan.contextKind.map((_, run) => {
    const reader = plan.context.start.findIndex((start) => start > run) - 1;
    return [reader, source(run)].every((unit) => unit < ground || unit === one) ? 1 : 0;
  });
  const kept = contextsLeft(plan, wanted);
  const cut = cutPlan(plan, kept);
  assertEquals([...cut.layerStart], [0, ground, ground + 1]);
  const whole = silenced(plan, trained, wanted);
  const [before, after] = [
    await walk(whole.plan, whole.checkpoint, { learn: false }),
    await walk(cut, cutCheckpoint(plan, whole.checkpoint, kept), { learn: false }),
  ];
  const layers = plan.layerStart.length - 1;
  for (let step = 0; step < 6; step++) {
    assertEquals(after.mse[2 * step], before.mse[layers * step]);
  }
  const [a, b] = [after, before].map(({ after: { tensors } }) =>
    tensors["prediction"]!.slice(0, offsetsOf(plan).output[ground])
  );
  assertEquals(a, b);
  const alone = contextsLeft(plan, new Uint8Array(kept.length));
  assertEquals([...cutPlan(plan, alone).layerStart], [0, ground]);
  assertEquals(unitCount(cutPlan(plan, alone)), ground);
});

Deno.test("what contexts add is measured, and the share that adds least goes", async () => {
  const plan = compilePlan(specOf("saccade with shifts"));
  const { after: trained } = await walk(plan, initialCheckpoint(plan), { steps: 12 });
  const power = Float64Array.from(
    { length: unitCount(plan) * plan.hidden },
    (_, i) => (i % 7) / 10,
  );
  const added = contextContributions(plan, trained, power);
  // By hand, for one of them.
  const run = plan.context.start[4]! + 1;
  const from = plan.context.index[run]! - plan.frame.width * plan.frame.height * 3;
  const columns = plan.inputs[4]!;
  const first = columns - 1 - lengths(plan.context)[4]! + plan.hidden;
  const begin = plan.inputs.slice(0, 4).reduce((sum, n) => sum + n * plan.hidden, 0);
  let sum = 0;
  for (let row = 0; row < plan.hidden; row++) {
    for (let i = 0; i < plan.hidden; i++) {
      sum += trained.tensors["encoder"]![begin + row * columns + first + i]! ** 2 *
        power[from + i]!;
    }
  }
  assert(sum > 0 && Math.abs(added[run]! - sum) < 1e-9 * sum);
  const { kept, plan: smaller } = dropContexts(plan, trained, { share: 0.4, power });
  const dropped = added.filter((_, i) => kept[i] === 0);
  assertEquals(dropped.length, Math.round(0.4 * added.length));
  assert(Math.max(...dropped) <= Math.min(...added.filter((_, i) => kept[i] === 1)));
  assertEquals(smaller.contextKind.length, added.length - dropped.length);
  // What is silent goes without being asked for.
  power.fill(0, from, from + plan.hidden);
  const silent = dropContexts(plan, trained, { share: 0, power });
  const readers = plan.context.index.filter((at) => at === plan.context.index[run]).length;
  assertEquals(silent.kept.filter((bit) => bit === 0).length, readers);
  const off = { ...plan, contextFrom: Float64Array.of(Infinity, 0) };
  const lateral = contextContributions(off, trained, power.fill(1));
  assert(lateral.every((value, i) => (value === 0) === (plan.contextKind[i] === 0)));
  const parts = { ...plan, external: { motion: 0, parts: 9999 } };
  const unknown = contextContributions(parts, trained, power);
  assert(unknown.some((value) => value === Infinity));
});

for (const format of ["f32", "i8"] as const) {
  Deno.test(`a file says which contexts are gone, and what is pruned of the rest: ${format}`, async () => {
    const spec = builtinSpec("tiny", { fields: { motion: 0, format } });
    const plan = compilePlan(spec);
    const first = dropContexts(plan, initialCheckpoint(plan), {
      share: 0.3,
      power: new Float64Array(unitCount(plan) * plan.hidden).map(() => 1),
    });
    // Contexts begin at 0: all of them add nothing.
    assertEquals(first.plan.contextKind.length, 0);
    const half = contextsLeft(plan, some(plan));
    const cut = cutPlan(plan, half);
    const pruned = prune(cut, cutCheckpoint(plan, initialCheckpoint(plan), half), { density: 0.5 });
    const again = contextsLeft(pruned.plan, cut.contextKind.map((_, run) => run % 3 === 0 ? 0 : 1));
    const contexts = contextsAfter(half, again);
    const least = {
      plan: cutPlan(pruned.plan, again),
      checkpoint: cutCheckpoint(pruned.plan, pruned.checkpoint, again),
    };
    const stored = {
      spec: { ...spec },
      sourceFrames: 3,
      checkpoint: least.checkpoint,
      mask: least.plan.mask!,
      contexts,
    };
    const parts = await encodeCheckpoint(stored);
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    const back = await decodeCheckpoint(bytes);
    assertEquals(back, stored);
    assertEquals(planOf(back), least.plan);
    const { mask: _, ...unpruned } = stored;
    const plain = await encodeCheckpoint({
      ...unpruned,
      checkpoint: cutCheckpoint(plan, initialCheckpoint(plan), contexts),
    });
    const whole = await decodeCheckpoint(new Uint8Array(await new Blob(plain).arrayBuffer()));
    checkState(planOf(whole), whole.checkpoint);
    assertEquals(whole.contexts, contexts);
  });
}

Deno.test("a file with the contexts of another model is refused", async () => {
  const spec = builtinSpec("tiny");
  const stored = {
    spec: { ...spec },
    sourceFrames: 0,
    checkpoint: initialCheckpoint(compilePlan(spec)),
    contexts: new Uint8Array(3),
  };
  const bytes = new Uint8Array(await new Blob(await encodeCheckpoint(stored)).arrayBuffer());
  await assertRejects(() => decodeCheckpoint(bytes), SyntaxError, "its contexts are not those");
});

Deno.test("what makes no sense is refused", () => {
  const plan = compilePlan(builtinSpec("tiny"));
  const checkpoint = initialCheckpoint(plan);
  const power = new Float64Array(unitCount(plan) * plan.hidden);
  for (const share of [-0.1, 1.1, NaN]) {
    assertThrows(() => dropContexts(plan, checkpoint, { share, power }), RangeError, "from 0 to 1");
  }
  const few = power.slice(1);
  assertThrows(() => dropContexts(plan, checkpoint, { share: 0, power: few }), RangeError, "not ");
  assertThrows(() => cutPlan(plan, new Uint8Array(3)), RangeError, "contexts, not 3");
  const deferred = { ...checkpoint, deferred: { every: 4, window: 0 } };
  const all = new Uint8Array(plan.contextKind.length).fill(1);
  assertThrows(() => cutCheckpoint(plan, deferred, all), TypeError, "denseCheckpoint");
});
