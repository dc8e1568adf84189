import { assert, assertAlmostEquals, assertEquals } from "../../std_assert.ts";
import { tinyInput, tinyPlan } from "./tiny_model.ts";
import { agrees, deviationOf, expect, inGroups } from "./verify.ts";

const plan = tinyPlan();
const expected = await expect(plan, tinyInput(plan));

/** What a peer that is right would write. */
function written(): Float32Array<ArrayBuffer> {
  return Float32Array.from([...inGroups(plan, expected.tensors)].flatMap(([, part]) => [...part]));
}

const deviation = (values: Float32Array<ArrayBuffer>, mse = expected.mse) =>
  deviationOf(plan, expected, { mse }, new Uint8Array(values.buffer));

Deno.test("deviationOf() finds nothing in what the reference has computed", () => {
  assertEquals(deviation(written()), { values: 0, learned: 0 });
});

Deno.test("deviationOf() sees weights that have not learned", () => {
  const { first, tensors } = expected;
  const unlearned = { ...tensors, encoder: first["encoder"]!, decoder: first["decoder"]! };
  const parts = [...inGroups(plan, unlearned)].flatMap(([, part]) => [...part]);
  const off = deviation(Float32Array.from(parts));
  assertAlmostEquals(off.learned, 1, 1e-6);
  assert(!agrees(off));
});

Deno.test("deviationOf() sees an error of one layer in one step", () => {
  const mse = expected.mse.map((errors) => [...errors]);
  mse[2]![1]! += 0.01;
  assertAlmostEquals(deviation(written(), mse).values, 0.01, 1e-6);
});

Deno.test("deviationOf() accepts neither missing nor spare values, nor what is not a number", () => {
  const values = written();
  assertEquals(deviation(values.slice(1)).values, Infinity);
  const longer = new Float32Array(values.length + 1);
  longer.set(values);
  assertEquals(deviation(longer).values, Infinity);
  assertEquals(deviation(values, expected.mse.slice(1)).values, Infinity);
  values[values.length - 1] = NaN;
  assertEquals(deviation(values).values, Infinity);
});

Deno.test("expect() learns in at least three of its steps", async () => {
  const changed = async (steps: number) => {
    const { first, tensors } = await expect(plan, tinyInput(plan), steps);
    return tensors["encoder"]!.some((value, i) => value !== first["encoder"]![i]);
  };
  assert(!await changed(1));
  assert(await changed(2));
  assert(expected.mse.length >= 4);
});
