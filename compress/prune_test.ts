/** What is pruned. */
import { backend as reference } from "../backends/reference/backend.ts";
import { buildPlan } from "../conformance/plans.ts";
import { CORE, type Recipe, recipes } from "../conformance/recipe.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint, initialWeights, weightSource } from "../model/initialise.ts";
import { layerOf, type Plan, unitCount } from "../model/plan.ts";
import { matricesOf } from "../model/weight_format.ts";
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import fc from "fast-check";
import { densityOf, prune } from "./prune.ts";

const recipe: Recipe = {
  ...fc.sample(
    recipes(CORE),
    {
      numRuns: 1,
      seed: 3,
    },
  )[0]!,
  rule: "2016",
  layers: [3, 2],
  hidden: 7,
  width: 6,
  height: 5,
  density: 100,
};
const plan = buildPlan(recipe);

/** A state of distinct weights. */
function state(of: Plan = plan) {
  const checkpoint = initialCheckpoint(of);
  const draw = weightSource(11);
  const tensors = { ...checkpoint.tensors };
  for (const name of Object.keys(tensors)) {
    if (/coder/.test(name)) tensors[name] = tensors[name]!.map(() => draw());
  }
  return { ...checkpoint, tensors };
}

Deno.test("a density of 1 prunes nothing", () => {
  const before = state();
  const { plan: pruned, checkpoint } = prune(plan, before, { density: 1 });
  assertEquals(densityOf(pruned), 1);
  assertEquals(checkpoint, before);
});

Deno.test("weights are pruned by their size, and with scope matrix in every matrix alike", () => {
  const before = state();
  const copy = structuredClone(before);
  const { plan: { mask }, checkpoint: { tensors } } = prune(plan, before, {
    density: 0.3,
    scope: "matrix",
  });
  assertEquals(before, copy);
  for (const { name, begin, rows, columns } of matricesOf(plan)) {
    const length = rows * columns;
    const sizes = before.tensors[name]!.slice(begin, begin + length).map(Math.abs);
    const kept = mask[name].slice(begin, begin + length);
    assertEquals(kept.filter((bit) => bit === 1).length, Math.max(Math.round(0.3 * length), 1));
    const most = Math.max(...sizes.filter((_: number, i: number) => kept[i] === 0));
    const least = Math.min(...sizes.filter((_: number, i: number) => kept[i] === 1));
    assert(most <= least, `${name}: ${most} is pruned, ${least} is kept`);
  }
  for (const name of ["encoder", "decoder"] as const) {
    for (const [i, bit] of mask[name].entries()) {
      for (const tensor of [name, `${name}.momentum`]) {
        assertEquals(tensors[tensor]![i], bit === 1 ? before.tensors[tensor]![i] : 0);
      }
    }
  }
});

/** A model of rule saccade some of whose weights learning has moved, each by a distance of its own, and by how much. */
function moved(of: Plan) {
  const checkpoint = initialCheckpoint(of);
  const draw = weightSource(7);
  const far = {
    encoder: checkpoint.tensors["encoder"]!.map(() => draw() / 100),
    decoder: checkpoint.tensors["decoder"]!.map(() => draw() / 100),
  };
  const tensors = { ...checkpoint.tensors };
  for (const name of ["encoder", "decoder"] as const) {
    tensors[name] = tensors[name]!.map((weight, i) => weight + far[name][i]!);
  }
  return { checkpoint: { ...checkpoint, tensors }, far };
}

Deno.test("under rule saccade weights count by how far they are from where they began", () => {
  const whole = compilePlan(builtinSpec("tiny"));
  const { checkpoint, far } = moved(whole);
  const { plan: { mask } } = prune(whole, checkpoint, { density: 0.3, scope: "matrix" });
  for (const { name, begin, rows, columns } of matricesOf(whole)) {
    let [most, least] = [0, Infinity];
    for (let i = begin; i < begin + rows * columns; i++) {
      const distance = Math.abs(far[name][i]!);
      if (mask[name][i] === 1) least = Math.min(least, distance);
      else most = Math.max(most, distance);
    }
    // Weights are rounded to f32 where they are, not where they began.
    assert(most <= least + 1e-7, `${name}: ${most} is pruned, ${least} is kept`);
  }
});

Deno.test("in all of a model distances of encoders count twice, and those above layer 0 half", () => {
  const whole = compilePlan(builtinSpec("tiny"));
  const { checkpoint, far } = moved(whole);
  const { plan: { mask } } = prune(whole, checkpoint, { density: 0.5 });
  const layers = layerOf(whole);
  let [most, least] = [0, Infinity];
  for (const { name, unit, begin, rows, columns } of matricesOf(whole)) {
    const kept = mask[name].subarray(begin, begin + rows * columns);
    const density = kept.reduce((sum, bit) => sum + bit, 0) / kept.length;
    for (let i = 0; i < kept.length; i++) {
      const distance = Math.abs(far[name][begin + i]!) * (name === "encoder" ? 2 : 1) *
        (layers[unit]! > 0 ? 0.5 : 1);
      // A matrix at its least keeps more than its weights are worth.
      if (kept[i] === 0) most = Math.max(most, distance);
      else if (density > 0.26) least = Math.min(least, distance);
    }
  }
  assert(most <= least + 1e-7, `${most} is pruned, ${least} is kept`);
});

