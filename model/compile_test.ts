import { assert, assertEquals } from "../std_assert.ts";
import { golden } from "../tests/golden.ts";
import { BUILTIN_NAMES, builtinSpec } from "./builtin.ts";
import { compilePlan } from "./compile.ts";
import { parseSpec } from "./parse_spec.ts";
import { hashPlan, lengths, offsetsOf, signalLengths, unitCount, weightCount } from "./plan.ts";

const zoo = golden("zoo_stats").models;

for (const [name, { options, stats }] of Object.entries<ZooModel>(zoo)) {
  Deno.test(`compilePlan() gives the release's "${name}" its units, inputs and weights`, () => {
    const plan = compilePlan(parseSpec({ ...options, version_major: "1" }));
    assertEquals(unitCount(plan), stats.units);
    assertEquals(plan.frame.width, stats.img);
    assertEquals(weightCount(plan), stats.primary);
    const { encoder, decoder } = offsetsOf(plan);
    for (const want of stats.layers) {
      const [begin, end] = [plan.layerStart[want.layer]!, plan.layerStart[want.layer + 1]!];
      assertEquals(end - begin, want.units);
      const weights = encoder[end]! - encoder[begin]! + decoder[end]! - decoder[begin]!;
      assertEquals(weights, want.weights);
      const inputs = [...plan.inputs.subarray(begin, end)].map((n) => n - 1);
      assertEquals(Math.min(...inputs), want.ninp_total[0]);
      assertEquals(Math.max(...inputs), want.ninp_total[2]);
      const mean = inputs.reduce((a, b) => a + b) / inputs.length;
      assert(Math.abs(mean - want.ninp_total[1]!) < 0.06, `mean inputs ${mean}`);
    }
  });
}

interface ZooModel {
  options: Record<string, unknown>;
  stats: {
    units: number;
    img: number;
    primary: number;
    layers: { layer: number; units: number; weights: number; ninp_total: number[] }[];
  };
}

Deno.test("built-in models of rule 2016 are those of the zoo", () => {
  const keys: Record<string, string> = {
    small: "blog small 12-8-6-4-2-1 (very_deep flags; = PVM_cuda small.json)",
    large: "blog large 20-16-12-8-6-4-2-1 (very_deep flags)",
    classic: "classic_medium = experiment1_{face,green_ball,stop_sign} = experiment2",
    very_deep: "very_deep",
  };
  for (const [name, key] of Object.entries(keys)) {
    assertEquals(builtinSpec(name, { rule: "2016" }), parseSpec(zoo[key].options));
  }
});

Deno.test("small has 12.5 M weights without motion and 13.0 M with (learning-rule, Options)", () => {
  const millions = (motion: number) =>
    (weightCount(compilePlan(builtinSpec("small", { fields: { motion } }))) / 1e6).toFixed(1);
  assertEquals([millions(0), millions(3)], ["12.5", "13.0"]);
});

Deno.test("every unit's inputs are its features, contexts and bias", () => {
  for (const name of BUILTIN_NAMES) {
    const plan = compilePlan(builtinSpec(name));
    const features = [lengths(plan.window), lengths(plan.motion), lengths(plan.context)];
    const signal = signalLengths(plan);
    for (let u = 0; u < unitCount(plan); u++) {
      const upper = u >= plan.layerStart[1]! ? signal[u]! : 0;
      assertEquals(plan.inputs[u], features.reduce((sum, f) => sum + f[u]!, upper + 1));
    }
  }
});

Deno.test("equal specifications make equal hashes, other seeds other ones", async () => {
  const hash = (seed: number) => hashPlan(compilePlan(builtinSpec("tiny", { fields: { seed } })));
  assertEquals(await hash(1), await hash(1));
  assert(await hash(1) !== await hash(2));
});

Deno.test("a plan survives structuredClone", async () => {
  const plan = compilePlan(builtinSpec("tiny"));
  assertEquals(await hashPlan(structuredClone(plan)), await hashPlan(plan));
});

Deno.test("a shift candidate adds its patch and no weights; without one a plan says nothing of it", () => {
  const plan = (shift_radius: number) =>
    compilePlan(builtinSpec("tiny", { fields: { shift_radius } }));
  const [without, with_] = [plan(0), plan(2)];
  assert(!("patch" in without) && !("shift" in without.rule));
  assertEquals(weightCount(with_), weightCount(without));
  const patch = lengths(with_.patch!);
  const ground = with_.layerStart[1]!;
  assert(patch.every((length, u) => length === (u < ground ? 15 * 15 * 3 : 0)));
});

Deno.test("own_delays give each unit its own hidden outputs of longer ago, behind its other contexts", () => {
  const plan = (own_delays: unknown) =>
    compilePlan(builtinSpec("tiny", { fields: { own_delays } }));
  const [without, with_] = [plan(""), plan([2, 4])];
  assertEquals([without.maxDelay, with_.maxDelay], [1, 4]);
  const { start, index, delay } = with_.context;
  for (let u = 0; u < unitCount(with_); u++) {
    assertEquals(with_.inputs[u], without.inputs[u]! + 2 * with_.hidden);
    const last = start[u + 1]!;
    const own = with_.frame.width * with_.frame.height * 3 + with_.external.motion +
      u * with_.hidden;
    assertEquals([...index.subarray(last - 2, last)], [own, own]);
    assertEquals([...delay.subarray(start[u]!, last - 2)].every((d) => d === 1), true);
    assertEquals([...delay.subarray(last - 2, last)], [2, 4]);
  }
});

Deno.test("skip_below has a threshold for each layer, the last for all above; a plan without one says nothing of it", () => {
  const plan = (skip_below: unknown) =>
    compilePlan(builtinSpec("tiny", { fields: { skip_below } }));
  assert(!("skipBelow" in plan(0)) && !("skipBelow" in plan([0, 0])));
  assertEquals(plan(1e-5).skipBelow, [1e-5, 1e-5, 1e-5, 1e-5]);
  assertEquals(plan("1e-5,0").skipBelow, [1e-5, 0, 0, 0]);
});
