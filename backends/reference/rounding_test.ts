/** How narrow weights learn. */
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { MOST_STEPS } from "../../model/fixed_point.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { fromBfloat, toBfloatByChance } from "../../model/bfloat.ts";
import { fromHalf, toHalfByChance } from "../../model/half.ts";
import { noise } from "../../model/noise.ts";
import type { Plan } from "../../model/plan.ts";
import { NARROW_FORMATS, roundToFormat } from "../../model/weight_format.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { ALL_LEARN, inputs } from "../../tests/agreement.ts";
import { backend } from "./backend.ts";
import { update } from "./passes.ts";
import type { Rounding } from "./rounding.ts";

const clock = { seed: 7, step: 3 };

/** A 2 x 3 encoder in one step. */
function learnOnce(format: Rounding["format"], weights: number[], d: number[], x: number[]) {
  const scale = Float32Array.of(2 ** -10, 2 ** -10);
  const matrix = {
    weights: Float32Array.from(weights),
    rounding: { format, clock, unit: 5, matrix: 0, scale } as const,
  };
  update(matrix, 1, 0, Float32Array.from(d), Float32Array.from(x));
  return { weights: [...matrix.weights], scale: [...scale] };
}

const word = (row: number, column: number) => noise({ ...clock, unit: 5, matrix: 0 }, row, column);

Deno.test("a weight of fixed point moves by whole steps: the upper half of its noise decides", () => {
  const d = [1, -1];
  const x = [0.3 * 2 ** -10, 5.5 * 2 ** -10, 0];
  const { weights } = learnOnce("i16", [0, 0, 9 * 2 ** -10, 0, 0, 0], d, x);
  const want = d.flatMap((sign, i) =>
    [...x.keys()].map((j) => {
      const change = Math.trunc(Math.fround(Math.fround(x[j]!) * sign) * 2 ** 26);
      const before = i === 0 && j === 2 ? 9 : 0;
      return (before + Math.floor((change + Math.floor(word(i, j) / 65536)) / 65536)) * 2 ** -10;
    })
  );
  assertEquals(weights, want);
});

for (const format of ["bf16", "f16"] as const) {
  Deno.test(`a weight of ${format} is rounded by the noise of its place`, () => {
    const before = [0.5, -0.25, 1, 0, 3, -0.125];
    const [d, x] = [[1, -0.3], [1e-3, 2e-4, -7e-5]];
    const { weights } = learnOnce(format, before, d, x);
    const want = before.map((weight, at) => {
      const [i, j] = [Math.floor(at / 3), at % 3];
      const term = Math.fround(Math.fround(d[i]!) * Math.fround(x[j]!));
      const value = Math.fround(weight + term);
      return format === "f16"
        ? fromHalf(toHalfByChance(value, word(i, j)))
        : fromBfloat(toBfloatByChance(value, word(i, j)));
    });
    assertEquals(weights, want);
  });
}

Deno.test("momentum is f32, rounded after every operation, and what is added", () => {
  const momentum = Float32Array.of(0.1, 0.2, 0.3);
  const matrix = {
    weights: new Float32Array(3),
    momentum,
    rounding: {
      format: "i16",
      clock,
      unit: 5,
      matrix: 0,
      scale: Float32Array.of(2 ** -10),
    } as const,
  };
  const x = Float32Array.of(0.01, 0.02, 0.03);
  const want = x.map((value, j) =>
    Math.fround(
      Math.fround(Math.fround(0.7) * value) + Math.fround(Math.fround(0.9) * momentum[j]!),
    )
  );
  update(matrix, 0.7, 0.9, Float32Array.of(1), x);
  assertEquals(momentum, want);
  const steps = want.map((term, j) =>
    (Math.trunc(term * 2 ** 26) + Math.floor(word(0, j) / 65536)) >> 16
  );
  assertEquals([...matrix.weights], [...steps].map((q) => q * 2 ** -10));
});

Deno.test("a row that grows beyond 32638 is halved, and its scale doubles; other rows stay", () => {
  const step = 2 ** -10;
  const before = [32638 * step, 7 * step, 8 * step, 7 * step, 1 * step, 0];
  const { weights, scale } = learnOnce("i16", before, [1, 0], [3 * step, 0, 0]);
  assertEquals(scale, [2 * step, step]);
  assertEquals(weights.slice(3), before.slice(3));
  const bit = (column: number) => Math.floor(word(0, column) / 0x10000) % 2;
  const want = [32641, 7, 8].map((q, column) => Math.floor((q + bit(column)) / 2) * 2 * step);
  assertEquals(weights.slice(0, 3), want);
});

