/** Numbers of 16 bits, and how weights stored in them learn. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { offsetsOf, type Plan } from "../../model/plan.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { ALL_LEARN, inputs } from "../../tests/agreement.ts";
import { deviation } from "../../conformance/tolerance.ts";
import { needing } from "../../tests/needs.ts";
import { referenceBackend } from "../reference/backend.ts";
import { product, transposed, update } from "../reference/passes.ts";
import { webgpuBackend } from "./backend.ts";
import { fromHalf, toHalf, toHalfByChance } from "./half.ts";
import { noise } from "./noise.ts";

Deno.test("every number of 16 bits comes back, rounded to the nearest or by chance", () => {
  for (let half = 0; half < 0x10000; half++) {
    const value = fromHalf(half);
    if (Number.isNaN(value)) {
      assert(Number.isNaN(fromHalf(toHalf(value))));
      assert(Number.isNaN(fromHalf(toHalfByChance(value, half))));
      continue;
    }
    assertEquals(toHalf(value), half);
    // Whatever the noise: what needs no rounding is not rounded.
    assertEquals(toHalfByChance(value, Math.imul(half, 0x9e3779b1) >>> 0), half);
    assertEquals(toHalfByChance(value, 0xffffffff), half);
  }
});

Deno.test("toHalf() rounds to the nearest, ties to even, and past the end to infinity", () => {
  const cases: [number, number][] = [
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2 ** -23],
    [2 ** -14 - 2 ** -26, 2 ** -14],
    [65519, 65504],
    [65520, Infinity],
    [-0.1, -0.0999755859375],
  ];
  for (const [value, want] of cases) assertEquals(fromHalf(toHalf(value)), want, `${value}`);
});

Deno.test("rounding by chance is right on average, above and below 2^-14, and stays in range", () => {
  for (const value of [0.1, -1.2345, 3.3e-5, -7e-8, 1e-9]) {
    let sum = 0;
    const count = 1 << 16;
    for (let i = 0; i < count; i++) {
      const word = noise({ seed: 1, step: 2, unit: 3, matrix: 0 }, i >> 8, i & 255);
      sum += fromHalf(toHalfByChance(value, word));
    }
    const grid = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value))) - 10), 2 ** -24);
    const off = (sum / count - Math.fround(value)) / grid;
    assert(Math.abs(off) < 0.01, `${value} is ${off} of a grid step off`);
  }
  assertEquals(fromHalf(toHalfByChance(1e6, 0xffffffff)), 65504);
  assertEquals(fromHalf(toHalfByChance(-Infinity, 5)), -Infinity);
});

/** noise(1, 2, 3, 0, 4, 5) by another program, in Python with integers modulo 2^32. */
const PYTHON = 418057510;

Deno.test("noise() is what its definition says, and differs in each of its arguments", () => {
  const of = { seed: 1, step: 2, unit: 3, matrix: 0 } as const;
  assertEquals(noise(of, 4, 5), PYTHON);
  const others = [
    noise({ ...of, seed: 2 }, 4, 5),
    noise({ ...of, step: 3 }, 4, 5),
    noise({ ...of, unit: 4 }, 4, 5),
    noise({ ...of, matrix: 1 }, 4, 5),
    noise(of, 5, 5),
    noise(of, 4, 6),
    noise(of, 5, 4),
  ];
  assertEquals(new Set([PYTHON, ...others]).size, 8);
});

/** The reference with weights rounded by chance after every update. */
function referenceF16(plan: Plan, clock: { step: number }) {
  const at = offsetsOf(plan);
  return referenceBackend("f16", {
    transposed,
    product,
    update(matrix, rate, mu, d, x, bias) {
      update(matrix, rate, mu, d, x, bias);
      const isDecoder = bias !== undefined;
      const begins = isDecoder ? at.decoder : at.encoder;
      const unit = begins.indexOf(matrix.weights.byteOffset / 4);
      const of = { seed: plan.seed, step: clock.step, unit, matrix: isDecoder ? 1 : 0 } as const;
      const columns = matrix.weights.length / d.length;
      for (let row = 0; row < d.length; row++) {
        for (let column = 0; column < columns; column++) {
          const i = row * columns + column;
          const word = noise(of, row, column);
          matrix.weights[i] = fromHalf(toHalfByChance(matrix.weights[i]!, word));
        }
      }
    },
  });
}

for (const rule of ["saccade", "2016"] as const) {
  await needing(
    ["gpu"],
    `webgpu:f16 learns as the reference with rounded weights: ${rule}`,
    async () => {
      const fields = rule === "2016"
        ? { ...ALL_LEARN, initial_learning_rate: 0.02 }
        : { motion: 0 };
      const plan = compilePlan(builtinSpec("tiny", { rule, fields }));
      const initial = initialCheckpoint(plan);
      const tensors = { ...initial.tensors };
      for (const name of ["encoder", "decoder"]) {
        tensors[name] = tensors[name]!.map((weight) => fromHalf(toHalf(weight)));
      }
      const clock = { step: 0 };
      await using device = await webgpuBackend().open("f16");
      await using other = await referenceF16(plan, clock).open("f32");
      await using a = await device.load(plan, initial);
      await using b = await other.load(plan, { ...initial, tensors });
      for (const input of inputs(plan, 10)) {
        await a.step(input);
        await b.step(input);
        clock.step++;
      }
      const [got, want] = [(await a.save()).tensors, (await b.save()).tensors];
      for (const name of ["encoder", "decoder"]) {
        // Where sums differ in their last bits a weight falls on the other side of its noise, now and then.
        let same = 0;
        let moved = 0;
        for (const [i, weight] of want[name]!.entries()) {
          same += Number(weight === got[name]![i]);
          moved += Number(weight !== tensors[name]![i]);
        }
        const total = want[name]!.length;
        assert(moved > 0.2 * total, `${name}: ${moved} of ${total} weights moved`);
        assert(same > 0.98 * total, `${name}: ${same} of ${total} weights are the same`);
      }
      const off = deviation(got["prediction"]!, want["prediction"]!);
      assert(off < 5e-3, `prediction deviates by ${off}`);
    },
  );
}
