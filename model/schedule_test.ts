import { assertEquals } from "../std_assert.ts";
import { parseSpec } from "./parse_spec.ts";
import { compileRates, contextStarts, rateAt } from "./schedule.ts";

Deno.test("rateAt() follows the release: 0, the first rate, the final rate, each layer later", () => {
  const rates = compileRates(parseSpec({
    rule: "2016",
    layer_shapes: [2, 1],
    readout_block_size: [1, 1],
    initial_learning_rate: 0.5,
    final_learning_rate: 0.25,
    delay_each_layer_learning: 10,
    delay_final_learning_rate: 5,
  }));
  const at = (layer: number) => [0, 4, 5, 9, 10, 14, 15].map((step) => rateAt(rates, layer, step));
  assertEquals(at(0), [0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25]);
  assertEquals(at(1), [0, 0, 0, 0, 0.5, 0.5, 0.25]);
});

Deno.test("rateAt() takes the last pair of a schedule that has begun", () => {
  const rates = compileRates(parseSpec({ schedule: [[0, 1], [20, 0.5]] }));
  assertEquals([0, 19, 20, 1e9].map((step) => rateAt(rates, 3, step)), [1, 1, 0.5, 0.5]);
});

Deno.test("contextStarts() is never where a context is disabled", () => {
  const starts = (fields: Record<string, unknown>) =>
    Array.from(contextStarts(parseSpec({ rule: "2016", enable_lateral_at: 7, ...fields })));
  assertEquals(starts({}), [7, 900000]);
  assertEquals(starts({ disable_feedback: true }), [7, Infinity]);
  assertEquals(Array.from(contextStarts(parseSpec({}))), [0, 0]);
});
