/** Vectors of seven bits. */
import fc from "fast-check";
import { assert, assertEquals } from "../../std_assert.ts";
import { levelsOf } from "./levels.ts";

function levels(...values: number[]): [number[], number] {
  const out = new Float32Array(values.length);
  const scale = levelsOf(values, out);
  return [[...out], scale];
}

Deno.test("levelsOf() gives the largest value 63 levels, and rounds the others to the nearest, ties to even", () => {
  assertEquals(levels(-126, 2, 3, 5, -1, 0), [[-63, 1, 2, 2, -0, 0], 2]);
});

Deno.test("levelsOf() gives nothing where there is nothing, and no numbers where there are none", () => {
  assertEquals(levels(0, 0), [[0, 0], 0]);
  assertEquals(levels(2 ** -110, 0)[0], [0, 0]);
  assertEquals(levels(1, NaN), [[0, 0], NaN]);
  assertEquals(levels(1, -Infinity), [[0, 0], Infinity]);
});

Deno.test("levelsOf() is within half a level", () =>
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })), (values) => {
      const [out, scale] = levels(...values);
      for (const [i, value] of values.entries()) {
        assert(Math.abs(out[i]!) <= 63 && Number.isInteger(out[i]!));
        assert(Math.abs(out[i]! * scale - value) <= 0.5001 * scale + 2 ** -100);
      }
    }),
  ));
