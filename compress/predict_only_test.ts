/** Models of codebooks that only predict. */
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { builtinSpec } from "../model/builtin.ts";
import { codebookFault } from "../model/check_codebooks.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { predictOnly } from "./predict_only.ts";
import { quantise } from "./quantise.ts";

const wide = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));

Deno.test("every weight that is kept goes to its centroid", () => {
  const { plan, checkpoint: { tensors } } = quantise(wide, initialCheckpoint(wide), "codebook4");
  const kept = (values: ArrayLike<number>) =>
    Uint8Array.from(values, (_, i) => i % 5 === 0 ? 0 : 1);
  const mask = { encoder: kept(tensors["encoder"]!), decoder: kept(tensors["decoder"]!) };
  const before = tensors["encoder"]!.slice();
  const { encoder } = predictOnly({ ...plan, mask }, tensors);
  assertEquals(tensors["encoder"], before);
  // Those of the first unit.
  const centroids = tensors["encoder.codebook"]!.subarray(0, 16);
  let moved = 0;
  for (let at = 0; at < plan.hidden * plan.inputs[0]!; at++) {
    const weight = encoder![at]!;
    if (at % 5 === 0) {
      assertEquals(weight, before[at]);
      continue;
    }
    assert(centroids.includes(weight), `${weight}`);
    const distance = Math.abs(weight - before[at]!);
    assert(centroids.every((centroid) => Math.abs(centroid - before[at]!) >= distance));
    if (distance > 0) moved++;
  }
  assert(moved > 1000, `${moved}`);
  assertEquals(
    codebookFault({ ...plan, mask }, predictOnly({ ...plan, mask }, tensors)),
    undefined,
  );
});

Deno.test("quantise() says what that loses; other formats are refused", () => {
  const first = initialCheckpoint(wide);
  const lost = (predictOnly: boolean) =>
    quantise(wide, first, "codebook4", { predictOnly }).lost.encoder.rmsError;
  assert(lost(true) > 20 * lost(false), `${lost(true)}, ${lost(false)}`);
  assertThrows(
    () => quantise(wide, first, "i8", { predictOnly: true }),
    RangeError,
    "Weights of i8 have nothing that only learning needs: take codebook4 or codebook2",
  );
});
