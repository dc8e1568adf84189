/** Codebooks that are none. */
import { assertEquals, assertThrows } from "../std_assert.ts";
import { builtinSpec } from "./builtin.ts";
import { codebookFault } from "./check_codebooks.ts";
import type { Tensor } from "./checkpoint.ts";
import { compilePlan } from "./compile.ts";
import { initialCheckpoint } from "./initialise.ts";
import { checkState } from "./state.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0, format: "codebook4" } }));
const checkpoint = initialCheckpoint(plan);

/** The state with one value changed. */
function changed(name: string, at: number, value: number): Record<string, Tensor> {
  const tensor = checkpoint.tensors[name]!.slice();
  tensor[at] = value;
  return { ...checkpoint.tensors, [name]: tensor };
}

Deno.test("a checkpoint whose codebooks are none is refused, naming the unit", () => {
  checkState(plan, checkpoint);
  const last = checkpoint.tensors["encoder.codebook"]![16 + 14]!;
  const cases: [string, Record<string, Tensor>][] = [
    ["the codebook of the encoder of unit 1 is not", changed("encoder.codebook", 16 + 15, NaN)],
    ["the codebook of the encoder of unit 1 is not", changed("encoder.codebook", 31, Infinity)],
    ["the codebook of the encoder of unit 1 is not", changed("encoder.codebook", 31, last)],
    ["the codebook of the decoder of unit 2 has a step of 0", changed("decoder.scale", 2, 0)],
    ["the codebook of the encoder of unit 0 is not on", changed("encoder.scale", 0, 8)],
    ["weight 7 of the encoder is 99, which is not", changed("encoder", 7, 99)],
    ["weight 7 of the encoder is 0.30000001192092896, which", changed("encoder", 7, 0.3)],
    ["weight 3 of the decoder is NaN, which is not", changed("decoder", 3, NaN)],
    ["is of another model", {
      ...checkpoint.tensors,
      "decoder.codebook": new Float32Array(3),
    }],
  ];
  for (const [says, tensors] of cases) {
    assertThrows(() => checkState(plan, { ...checkpoint, tensors }), TypeError, says);
  }
});

Deno.test("what is pruned need not be in a codebook, and other formats have none", () => {
  const mask = {
    encoder: checkpoint.tensors["encoder"]!,
    decoder: checkpoint.tensors["decoder"]!,
  };
  const ones = (values: Tensor) => new Uint8Array(values.length).fill(1);
  const pruned = { encoder: ones(mask.encoder), decoder: ones(mask.decoder) };
  pruned.encoder[7] = 0;
  const tensors = changed("encoder", 7, NaN);
  assertEquals(codebookFault({ ...plan, mask: pruned }, tensors), undefined);
  assertEquals(codebookFault({ ...plan, format: "bf16" }, tensors), undefined);
});
