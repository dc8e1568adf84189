import { assertEquals } from "../std_assert.ts";
import { quantity, signed, small, table } from "./format.ts";

Deno.test("quantity() uses the prefix that leaves three digits", () => {
  const cases: [number | null, string][] = [
    [0, "0 J"],
    [1.2e-3, "1.20 mJ"],
    [25.7e-3, "25.7 mJ"],
    [105e6, "105 MJ"],
    [999.4, "999 J"],
    [999.6, "1.00 kJ"],
    [-2e3, "-2.00 kJ"],
    [null, "unknown"],
  ];
  for (const [value, text] of cases) assertEquals(quantity(value, "J"), text);
});

Deno.test("signed() and small() say when they do not know", () => {
  assertEquals([signed(0.5), signed(-0.5), signed(null)], ["+0.500", "-0.500", "unknown"]);
  assertEquals([small(1.234e-4), small(null)], ["1.23e-4", "unknown"]);
});

Deno.test("table() aligns the first column left and the others right", () => {
  assertEquals(table([["a", "b"], ["long", "1"], ["x", "100"]]), "a       b\nlong    1\nx     100");
});
