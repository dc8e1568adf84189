/** Numbers of 16 bits. */
import { assert, assertEquals } from "../std_assert.ts";
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