Deno.test("a model that began elsewhere is compared with where it began", () => {
  const whole = compilePlan(builtinSpec("tiny"));
  const other = compilePlan(builtinSpec("tiny", { fields: { seed: 9 } }));
  const { checkpoint } = moved(other);
  const initial = () => initialWeights(other);
  const density = 0.3;
  const { mask } = prune(other, checkpoint, { density }).plan;
  assertEquals(prune(whole, checkpoint, { density, initial }).plan.mask, mask);
  const { encoder } = prune(whole, checkpoint, { density }).plan.mask;
  assert(encoder.some((bit, i) => bit !== mask.encoder[i]), "where it began made no difference");
});

for (const [rows, columns] of [[4, 1], [1, 4], [4, 4], [2, 3], [7, 1]] as const) {
  Deno.test(`blocks of ${rows}x${columns} are kept or pruned as one, those at the end cut`, () => {
    const { plan: { mask } } = prune(plan, state(), { density: 0.4, blocks: { rows, columns } });
    const density = densityOf({ mask });
    assert(density > 0.25 && density < 0.55, `${density}`);
    for (const { name, begin, rows: m, columns: n } of matricesOf(plan)) {
      // The decoder is taken hidden-major: its rows are the hidden units, too.
      const [height, width] = name === "encoder" ? [m, n] : [n, m];
      const bit = (i: number, j: number) =>
        mask[name][begin + (name === "encoder" ? i * n + j : j * n + i)]!;
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          assertEquals(bit(i, j), bit(i - i % rows, j - j % columns), `${name} ${i} ${j}`);
        }
      }
    }
  });
}

Deno.test("scopes: a layer, and the model, share their density; a matrix keeps half of it", () => {
  const before = state();
  const quiet = { ...before.tensors, encoder: before.tensors["encoder"]!.slice() };
  const [first] = matricesOf(plan);
  const { begin, rows, columns } = first!;
  for (let i = begin; i < begin + rows * columns; i++) quiet.encoder[i]! *= 1e-3;
  for (const scope of ["layer", undefined] as const) {
    const pruned = prune(plan, { ...before, tensors: quiet }, {
      density: 0.3,
      ...(scope === undefined ? {} : { scope }),
    }).plan;
    const kept = pruned.mask.encoder.slice(begin, begin + rows * columns);
    const least = Math.round(0.15 * rows * columns);
    assertEquals(kept.filter((bit) => bit === 1).length, least, scope);
    const sizes = quiet.encoder.slice(begin, begin + rows * columns).map(Math.abs).sort();
    assert(
      kept.every((bit, i) => bit === 0 || Math.abs(quiet.encoder[begin + i]!) >= sizes.at(-least)!),
    );
    assert(Math.abs(densityOf(pruned) - 0.3) < 0.01, `${densityOf(pruned)}`);
  }
});

Deno.test("what was pruned stays pruned, step by step as at once", () => {
  let gradual: { plan: Plan; checkpoint: ReturnType<typeof state> } = {
    plan,
    checkpoint: state(),
  };
  for (const density of [0.7, 0.4, 0.2]) {
    const before = gradual.plan.mask;
    gradual = prune(gradual.plan, gradual.checkpoint, { density }) as typeof gradual;
    for (const name of ["encoder", "decoder"] as const) {
      assert(gradual.plan.mask![name].every((bit, i) => bit === 0 || before?.[name][i] !== 0));
    }
  }
  assertEquals(gradual.plan.mask, prune(plan, state(), { density: 0.2 }).plan.mask);
  // Weights of exactly 0 that are kept do not come back in the place of pruned ones.
  const once = prune(plan, state(), { density: 0.5 });
  const zeros = {
    ...once.checkpoint.tensors,
    encoder: once.checkpoint.tensors["encoder"]!.map(() => 0),
  };
  const twice = prune(once.plan, { ...once.checkpoint, tensors: zeros }, { density: 0.5 });
  assertEquals(twice.plan.mask, once.plan.mask);
});

Deno.test("a pruned model runs on the reference, and learns on what is left", async () => {
  const { plan: pruned, checkpoint } = prune(plan, state(), { density: 0.3 });
  await using device = await reference.open("f32");
  await using session = await device.load(pruned, checkpoint);
  const frame = new Uint8Array(6 * 5 * 3);
  for (let i = 0; i < 4; i++) {
    session.step({ frame: frame.map((_, j) => (j * 37 + i * 51) % 256) });
  }
  const { tensors } = await session.save();
  assertEquals(unitCount(pruned), 5);
  for (const name of ["encoder", "decoder"] as const) {
    assert(pruned.mask[name].every((bit, i) => bit === 1 || tensors[name]![i] === 0));
  }
});

Deno.test("densities and blocks that make no sense are refused", () => {
  for (const density of [0, -1, 1.5, NaN]) {
    assertThrows(() => prune(plan, state(), { density }), RangeError, "above 0 and at most 1");
  }
  const blocks = (rows: number, columns: number) => () =>
    prune(plan, state(), { density: 0.5, blocks: { rows, columns } });
  assertThrows(blocks(0, 1), RangeError, "4x1, not 0x1");
  assertThrows(blocks(1, 2.5), RangeError, "not 1x2.5");
  assertThrows(blocks(8, 1), RangeError, "do not fit: the model has 7 hidden outputs");
});
