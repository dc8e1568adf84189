import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { assertEquals } from "../std_assert.ts";
import { shiftMacs } from "./shift_cost.ts";
import { stepCost } from "./step_cost.ts";

const planOf = (fields: Record<string, unknown>) =>
  compilePlan(builtinSpec("tiny", { fields: { motion: 0, ...fields } }));
const STORED = { encoderBytes: () => 0, decoderBytes: () => 0, momentum: false };

Deno.test("shiftMacs() counts copies, products, systems and weights of each unit of layer 0", () => {
  assertEquals(shiftMacs(planOf({})), 0);
  // Tiles of 5 x 5, 8 copies, two memories: 121 samples, 45 products, 75 values.
  const unit = 121 * (8 + 45) + 75 * 8 + 2 * (8 * 9 * 10 / 6 + 64 + 75 * 8);
  assertEquals(shiftMacs(planOf({ shift_radius: 2 })), 16 * unit);
});

Deno.test("stepCost() has shift candidates in every step but the first, learning or not", () => {
  const shifting = planOf({ shift_radius: 2 });
  const [on, off] = [stepCost(shifting, STORED), stepCost(planOf({}), STORED)];
  for (const [step, learn] of [[0, true], [1, true], [7, true], [7, false]] as const) {
    const more = step === 0 ? 0 : shiftMacs(shifting);
    assertEquals(on(step, learn).macs, off(step, learn).macs + more);
  }
});
