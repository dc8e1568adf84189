import { assertEquals } from "../std_assert.ts";
import { meanAndSpread } from "./spread.ts";

Deno.test("meanAndSpread() is the mean, and the spread without a sign where there are several", () => {
  const text = (value: number) => `${value >= 0 ? "+" : ""}${value.toFixed(1)} %`;
  assertEquals(meanAndSpread([-2], text), "-2.0 %");
  assertEquals(meanAndSpread([1, 2, 6], text), "+3.0 % (5.0 %)");
});
