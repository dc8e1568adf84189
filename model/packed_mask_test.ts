/** A mask as a file holds it. */
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { packMask, unpackMask } from "./packed_mask.ts";
import { planOf } from "./checkpoint_file.ts";
import { stateLengths } from "./state.ts";
import { eachBlock, eachWeight } from "./weight_blocks.ts";
import { matricesOf } from "./weight_format.ts";

const spec = { layer_shapes: [2, 1], hidden_block_size: 3, input_block_size: 3 };
const plan = planOf({ spec });
const lengths = stateLengths(plan);
const empty = () => ({
  encoder: new Uint8Array(lengths["encoder"]!),
  decoder: new Uint8Array(lengths["decoder"]!),
});

Deno.test("every mask comes back as it was, in the largest blocks that it has", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 4, 8),
      fc.constantFrom(1, 2, 4, 8),
      fc.nat(),
      (rows, columns, seed) => {
        const mask = empty();
        let x = seed >>> 0;
        for (const place of matricesOf(plan)) {
          eachBlock(place, { rows, columns }, (row, column) => {
            x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
            if (x < 2 ** 31) return;
            eachWeight(place, { rows, columns }, row, column, (at) => mask[place.name][at] = 1);
          });
        }
        const packed = packMask(plan, mask);
        assertEquals(unpackMask(plan, packed), mask);
        assertEquals(packed.blocks, `${rows}x${columns}`);
        const bits = 8 * (packed.encoder.length + packed.decoder.length);
        const all = mask.encoder.length + mask.decoder.length;
        assert(bits < 2.2 * all / (rows * columns) + 64, `${bits} bits of ${all} weights`);
      },
    ),
    { numRuns: 40 },
  ));

Deno.test("a single weight is kept or lost by a bit", () => {
  const mask = empty();
  mask.decoder[17] = 1;
  const packed = packMask(plan, mask);
  assertEquals([packed.blocks, unpackMask(plan, packed)], ["1x1", mask]);
  assertEquals(packed.decoder.filter((byte) => byte !== 0).length, 1);
});

Deno.test("what is no mask of the model is refused", () => {
  const packed = packMask(plan, empty());
  for (const blocks of ["", "4", "0x1", "-4x1"]) {
    assertThrows(() => unpackMask(plan, { ...packed, blocks }), SyntaxError, "blocks of");
  }
  const short = { ...packed, encoder: packed.encoder.slice(1) };
  assertThrows(() => unpackMask(plan, short), SyntaxError, "not that of its model");
});
