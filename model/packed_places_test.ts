/** Weights of codebooks in a file. */
import { assertEquals, assertThrows } from "../std_assert.ts";
import { compilePlan } from "./compile.ts";
import { initialCheckpoint } from "./initialise.ts";
import { packPlaces, unpackPlaces } from "./packed_places.ts";
import { parseSpec } from "./parse_spec.ts";
import type { Plan } from "./plan.ts";
import type { StoredTensor } from "./safetensors.ts";
import type { CodebookFormat } from "./weight_format.ts";

const fields = { rule: "2016", layer_shapes: [1], hidden_block_size: 1, input_block_size: 1 };

/** A unit of one hidden output, with a decoder of 3 x 2, whose weights are chosen places. */
function smallest(format: CodebookFormat, places: readonly number[], mask?: Uint8Array) {
  const plan = compilePlan(parseSpec({ ...fields, format }));
  const size = format === "codebook4" ? 16 : 4;
  const codebooks = Float32Array.from({ length: size }, (_, k) => k / 4 - 1);
  const weights = Float32Array.from(places, (place) => codebooks[place]!);
  const encoder = new Uint8Array(initialCheckpoint(plan).tensors["encoder"]!.length).fill(1);
  const masked: Plan = mask === undefined ? plan : { ...plan, mask: { encoder, decoder: mask } };
  return { of: { plan: masked, format, name: "decoder" } as const, codebooks, weights };
}

Deno.test("places follow each other, the lowest bits of a byte first", () => {
  const four = smallest("codebook4", [1, 2, 15, 0, 7, 8]);
  assertEquals([...packPlaces(four.of, four.weights, four.codebooks)], [0x21, 0x0f, 0x87]);
  const two = smallest("codebook2", [1, 2, 3, 0, 3, 1]);
  assertEquals([...packPlaces(two.of, two.weights, two.codebooks)], [0b00111001, 0b0111]);
});

Deno.test("what is pruned is left out, and comes back as 0", () => {
  const mask = Uint8Array.of(0, 1, 1, 0, 1, 0);
  const { of, codebooks, weights } = smallest("codebook4", [1, 2, 15, 0, 7, 8], mask);
  const packed = packPlaces(of, weights, codebooks);
  assertEquals([...packed], [0xf2, 0x07]);
  const kept = weights.map((weight, i) => mask[i] === 1 ? weight : 0);
  assertEquals(unpackPlaces(of, packed, codebooks), kept);
});

Deno.test("what is not the model's is refused, in one sentence", () => {
  const { of, codebooks, weights } = smallest("codebook2", [1, 2, 3, 0, 3, 1]);
  const packed = packPlaces(of, weights, codebooks);
  assertEquals(unpackPlaces(of, packed, codebooks), weights);
  const with_ = (k: number, value: number) => codebooks.map((c, i) => i === k ? value : c);
  const cases: [string, StoredTensor | undefined, StoredTensor | undefined][] = [
    ['"decoder.codebook" should have 4 numbers, not none', packed, undefined],
    ['"decoder.codebook" should have 4 numbers, not 3', packed, codebooks.slice(1)],
    ['"decoder.codebook" should have 4 numbers, not none', packed, packed],
    ['"decoder" should have 2 bytes of 2 bits a weight, not 1', packed.slice(1), codebooks],
    ['"decoder" should have 2 bytes of 2 bits a weight, not none', weights, codebooks],
    ["the decoder of unit 0 is not finite and ascending", packed, with_(1, NaN)],
    ["the decoder of unit 0 is not finite and ascending", packed, with_(3, Infinity)],
    ["the decoder of unit 0 is not finite and ascending", packed, with_(2, -0.75)],
    ['"decoder" goes on behind its last weight', Uint8Array.of(packed[0]!, 0x10), codebooks],
  ];
  for (const [says, places, books] of cases) {
    assertThrows(() => unpackPlaces(of, places, books), SyntaxError, says);
  }
  const off = weights.slice();
  off[4] = 0.3;
  assertThrows(
    () => packPlaces(of, off, codebooks),
    RangeError,
    "Weight 4 of the decoder is 0.30000001192092896, which is not in its codebook",
  );
});
