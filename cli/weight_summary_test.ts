/** What weights look like. */
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { assertAlmostEquals, assertEquals } from "../std_assert.ts";
import { prune } from "../compress/prune.ts";
import { bars, summarise } from "./weight_summary.ts";

const plan = compilePlan(builtinSpec("tiny", { rule: "2016" }));

Deno.test("summarise() counts every weight once, from -largest to largest", () => {
  const checkpoint = initialCheckpoint(plan);
  const { density, encoder, decoder } = summarise(plan, checkpoint);
  assertEquals(density, 1);
  for (const [name, summary] of [["encoder", encoder], ["decoder", decoder]] as const) {
    const weights = checkpoint.tensors[name]!;
    assertEquals([summary.weights, summary.kept], [weights.length, weights.length]);
    assertEquals(summary.histogram.reduce((a, b) => a + b), weights.length);
    const upper = summary.histogram.slice(12).reduce((a, b) => a + b);
    assertEquals(upper, weights.filter((w: number) => w >= 0).length);
    const squares = Array.from(weights).reduce((sum, w) => sum + w * w, 0);
    assertAlmostEquals(summary.rms, Math.sqrt(squares / weights.length), 1e-12);
    assertEquals(summary.scales, undefined);
  }
});

Deno.test("summarise() leaves out what is pruned, and knows scales", () => {
  const narrow = { ...plan, format: "i16" as const };
  const pruned = prune(narrow, initialCheckpoint(narrow), { density: 0.25 });
  const { encoder, density } = summarise(pruned.plan, pruned.checkpoint);
  assertAlmostEquals(density, 0.25, 1e-2);
  assertEquals(encoder.histogram.reduce((a, b) => a + b), encoder.kept);
  assertEquals([encoder.zeros, encoder.kept < encoder.weights], [0, true]);
  const [least, most] = encoder.scales!;
  assertEquals([Math.log2(least) % 1, Math.log2(most) % 1], [0, 0].map((zero) => -zero));
});

Deno.test("summarise() shows the codebooks, and how many weights each value has", () => {
  const book = { ...plan, format: "codebook2" as const };
  const checkpoint = initialCheckpoint(book);
  const { plan: pruned } = prune(book, checkpoint, { density: 0.5 });
  const { encoder: { kept, codebooks } } = summarise(pruned, checkpoint);
  const { ofUnits, means, members, spare } = codebooks!;
  const stored = checkpoint.tensors["encoder.codebook"]!;
  assertEquals(ofUnits.flat(), [...stored]);
  for (let k = 0; k < 4; k++) {
    const mean = Array.from(stored).filter((_, i) => i % 4 === k)
      .reduce((sum, value) => sum + value, 0) / ofUnits.length;
    assertAlmostEquals(means[k]!, mean, 1e-6);
  }
  assertEquals(members.reduce((a, b) => a + b), kept);
  // The smaller half is pruned: two values of every unit are left.
  assertEquals([members[0]! > 0, spare > ofUnits.length], [true, true]);
  assertEquals(summarise(plan, initialCheckpoint(plan)).encoder.codebooks, undefined);
});

Deno.test("bars() shows the most as a full block, and nothing as nothing", () => {
  assertEquals(bars([0, 1, 4, 8]), " ▁▄█");
  assertEquals(bars([0, 0]), "  ");
});
