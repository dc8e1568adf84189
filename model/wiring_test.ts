import { assertEquals } from "../std_assert.ts";
import { golden } from "../tests/golden.ts";
import { builtinSpec } from "./builtin.ts";
import { parseSpec } from "./parse_spec.ts";
import { wire } from "./wiring.ts";

const MODELS: Record<string, string> = {
  classic: "classic_medium = experiment1_{face,green_ball,stop_sign} = experiment2",
  very_deep: "very_deep",
  small: "blog small 12-8-6-4-2-1 (very_deep flags; = PVM_cuda small.json)",
  large: "blog large 20-16-12-8-6-4-2-1 (very_deep flags)",
};
const wiring = golden("wiring");

for (const [name, key] of Object.entries(MODELS)) {
  for (const [lateral, variant] of [["layer", "lateral_fixed"], ["legacy", "original"]] as const) {
    Deno.test(`wire() connects "${name}" as the release does, lateral "${lateral}"`, () => {
      const spec = builtinSpec(name, { rule: "2016", fields: { lateral } });
      const units = wire(spec);
      const want = wiring[key][variant];
      assertEquals(units.length, want.length);
      for (const unit of units) {
        const b = spec.input_block_size;
        assertEquals({
          sig: unit.layer === 0 ? [[unit.row * b, unit.column * b]] : unit.children,
          ctx: unit.context.map((c) => c.unit),
          kind: unit.context.map((c) => c.kind === "lateral" ? "L" : "F").join(""),
        }, want[unit.id]);
      }
    });
  }
}

Deno.test("wire() leaves disabled context out under rule saccade, and keeps it under rule 2016", () => {
  const fields = { layer_shapes: [2, 1], disable_lateral: true };
  const kinds = (rule: string) =>
    wire(parseSpec({ ...fields, rule, readout_block_size: [1, 1] }))[0]!.context.map((c) => c.kind);
  assertEquals(kinds("saccade"), ["feedback", "feedback"]);
  assertEquals(kinds("2016"), ["lateral", "lateral", "lateral", "lateral", "feedback", "feedback"]);
});
