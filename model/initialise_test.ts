import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { builtinSpec } from "./builtin.ts";
import { compilePlan } from "./compile.ts";
import { initialCheckpoint, weightSource } from "./initialise.ts";
import { lengths, offsetsOf, unitCount } from "./plan.ts";
import { checkState, stateLengths } from "./state.ts";

Deno.test("weightSource() is the xorshift32 of the golden files", () => {
  // x = 1 * 2654435761 + 12345, one round by hand.
  let x = 2654448106;
  x = (x ^ (x << 13)) >>> 0;
  x = (x ^ (x >>> 17)) >>> 0;
  x = (x ^ (x << 5)) >>> 0;
  assertEquals(weightSource(1)(), x / 2 ** 32 - 0.5);
});

Deno.test("initialCheckpoint() makes all tensors of the plan, in the precision asked for", () => {
  for (const rule of ["saccade", "2016"] as const) {
    const plan = compilePlan(builtinSpec("tiny", { rule }));
    for (const precision of ["f32", "f64"] as const) {
      const checkpoint = initialCheckpoint(plan, { precision });
      checkState(plan, checkpoint);
      const Values = precision === "f32" ? Float32Array : Float64Array;
      assert(Object.values(checkpoint.tensors).every((tensor) => tensor instanceof Values));
      assertEquals(Object.keys(checkpoint.tensors), Object.keys(stateLengths(plan)));
    }
  }
});

Deno.test("rule saccade starts with empty context columns and an empty decoder", () => {
  const plan = compilePlan(builtinSpec("tiny"));
  const { tensors } = initialCheckpoint(plan);
  const at = offsetsOf(plan);
  const contexts = lengths(plan.context);
  assert(tensors["decoder"]!.every((w: number) => w === 0));
  for (let u = 0; u < unitCount(plan); u++) {
    const n = plan.inputs[u]!;
    const row = tensors["encoder"]!.subarray(at.encoder[u], at.encoder[u]! + n);
    const features = n - 1 - contexts[u]!;
    assert(row.subarray(features, n - 1).every((w: number) => w === 0));
    assert(row.subarray(0, features).every((w: number) => w !== 0) && row[n - 1] !== 0);
  }
});

Deno.test("checkState() names the tensor that is not the plan's", () => {
  const plan = compilePlan(builtinSpec("tiny"));
  const checkpoint = initialCheckpoint(compilePlan(builtinSpec("tiny", { fields: { motion: 0 } })));
  assertThrows(() => checkState(plan, checkpoint), TypeError, `tensor "`);
});
