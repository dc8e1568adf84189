/** Numbers of bfloat16. */
import { assert, assertEquals } from "../std_assert.ts";
import { fromBfloat, toBfloat, toBfloatByChance } from "./bfloat.ts";
import { noise } from "./noise.ts";

Deno.test("every bfloat comes back, rounded to the nearest or by chance", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromBfloat(bits);
    if (Number.isNaN(value)) {
      assert(Number.isNaN(fromBfloat(toBfloat(value))));
      assert(Number.isNaN(fromBfloat(toBfloatByChance(value, bits))));
      continue;
    }
    assertEquals(toBfloat(value), bits);
    assertEquals(toBfloatByChance(value, 0xffffffff), bits);
  }
});

Deno.test("toBfloat() rounds to the nearest, ties to even, and past the end to infinity", () => {
  const cases: [number, number][] = [
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    [-0.1, -0.10009765625],
    [3.4e38, Infinity],
  ];
  for (const [value, want] of cases) assertEquals(fromBfloat(toBfloat(value)), want, `${value}`);
  assert(Number.isFinite(fromBfloat(toBfloatByChance(3.4e38, 0xffffffff))));
});

Deno.test("rounding to bfloat by chance is right on average", () => {
  for (const value of [0.1, -1.2345, 3.3e-5, 1e-39]) {
    const count = 1 << 16;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const word = noise({ seed: 1, step: 2, unit: 3, matrix: 0 }, i >> 8, i & 255);
      sum += fromBfloat(toBfloatByChance(value, word));
    }
    const grid = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value))) - 7), 2 ** -133);
    const off = (sum / count - Math.fround(value)) / grid;
    assert(Math.abs(off) < 0.01, `${value} is ${off} of a grid step off`);
  }
});
