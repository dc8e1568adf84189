/** Numbers of fixed point. */
import fc from "fast-check";
import { assert, assertEquals } from "../std_assert.ts";
import { addChange, changeOf, halve, MOST_STEPS, scaleOf, upperByte } from "./fixed_point.ts";

const word = fc.integer({ min: 0, max: 0xffffffff });
const steps = fc.integer({ min: -MOST_STEPS, max: MOST_STEPS });
const term = fc.float({ noNaN: true });

Deno.test("scaleOf() is the smallest power of two that holds a row, and no smaller than 2^-20", () => {
  assertEquals(scaleOf(0), 2 ** -20);
  assertEquals(scaleOf(32638 * 2 ** -18), 2 ** -18);
  assertEquals(scaleOf(32638.4), 1);
  assertEquals(scaleOf(32638.5), 2);
});

Deno.test("changeOf() counts in 1/65536 of a step, towards 0, and cuts what is too much", () => {
  assertEquals(changeOf(3 * 2 ** -10, 2 ** -10), 3 * 65536);
  assertEquals(changeOf(-(2 ** -27), 2 ** -10), -0 | 0);
  assertEquals(changeOf(-1.5 * 2 ** -26, 2 ** -10), -1);
  assertEquals(changeOf(1, 2 ** -24), 2 ** 30);
  assertEquals(changeOf(-Infinity, 1), -(2 ** 30));
  assertEquals(changeOf(NaN, 1), 2 ** 30);
});

Deno.test("whatever the change, one halving brings a row back", () =>
  fc.assert(fc.property(steps, term, word, (q, change, noise) => {
    const after = addChange(q, changeOf(change, 1), noise);
    assert(Number.isInteger(after));
    assert(Math.abs(halve(after, noise)) <= MOST_STEPS, `${q} + ${change} is ${after}`);
  })));

Deno.test("a change of 0 is none, whatever the noise", () =>
  fc.assert(fc.property(steps, word, (q, noise) => assertEquals(addChange(q, 0, noise), q))));

Deno.test("changes and halvings are right on average over all noise", () => {
  for (const change of [1, 70000, -1, -30000, 65535]) {
    let sum = 0;
    for (let n = 0; n < 65536; n++) sum += addChange(5, change, n * 65536);
    assertEquals(sum / 65536, 5 + change / 65536);
  }
  for (const q of [7, -7, 32769]) assertEquals((halve(q, 0) + halve(q, 0x10000)) / 2, q / 2);
});

Deno.test("upperByte() is within half a byte's step", () =>
  fc.assert(fc.property(steps, (q) => {
    assert(Math.abs(upperByte(q)) <= 127);
    assert(Math.abs(256 * upperByte(q) - q) <= 128, `${q} is read as ${upperByte(q)}`);
  })));
