import { assert } from "../std_assert.ts";
import { isBelow } from "./skipping.ts";

Deno.test("isBelow() asks in f32, and nothing is below 0", () => {
  assert(isBelow(0, 3, 1e-30));
  assert(!isBelow(0, 3, 0));
  assert(isBelow(3 * 0.0999, 3, 0.1) && !isBelow(3 * 0.1001, 3, 0.1));
  // In f64 it would be below: 1e-9 of the threshold away.
  assert(!isBelow(3 * 0.1 * (1 - 1e-9), 3, 0.1));
});
