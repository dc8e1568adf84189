/** Weights as a file holds them. */
import fc from "fast-check";
import { assertEquals, assertRejects, assertThrows } from "../std_assert.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { decodeCheckpoint, encodeCheckpoint, planOf } from "./checkpoint_file.ts";
import { initialCheckpoint } from "./initialise.ts";
import type { Mask } from "./plan.ts";
import { packWeights, unpackWeights } from "./packed_weights.ts";
import { parseSpec } from "./parse_spec.ts";
import { decodeTensors, type StoredTensor } from "./safetensors.ts";
import { stateLengths } from "./state.ts";
import {
  hasMomentum,
  isCodebookFormat,
  NARROW_FORMATS,
  roundToFormat,
  WEIGHT_FORMATS,
  weightBytes,
  type WeightFormat,
} from "./weight_format.ts";

const fields = { rule: "2016", layer_shapes: [2, 1], hidden_block_size: 3, input_block_size: 3 };
const readout = { enable_readout: [0, 0], readout_block_size: [1, 1] };
const specOf = (format: WeightFormat) => ({ ...parseSpec({ ...fields, ...readout, format }) });
const join = async (parts: Uint8Array<ArrayBuffer>[]) => await new Blob(parts).bytes();

/** A state with weights of all sizes, and a mask of a density. */
function stateOf(format: WeightFormat, seed: number, density: number) {
  const plan = planOf({ spec: specOf(format) });
  const lengths = stateLengths(plan);
  let x = seed >>> 0;
  const draw = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const bits = (length: number) => Uint8Array.from({ length }, () => draw() < density ? 1 : 0);
  const mask: Mask | undefined = density === 1
    ? undefined
    : { encoder: bits(lengths["encoder"]!), decoder: bits(lengths["decoder"]!) };
  const masked = mask === undefined ? plan : { ...plan, mask };
  const checkpoint = initialCheckpoint(plan);
  const tensors = { ...checkpoint.tensors };
  for (const name of ["encoder", "decoder"] as const) {
    const kept = (i: number) => mask?.[name][i] !== 0;
    tensors[name] = tensors[name]!.map((_, i) =>
      kept(i) ? (draw() - 0.5) * 2 ** Math.floor(20 * draw() - 16) : 0
    );
    if (hasMomentum(plan)) tensors[`${name}.momentum`] = tensors[name]!.map((w) => w / 3);
  }
  const state: Checkpoint = {
    ...checkpoint,
    tensors: format === "f32" ? tensors : roundToFormat(masked, tensors),
  };
  return { spec: specOf(format), checkpoint: state, sourceFrames: 3, ...(mask ? { mask } : {}) };
}

for (const format of WEIGHT_FORMATS) {
  Deno.test(`a checkpoint of ${format} comes back as it was, pruned or not`, () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(1, 0.9, 0.1, 0), async (seed, density) => {
        const stored = stateOf(format, seed, density);
        assertEquals(await decodeCheckpoint(await join(await encodeCheckpoint(stored))), stored);
      }),
      { numRuns: 20 },
    ));
}

Deno.test("weights cost their bytes, pruned ones a bit", async () => {
  const sizes = async (format: WeightFormat, density: number) => {
    const stored = stateOf(format, 1, density);
    const { tensors } = decodeTensors(await join(await encodeCheckpoint(stored)));
    const { encoder } = tensors;
    const mask = tensors["encoder.mask"] as Uint8Array | undefined;
    const kept = stored.mask?.encoder.filter((bit) => bit === 1).length;
    // Weights as they were made have something beside their centroids.
    const rests = tensors["encoder.rest"] as Int8Array | undefined;
    const bytes = ("dtype" in encoder! ? encoder.words.byteLength : encoder!.byteLength) +
      (rests?.byteLength ?? 0);
    return { bytes, all: stored.checkpoint.tensors["encoder"]!.length, kept, mask: mask?.length };
  };
  for (const format of WEIGHT_FORMATS) {
    const each = weightBytes(format);
    const whole = await sizes(format, 1);
    assertEquals(whole.bytes, Math.ceil(each * whole.all));
    const pruned = await sizes(format, 0.1);
    assertEquals(pruned.bytes, Math.ceil(each * pruned.kept!));
    assertEquals(pruned.mask, Math.ceil(pruned.all / 8));
  }
});

Deno.test("weights that are not on the grid are not packed", async () => {
  for (const format of NARROW_FORMATS) {
    const stored = stateOf(format, 1, 1);
    stored.checkpoint.tensors["decoder"]![5] = 0.1 + 2 ** -23;
    await assertRejects(
      () => encodeCheckpoint(stored),
      RangeError,
      isCodebookFormat(format) ? "which is not within its codebook" : `which is no ${format}`,
    );
  }
});

Deno.test("what is not the model's is refused", () => {
  const { spec, checkpoint: { tensors }, mask } = stateOf("i16", 1, 0.5);
  const plan = planOf({ spec });
  const packed = packWeights({ ...plan, mask: mask! }, tensors);
  assertEquals(unpackWeights(plan, packed), { tensors, mask: mask! });
  const change = (tensors: Record<string, StoredTensor>) => () =>
    unpackWeights(plan, { ...packed, tensors: { ...packed.tensors, ...tensors } });
  const cases: [string, Record<string, StoredTensor>][] = [
    ["is not of the type", { encoder: tensors["encoder"]! }],
    ["its mask is not", { "encoder.mask": new Uint8Array(3) }],
    ["its mask is not", { "decoder.mask": Int16Array.of(1) }],
    ["its mask keeps", { encoder: new Int16Array(3) }],
    ["its decoder is not that of its model", { "decoder.scale": new Float32Array(3) }],
  ];
  for (const [says, tensors] of cases) assertThrows(change(tensors), SyntaxError, says);
  const { tensors: bare } = packed;
  assertThrows(() => unpackWeights(plan, { tensors: bare }), SyntaxError, "blocks of");
  const half = { dtype: "F16", words: new Uint16Array(tensors["encoder"]!.length) } as const;
  const wrong = () => unpackWeights({ ...plan, format: "bf16" }, { tensors: { encoder: half } });
  assertThrows(wrong, SyntaxError, 'that format "bf16" has');
});
