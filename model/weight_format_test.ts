/** What weights are stored in. */
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { builtinSpec } from "./builtin.ts";
import { codebookFault } from "./check_codebooks.ts";
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
    // They have no momentum to count.
    const book = parseSpec({ rule, format: "codebook4", defer: 8 });
    assertEquals(compilePlan(book).defer, { every: 8, window: 0 });
  }
  assertThrows(() => parseSpec({ format: "int8" }), SpecError, "f32, bf16, f16, i16, i8");
});

/** Half the distance of two numbers beside the largest, with some room for k-means. */
const STEPS: Readonly<Record<string, number>> = {
  bf16: 2 ** -8,
  codebook4: 1.3 / 16,
  codebook2: 1.3 / 4,
};

for (const format of NARROW_FORMATS) {
  Deno.test(`a new model of ${format} lies on its grid, near that of f32`, () => {
    const state = initialCheckpoint(of(format));
    checkState(of(format), state);
    const again = roundToFormat(of(format), state.tensors);
    for (const name of ["encoder", "decoder"] as const) {
      assertEquals(again[name], state.tensors[name], name);
      const step = STEPS[format] ?? 2 ** -11;
      const off = tensors[name]!.map((w, i) => Math.abs(w - again[name]![i]!));
      // Of fixed point, the largest of a row has 14 bits at least, of f16 11, of bf16 8; weights are uniform, as are centroids.
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

Deno.test("a matrix keeps its codebook, one that has none gets one", () => {
  const book = of("codebook4");
  const state = initialCheckpoint(book).tensors;
  const moved = {
    ...state,
    encoder: state["encoder"]!.slice(),
    "encoder.codebook": state["encoder.codebook"]!.slice(),
  };
  const scale = state["encoder.scale"]![0]!;
  // A centroid where k-means would not put it, as learning leaves it.
  moved["encoder.codebook"][15]! += 9 * scale;
  assertEquals(roundToFormat(book, moved)["encoder.codebook"], moved["encoder.codebook"]);
  // What was pending is written between two steps, or beyond what the codebook reaches.
  const [first, last] = [moved["encoder.codebook"][0]!, moved["encoder.codebook"][15]!];
  moved.encoder.set([first + 3.3 * scale, last + 1000 * scale]);
  const { encoder } = roundToFormat(book, moved);
  assertEquals([...encoder!.subarray(0, 2)], [first + 3 * scale, last + 127 * scale]);
  const { "encoder.codebook": _, ...without } = moved;
  const again = roundToFormat(book, without)["encoder.codebook"]!;
  assert(again[15] !== moved["encoder.codebook"][15]);
  assertEquals(codebookFault(book, roundToFormat(book, without)), undefined);
});

Deno.test("codebooks have no momentum; a format that has gets one of 0", () => {
  const moving = { ...tensors, "encoder.momentum": tensors["encoder.momentum"]!.map(() => 3) };
  const book = roundToFormat(of("codebook2"), moving);
  assertEquals(Object.keys(book).filter((name) => name.endsWith("momentum")), []);
  const back = roundToFormat(plan, book);
  checkState(plan, { step: 0, learned: 0, started: false, tensors: back });
  assertEquals(back["encoder.momentum"]!.every((m: number) => m === 0), true);
  assertEquals(back["encoder"], book["encoder"]);
});