Deno.test("the columns of a decoder have the scales", () => {
  const scale = Float32Array.of(2 ** -4, 2 ** -10);
  const matrix = {
    weights: Float32Array.of(1, 2 ** -10, 2, 32638 * 2 ** -10),
    rounding: { format: "i8", clock, unit: 0, matrix: 1, scale } as const,
    visible: new Float32Array(4),
  };
  update(matrix, 1, 0, Float32Array.of(0, 1), Float32Array.of(0), 2 ** -9);
  assertEquals([...scale], [2 ** -4, 2 ** -9]);
  assertEquals(matrix.weights[0], 1);
  // 32640 is halved to 16320: 64 upper bytes.
  assertEquals(matrix.visible[3], 64);
});

async function run(plan: Plan, id: string, steps: number, from?: Checkpoint) {
  await using device = await backend.open(id);
  await using session = await device.load(plan, from ?? initialCheckpoint(plan));
  const begin = from?.step ?? 0;
  for (const input of inputs(plan, begin + steps).slice(begin)) await session.step(input);
  return { saved: await session.save(), mse: (await session.report()).mse };
}

/** How much worse a model may be that was just begun: few values are coarse. */
const MOST_WORSE: Readonly<Record<string, number>> = { codebook4: 0.1, codebook2: 0.2 };

for (const format of NARROW_FORMATS) {
  for (const rule of ["saccade", "2016"] as const) {
    const fields = rule === "2016"
      ? { ...ALL_LEARN, initial_learning_rate: 0.02, predict_two_steps: true }
      : { motion: 2 };
    const spec = builtinSpec("tiny", { rule, fields });
    const plan = compilePlan({ ...spec, format });

    Deno.test(`${format}, rule ${rule}: stays on the grid, resumes bit for bit`, async () => {
      const whole = await run(plan, "f32", 12);
      const half = await run(plan, "f32", 5);
      const rest = await run(plan, "f32", 7, half.saved);
      assertEquals(rest.saved, whole.saved);
      const { tensors } = whole.saved;
      for (const name of ["encoder", "decoder"]) {
        const scales = tensors[`${name}.scale`] ?? [];
        assert(scales.every((scale: number) => Number.isInteger(Math.log2(scale))));
        const again = roundToFormat(plan, tensors)[name]!;
        const off = again.findIndex((weight: number, i: number) => weight !== tensors[name]![i]);
        assertEquals(off, -1, `${name}[${off}] is not on the grid`);
      }
      const first = initialCheckpoint(plan).tensors;
      for (const name of ["encoder", "decoder"]) {
        const moved = tensors[name]!.filter((w: number, i: number) => w !== first[name]![i]);
        // Decoders of two bits read as 0 at first, and encoders learn from what these send back.
        const share = format === "codebook2" && name === "encoder" ? 0.001 : 0.2;
        assert(moved.length > share * tensors[name]!.length, `${name}: ${moved.length} have moved`);
      }
    });

    Deno.test(`${format}, rule ${rule}: learns what f32 learns`, async () => {
      const [narrow, wide] = [await run(plan, "f32", 40), await run(compilePlan(spec), "f32", 40)];
      const layers = plan.layerStart.length - 1;
      const late = (mse: Float64Array) =>
        mse.filter((_, i) => i % layers === 0 && i >= 20 * layers).reduce((a, b) => a + b, 0);
      const [a, b] = [late(narrow.mse), late(wide.mse)];
      assert(Math.abs(a / b - 1) < (MOST_WORSE[format] ?? 0.03), `errors of ${a} instead of ${b}`);
    });
  }
}

Deno.test("a weight never goes beyond 32767 of its steps", async () => {
  const spec = builtinSpec("tiny", { fields: { motion: 0, decoder_rate: 4, format: "i8" } });
  const plan = compilePlan(spec);
  const { saved: { tensors } } = await run(plan, "f32", 30);
  const least = Math.min(...tensors["decoder.scale"]!);
  assert(least > 2 ** -24, `no scale has doubled: ${least}`);
  const H = plan.hidden + 1;
  const unit0 = tensors["decoder"]!.subarray(0, plan.outputs[0]! * H);
  for (const [i, weight] of unit0.entries()) {
    assert(Math.abs(weight / tensors["decoder.scale"]![i % H]!) <= MOST_STEPS);
  }
});
