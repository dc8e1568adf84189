/** The products of i8 weights. */
import { assertEquals } from "../../std_assert.ts";
import { type Bytes, productBytes, transposedBytes } from "./bytes.ts";

const clock = { seed: 1, step: 2 };

function bytes(which: 0 | 1, visible: number[], scale: number[], mask?: number[]): Bytes {
  return {
    weights: new Float32Array(visible.length).fill(NaN),
    visible: Float32Array.from(visible),
    rounding: { format: "i8", clock, unit: 0, matrix: which, scale: Float32Array.from(scale) },
    ...(mask === undefined ? {} : { mask: Uint8Array.from(mask) }),
  };
}

Deno.test("an encoder's rows have scales, its bias is an input", () => {
  const out = new Float32Array(2);
  // Levels 63, -21 and 42 of 1/63 each.
  const encoder = bytes(0, [1, 2, 3, -4, 5, 6], [2 ** -8, 2 ** -4]);
  productBytes(encoder, Float32Array.of(1, -1 / 3), out, 2 / 3);
  const third = Math.fround(1 / 63);
  assertEquals([...out], [
    Math.fround((63 - 42 + 126) * third),
    Math.fround((-252 - 105 + 252) * Math.fround(16 * third)),
  ]);
});

Deno.test("a decoder's columns have scales: they are part of the levels, or of what it sends back", () => {
  const decoder = bytes(1, [1, 2, 3, 4], [2 ** -8, 2 ** -7]);
  const out = new Float32Array(2);
  productBytes(decoder, Float32Array.of(1), out, 0.5);
  // 1 and 1: both have 63 levels.
  assertEquals([...out], [3, 7].map((sum) => Math.fround(63 * sum * Math.fround(1 / 63))));
  const dh = new Float32Array(1);
  transposedBytes(decoder, Float32Array.of(1, 1), dh);
  assertEquals(dh[0], Math.fround(63 * 4 * Math.fround(1 / 63)));
});

Deno.test("what is pruned has no part", () => {
  const out = new Float32Array(1);
  productBytes(bytes(0, [NaN, 2], [2 ** -8], [0, 1]), Float32Array.of(1, 1), out);
  assertEquals(out[0], Math.fround(126 * Math.fround(1 / 63)));
  const dh = new Float32Array(1);
  transposedBytes(bytes(1, [NaN, 9, 2, 9], [2 ** -8, 1], [0, 1, 1, 1]), Float32Array.of(1, 1), dh);
  assertEquals(dh[0], Math.fround(126 * Math.fround(1 / 63)));
});
