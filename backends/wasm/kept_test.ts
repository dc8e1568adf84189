import { assertEquals } from "../../std_assert.ts";
import { eachKept, isInOcts, keptOf } from "./kept.ts";

/** Two rows of 13 columns. */
const SHAPE = { rows: 2, columns: 13, transposed: false };
const maskOf = (...rows: string[]) => Uint8Array.from(rows.join(""), Number);

Deno.test("keptOf() lists the quads in which anything is kept, and says whether only parts are", () => {
  const { starts, index, partial } = keptOf(maskOf("1111000000001", "0000011000000"), SHAPE);
  assertEquals([...starts], [0, 2, 3]);
  // The last quad has one column only.
  assertEquals([...index], [15 << 12 | 0, 1 << 12 | 3, 6 << 12 | 1]);
  assertEquals(partial, true);
  assertEquals(keptOf(maskOf("1111000000001", "0000111100000"), SHAPE).partial, false);
});

Deno.test("isInOcts() wants eight neighbours to be kept or pruned as one", () => {
  assertEquals(isInOcts(maskOf("1111111100000", "0000000011111"), SHAPE), true);
  assertEquals(isInOcts(maskOf("1111000000000", "0000000011111"), SHAPE), false);
  assertEquals(isInOcts(maskOf("0000111111110", "0000000000000"), SHAPE), false);
  // Four columns of the decoder of 13 outputs, as a checkpoint has it: [outputs, H + 1].
  const transposed = { rows: 2, columns: 13, transposed: true };
  assertEquals(isInOcts(Uint8Array.from({ length: 26 }, (_, i) => 1 - i % 2), transposed), true);
  assertEquals(
    isInOcts(Uint8Array.from({ length: 26 }, (_, i) => i === 3 ? 1 : 0), transposed),
    false,
  );
});

Deno.test("keptOf() in octs lists columns and rows; the last oct has padding", () => {
  const shape = { rows: 2, columns: 11, transposed: false };
  const { starts, index } = keptOf(maskOf("00000000111", "11111111000"), shape, { inOcts: true });
  assertEquals([...starts], [0, 2, 4]);
  assertEquals([...index], [8, 0, 0, 1]);
  const places: number[][] = [];
  eachKept(
    { starts, index, inOcts: true },
    shape,
    (place, at, row) => places.push([place, at, row]),
  );
  assertEquals(places.slice(0, 4), [[0, 8, 0], [1, 9, 0], [2, 10, 0], [8, 11, 1]]);
  assertEquals(places.length, 11);
});
