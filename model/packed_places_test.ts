/** Weights of codebooks in a file. */
import { assertEquals, assertThrows } from "../std_assert.ts";
import { compilePlan } from "./compile.ts";
import { initialCheckpoint } from "./initialise.ts";
import {
  type Codebooks,
  type PackedPlaces,
  packPlaces,
  type StoredPlaces,
  unpackPlaces,
} from "./packed_places.ts";
import { parseSpec } from "./parse_spec.ts";
import type { Plan } from "./plan.ts";
import type { CodebookFormat } from "./weight_format.ts";

const fields = { rule: "2016", layer_shapes: [1], hidden_block_size: 1, input_block_size: 1 };

/** A unit of one hidden output, with a decoder of 3 x 2, whose weights are chosen places and what is beside them, in steps of 2^-8. */
function smallest(
  format: CodebookFormat,
  places: readonly number[],
  { mask, rests = [] }: { mask?: Uint8Array; rests?: readonly number[] } = {},
) {
  const plan = compilePlan(parseSpec({ ...fields, format }));
  const size = format === "codebook4" ? 16 : 4;
  const codebooks = {
    centroids: Float32Array.from({ length: size }, (_, k) => k / 4 - 1),
    scales: Float32Array.of(2 ** -8),
  };
  const weights = Float32Array.from(
    places,
    (place, i) => codebooks.centroids[place]! + (rests[i] ?? 0) / 256,
  );
  const encoder = new Uint8Array(initialCheckpoint(plan).tensors["encoder"]!.length).fill(1);
  const masked: Plan = mask === undefined ? plan : { ...plan, mask: { encoder, decoder: mask } };
  return { of: { plan: masked, format, name: "decoder" } as const, codebooks, weights };
}

/** What a file holds of them. */
const stored = ({ places, rests }: PackedPlaces, codebooks: Codebooks): StoredPlaces => ({
  places,
  rests,
  ...codebooks,
});

Deno.test("places follow each other, the lowest bits of a byte first", () => {
  const four = smallest("codebook4", [1, 2, 15, 0, 7, 8]);
  assertEquals(packPlaces(four.of, four.weights, four.codebooks), {
    places: Uint8Array.of(0x21, 0x0f, 0x87),
  });
  const two = smallest("codebook2", [1, 2, 3, 0, 3, 1]);
  assertEquals(packPlaces(two.of, two.weights, two.codebooks), {
    places: Uint8Array.of(0b00111001, 0b0111),
  });
});

Deno.test("what masters have beside their centroids is a byte each, if any has", () => {
  // Gaps are of 64 steps: 32 above is as near as 32 below, and the lower one has it.
  const rests = [0, 32, 127, -128, -31, 1];
  const { of, codebooks, weights } = smallest("codebook4", [1, 2, 15, 0, 7, 8], { rests });
  const packed = packPlaces(of, weights, codebooks);
  assertEquals(packed.rests, Int8Array.from(rests));
  assertEquals(unpackPlaces(of, stored(packed, codebooks)), weights);
  const off = stored({ ...packed, rests: Int8Array.from([0, 33, 0, 0, 0, 0]) }, codebooks);
  assertThrows(() => unpackPlaces(of, off), SyntaxError, "has 33 where another place is nearer");
  const short = stored({ ...packed, rests: new Int8Array(5) }, codebooks);
  assertThrows(() => unpackPlaces(of, short), SyntaxError, '"decoder.rest" should have 6 bytes');
});

Deno.test("what is pruned is left out, and comes back as 0", () => {
  const mask = Uint8Array.of(0, 1, 1, 0, 1, 0);
  const rests = [9, 3, 0, 9, -3, 9];
  const { of, codebooks, weights } = smallest("codebook4", [1, 2, 15, 0, 7, 8], { mask, rests });
  const packed = packPlaces(of, weights, codebooks);
  assertEquals(packed, { places: Uint8Array.of(0xf2, 0x07), rests: Int8Array.of(3, 0, -3) });
  const kept = weights.map((weight, i) => mask[i] === 1 ? weight : 0);
  assertEquals(unpackPlaces(of, stored(packed, codebooks)), kept);
});

Deno.test("what is not the model's is refused, in one sentence", () => {
  const { of, codebooks, weights } = smallest("codebook2", [1, 2, 3, 0, 3, 1]);
  const packed = packPlaces(of, weights, codebooks);
  const good = stored(packed, codebooks);
  assertEquals(unpackPlaces(of, good), weights);
  const { centroids } = codebooks;
  const with_ = (k: number, value: number): StoredPlaces => ({
    ...good,
    centroids: centroids.map((c, i) => i === k ? value : c),
  });
  const { places } = packed;
  const cases: [string, StoredPlaces][] = [
    ['"decoder.codebook" should have 4 numbers, not none', { ...good, centroids: undefined }],
    ['"decoder.codebook" should have 4 numbers, not 3', {
      ...good,
      centroids: centroids.slice(1),
    }],
    ['"decoder.codebook" should have 4 numbers, not none', { ...good, centroids: places }],
    ['"decoder.scale" should have 1 numbers, not none', { ...good, scales: undefined }],
    ['"decoder" should have 2 bytes of 2 bits a weight, not 1', {
      ...good,
      places: places.slice(1),
    }],
    ['"decoder" should have 2 bytes of 2 bits a weight, not none', { ...good, places: weights }],
    ["the decoder of unit 0 is not finite and ascending", with_(1, NaN)],
    ["the decoder of unit 0 is not finite and ascending", with_(3, Infinity)],
    ["the decoder of unit 0 is not finite and ascending", with_(2, -0.75)],
    ["the decoder of unit 0 is not on a grid", with_(2, -0.7)],
    ["the decoder of unit 0 has a step of 0", { ...good, scales: Float32Array.of(0) }],
    ['"decoder" goes on behind its last weight', {
      ...good,
      places: Uint8Array.of(places[0]!, 0x10),
    }],
  ];
  for (const [says, of_] of cases) assertThrows(() => unpackPlaces(of, of_), SyntaxError, says);
  const off = weights.slice();
  off[4] = 0.3;
  assertThrows(
    () => packPlaces(of, off, codebooks),
    RangeError,
    "Weight 4 of the decoder is 0.30000001192092896, which is not within its codebook",
  );
});
