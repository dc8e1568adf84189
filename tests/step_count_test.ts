/**
 * What a step of the built kernels costs, in bytes and instructions: these do not depend on the machine or its moods, so a
 * fused pass that falls apart, a loop that is no longer vectorised and a cost that is not what happens fail here.
 */
import type { Session } from "../backends/backend.ts";
import { learns } from "../backends/step_cost.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { missingFor, PACKAGES } from "../kernels/load.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { layerOf, offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { inputs, openSession } from "./agreement.ts";
import { CountedKernels, type StepCount } from "./counted_kernels.ts";

/** Under rule 2016 one layer after another begins to learn. Some units of both skip. */
const FIELDS = {
  "2016": { delay_each_layer_learning: 2, skip_below: 0.04 },
  saccade: { skip_below: [2e-3, 0.1] },
} as const;
const STEPS = 5;
/** The step that is told not to learn. */
const FROZEN = 3;

interface Counted extends StepCount {
  readonly reported: { readonly macs: number; readonly read: number; readonly written: number };
  /** Whether the weights of a unit change. */
  learns(layer: number, unit: number): boolean;
}

const runs = new Map<string, Promise<Counted[]>>();

/** Steps of `tiny` on a package; each is run once, however many tests look at it. */
function count(name: string, rule: RuleName): Promise<Counted[]> {
  const key = `${name} ${rule}`;
  if (!runs.has(key)) {
    runs.set(key, steps(name, compilePlan(builtinSpec("tiny", { rule, fields: FIELDS[rule] }))));
  }
  return runs.get(key)!;
}

/** The mean squared error of each unit in the last step. */
async function errorsOf(session: Session, plan: Plan): Promise<number[]> {
  const { signal } = offsetsOf(plan);
  const error = new Float32Array(signal.at(-1)!);
  await session.read("error", error);
  return Array.from({ length: unitCount(plan) }, (_, unit) => {
    const own = error.subarray(signal[unit], signal[unit + 1]);
    return own.reduce((sum, e) => sum + e * e, 0) / own.length;
  });
}

async function steps(name: string, plan: Plan): Promise<Counted[]> {
  using kernels = new CountedKernels();
  await using session = await openSession(wasmBackend({ threads: 1 }), name, plan);
  const out: Counted[] = [];
  for (const [t, input] of inputs(plan, STEPS).entries()) {
    const learn = t !== FROZEN;
    await session.step(input, { learn });
    const { macs, bytesRead: read, bytesWritten: written } = await session.report();
    const reported = { macs, read, written };
    const errors = await errorsOf(session, plan);
    out.push({
      ...kernels.lastStep(),
      reported,
      learns: (layer, unit) =>
        learns(plan, layer, t, learn) && errors[unit]! >= (plan.skipBelow?.[layer] ?? 0),
    });
  }
  return out;
}

function each(
  what: string,
  check: (step: Counted, label: string, name: string, rule: RuleName) => void,
): void {
  for (const name of PACKAGES) {
    for (const rule of ["2016", "saccade"] as const) {
      Deno.test({
        name: `${what}: wasm:${name}, rule ${rule}`,
        ignore: missingFor(name) !== null,
        fn: async () => {
          for (const [t, step] of (await count(name, rule)).entries()) {
            check(step, `step ${t}`, name, rule);
          }
        },
      });
    }
  }
}

each("a step moves the bytes that it reports", (step, label) => {
  assertEquals(step.bytesRead, step.reported.read, `${label}: bytes read`);
  assertEquals(step.bytesWritten, step.reported.written, `${label}: bytes written`);
  assertEquals(step.narrowest, 16, `${label}: bytes of the narrowest access to a weight`);
});

each("the encoder is read once a step, the decoder in two passes", (step, label) => {
  for (const { unit, layer, matrix, reads, stores } of step.matrices) {
    const learning = Number(step.learns(layer, unit));
    const passes = matrix === "decoder" ? 1 + learning : matrix.endsWith("Momentum") ? learning : 1;
    const where = `${label}: ${matrix} of unit ${unit}`;
    assertEquals(reads, [passes, passes], `${where} is read in other passes`);
    assertEquals(stores, [learning, learning], `${where} is written in other passes`);
  }
});

each("a step multiplies as often as it reports, padding left out", (step, label, _, rule) => {
  const arrays = rule === "2016" ? 2 : 1;
  let want = 0;
  for (const { unit, layer, matrix, values } of step.matrices) {
    if (matrix.endsWith("Momentum")) continue;
    want += values * (step.learns(layer, unit) ? arrays + (matrix === "decoder" ? 2 : 1) : 1);
  }
  assertEquals(step.multiplications, want, `${label}: multiplications`);
  const share = step.reported.macs / want;
  assert(share <= 1 && share > 0.95, `${label}: ${share} of the multiplications are reported`);
});

each("a row loads a vector once a pass, and a panel that only reads shares it", (step, label) => {
  const streams = (rows: number) => Math.floor(rows / 4) + rows % 4;
  let most = 0;
  for (const { unit, layer, matrix, rows, values } of step.matrices) {
    if (matrix.endsWith("Momentum")) continue;
    const vectors = values / rows / 4;
    const learning = step.learns(layer, unit);
    // The old and the new input where the encoder learns: a store of a weight might have changed them, for all the compiler knows.
    if (matrix === "encoder") most += learning ? 2 * values / 4 : streams(rows) * vectors;
    // The error where the decoder learns; in its product a factor for every two vectors at least.
    else most += (learning ? values / 4 : 0) + rows * vectors / 2;
  }
  assert(step.vectorLoads <= most, `${label}: ${step.vectorLoads} loads of vectors, over ${most}`);
});

each("loops over weights are SIMD and call nothing", (step, label, name) => {
  assert(step.loops.size > 0, `${label}: no loop touches a weight`);
  const product = name === "relaxed" ? ["f32x4.relaxed_madd"] : ["f32x4.mul", "f32x4.add"];
  for (const { function: inside, instructions } of step.loops) {
    const all = [...instructions.keys()];
    const where = `${label}: a loop of function ${inside} with ${all.join(" ")}`;
    for (const op of product) assert(instructions.has(op), `${where} lacks ${op}`);
    const wrong = all.filter((op) => op.startsWith("call") || /^f32\.(mul|div|load)$/.test(op));
    assertEquals(wrong, [], `${where} has what costs time in every round`);
  }
});

Deno.test("what is deferred is read and written as reported where units skip", async () => {
  for (const rule of ["2016", "saccade"] as const) {
    const plan = compilePlan(builtinSpec("tiny", { rule, fields: { ...FIELDS[rule], defer: 2 } }));
    for (const [t, step] of (await steps("single", plan)).entries()) {
      assertEquals(step.bytesRead, step.reported.read, `rule ${rule}, step ${t}: bytes read`);
      assertEquals(step.bytesWritten, step.reported.written, `rule ${rule}, step ${t}: written`);
    }
  }
});

for (const rule of ["2016", "saccade"] as const) {
  Deno.test(`some units skip, and some learn: rule ${rule}`, async () => {
    const plan = compilePlan(builtinSpec("tiny", { rule, fields: FIELDS[rule] }));
    const layers = layerOf(plan);
    const learn = new Set<boolean>();
    // In the last step the first layer learns under both rules.
    const last = (await count("single", rule)).at(-1)!;
    for (const [unit, layer] of layers.entries()) {
      if (layer === 0) learn.add(last.learns(layer, unit));
    }
    assertEquals(learn.size, 2);
  });

  Deno.test(`what is deferred is read and written as reported: rule ${rule}`, async () => {
    const fields = { ...FIELDS[rule], defer: 2, skip_below: 0 };
    const plan = compilePlan(builtinSpec("tiny", { rule, fields }));
    const written = new Set<string>();
    for (const [t, step] of (await steps("single", plan)).entries()) {
      assertEquals(step.bytesRead, step.reported.read, `step ${t}: bytes read`);
      assertEquals(step.bytesWritten, step.reported.written, `step ${t}: bytes written`);
      for (const { unit, layer, matrix, stores } of step.matrices) {
        const where = `step ${t}: ${matrix} of unit ${unit}`;
        if (!step.learns(layer, unit)) assertEquals(stores, [0, 0], where);
        if (matrix === "encoder" && stores[1] > 0) {
          assertEquals(stores, [1, 1], where);
          written.add(`${unit} ${t}`);
        }
      }
    }
    // The first layer learned in two steps at least, and its units take turns.
    for (let unit = 0; unit < 9; unit++) {
      const times = [...written].filter((what) => what.startsWith(`${unit} `)).length;
      assert(times >= 1 && times <= 2, `unit ${unit} was written ${times} times`);
    }
  });
}
