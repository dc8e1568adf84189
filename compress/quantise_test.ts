/** Checkpoints in another format. */
import { backend as reference } from "../backends/reference/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { inputs } from "../tests/agreement.ts";
import { quantise } from "./quantise.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));

async function trained() {
  await using device = await reference.open("f32");
  await using session = await device.load(plan, initialCheckpoint(plan));
  for (const input of inputs(plan, 30)) session.step(input);
  return await session.save();
}

Deno.test("quantise() says what each format loses, and f32 loses nothing", async () => {
  const checkpoint = await trained();
  const copy = structuredClone(checkpoint);
  const errors = (["f32", "f16", "bf16", "i16"] as const).map((format) => {
    const { lost: { encoder, decoder }, ...rest } = quantise(plan, checkpoint, format);
    assertEquals(rest.plan.format, format === "f32" ? undefined : format);
    assert(encoder.largestError >= encoder.rmsError && decoder.largestError >= decoder.rmsError);
    assert(encoder.rmsError <= 0.01 * encoder.rms && decoder.rmsError <= 0.01 * decoder.rms);
    return encoder.rmsError;
  });
  assertEquals(checkpoint, copy);
  assertEquals(errors[0], 0);
  assert(errors.slice(1).every((error) => error > 0));
  // Of 11 bits, 8 and 15.
  assert(errors[2]! > 4 * errors[1]! && errors[3]! < errors[1]!, `${errors}`);
});

Deno.test("quantise() loses nothing from a grid to one that holds it", async () => {
  const narrow = quantise(plan, await trained(), "i16");
  for (const format of ["i8", "f32", "i16"] as const) {
    const { lost, checkpoint } = quantise(narrow.plan, narrow.checkpoint, format);
    assertEquals([lost.encoder.largestError, lost.decoder.largestError], [0, 0], format);
    assertEquals("encoder.scale" in checkpoint.tensors, format !== "f32");
  }
});

Deno.test("quantise() counts what is kept, and drops what is not", async () => {
  const checkpoint = await trained();
  const mask = {
    encoder: checkpoint.tensors["encoder"]!.map((_, i) => i % 3) as unknown as Float32Array,
    decoder: checkpoint.tensors["decoder"]!,
  };
  const bits = (values: Float32Array) => Uint8Array.from(values, (value) => value === 0 ? 0 : 1);
  const masked = {
    ...plan,
    mask: { encoder: bits(mask.encoder), decoder: bits(mask.decoder as Float32Array) },
  };
  const { checkpoint: { tensors }, lost } = quantise(masked, checkpoint, "f32");
  assertEquals(lost.encoder.rmsError, 0);
  assert(tensors["encoder"]!.every((w: number, i: number) => i % 3 !== 0 || w === 0));
});

Deno.test("quantise() refuses weights that a format cannot hold, in one sentence", async () => {
  const checkpoint = await trained();
  for (const [value, says] of [[NaN, "is NaN"], [1e6, "too large for this format"]] as const) {
    const tensors = { ...checkpoint.tensors, decoder: checkpoint.tensors["decoder"]!.slice() };
    tensors.decoder[7] = value;
    assertThrows(() => quantise(plan, { ...checkpoint, tensors }, "f16"), RangeError, says);
  }
});
