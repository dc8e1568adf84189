import fc from "fast-check";
import { assertEquals } from "../../std_assert.ts";
import { pack, paddedColumns, unpack } from "./panels.ts";

Deno.test("unpack() gives back what pack() was given, and padding stays zero", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 19 }),
      fc.integer({ min: 1, max: 30 }),
      fc.boolean(),
      (rows, columns, transposed) => {
        const matrix = Float32Array.from({ length: rows * columns }, (_, i) => i + 1);
        const shape = { rows, columns, transposed };
        const stored = new Float32Array(rows * paddedColumns(columns));
        pack(matrix, shape, stored);
        const back = new Float32Array(matrix.length);
        unpack(stored, shape, back);
        assertEquals(back, matrix);
        assertEquals(stored.filter((w) => w !== 0).length, matrix.length);
      },
    ),
  ));

Deno.test("pack() interleaves four rows, four columns at a time", () => {
  const stored = new Float32Array(5 * 8);
  pack(Float32Array.from({ length: 40 }, (_, i) => i), {
    rows: 5,
    columns: 8,
    transposed: false,
  }, stored);
  assertEquals(Array.from(stored.subarray(0, 8)), [0, 1, 2, 3, 8, 9, 10, 11]);
  assertEquals(Array.from(stored.subarray(16, 20)), [4, 5, 6, 7]);
  assertEquals(Array.from(stored.subarray(32)), [32, 33, 34, 35, 36, 37, 38, 39]);
});
