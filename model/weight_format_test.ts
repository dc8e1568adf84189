/** What weights are stored in. */
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { builtinSpec } from "./builtin.ts";
import { compilePlan } from "./compile.ts";
import { initialCheckpoint } from "./initialise.ts";
import { parseSpec, SpecError } from "./parse_spec.ts";
import type { Plan } from "./plan.ts";
import { checkState } from "./state.ts";
import { matricesOf, NARROW_FORMATS, roundToFormat, type WeightFormat } from "./weight_format.ts";

const plan = compilePlan(builtinSpec("tiny", { rule: "2016" }));
const of = (format: WeightFormat): Plan => ({ ...plan, format });
const { tensors } = initialCheckpoint(plan);

Deno.test("plans of f32 say nothing of formats, others do", () => {
  assertEquals("format" in plan, false);
  assertEquals(compilePlan(parseSpec({ format: "i8" })).format, "i8");
});

Deno.test("narrow weights defer where they are told to; what is chosen for auto is to, under both rules", () => {
  for (const rule of ["2016", "saccade"]) {
    const every = (defer: unknown) =>
      compilePlan(parseSpec({ rule, format: "i16", defer })).defer.every;
    assertEquals([0, 8, "auto"].map(every), [0, 8, 16]);
  }
  assertThrows(() => parseSpec({ format: "int8" }), SpecError, "f32, bf16, f16, i16, i8");
});

for (const format of NARROW_FORMATS) {
  Deno.test(`a new model of ${format} lies on its grid, near that of f32`, () => {
    const state = initialCheckpoint(of(format));
    checkState(of(format), state);
    const again = roundToFormat(of(format), state.tensors);
    for (const name of ["encoder", "decoder"] as const) {
      assertEquals(again[name], state.tensors[name], name);
      const step = format === "bf16" ? 2 ** -8 : 2 ** -11;
      const off = tensors[name]!.map((w, i) => Math.abs(w - again[name]![i]!));
      // Of fixed point, the largest of a row has 14 bits at least, of f16 11, of bf16 8.
      const most = (values: ArrayLike<number>) =>
        Array.from(values).reduce((a, b) => Math.max(a, b), 0);
      assert(most(off) <= step * most(tensors[name]!), `${most(off)}`);
      assert(off.some((value) => value > 0));
    }
  });
}

Deno.test("scales are of the rows of an encoder and the columns of a decoder", () => {
  const loud = {
    ...tensors,
    encoder: tensors["encoder"]!.slice(),
    decoder: tensors["decoder"]!.slice(),
  };
  const [encoder, decoder] = [...matricesOf(plan)].slice(2, 4);
  loud.encoder[encoder!.begin + 2 * encoder!.columns + 5] = 8;
  loud.decoder[decoder!.begin + 3 * decoder!.columns + 4] = 8;
  const out = roundToFormat(of("i16"), loud);
  const plain = roundToFormat(of("i16"), tensors);
  for (const [name, place, g] of [["encoder", encoder!, 2], ["decoder", decoder!, 4]] as const) {
    const changed = [...out[`${name}.scale`]!.entries()]
      .filter(([i, scale]) => scale !== plain[`${name}.scale`]![i]);
    assertEquals(changed, [[place.scale + g, 2 ** -11]], name);
  }
});

Deno.test("pruned weights become 0, and a weight that is no number is refused", () => {
  const mask = {
    encoder: new Uint8Array(tensors["encoder"]!.length).fill(1),
    decoder: new Uint8Array(tensors["decoder"]!.length).fill(1),
  };
  mask.encoder[3] = 0;
  const bad = { ...tensors, encoder: tensors["encoder"]!.slice() };
  bad.encoder[3] = NaN;
  assertEquals(roundToFormat({ ...of("i8"), mask }, bad)["encoder"]![3], 0);
  assertThrows(
    () => roundToFormat(of("i8"), bad),
    RangeError,
    "The encoder has a weight that is NaN",
  );
});
