/** Narrow weights on the command line. */
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { assertRefused, assertSameFile, Folder, recordsIn, saccade, succeed } from "./program.ts";

const SLOW = ["--backend", "reference", "--quiet"];

Deno.test("a narrow model runs, is saved in its format, and resumes bit for bit", async () => {
  await using folder = new Folder();
  const [half, whole] = [folder.file("half.safetensors"), folder.file("whole.safetensors")];
  const model = ["--spec", "tiny", "--format", "i8", ...SLOW];
  await succeed("run", ...model, "--steps", "20", "--save", half);
  await succeed("run", "--resume", half, ...SLOW, "--steps", "20");
  await succeed("run", ...model, "--steps", "40", "--save", whole);
  await assertSameFile(half, whole);
  const { spec, checkpoint: { tensors } } = await loadCheckpoint(half);
  assertEquals(spec["format"], "i8");
  const { size } = await Deno.stat(half);
  const weights = tensors["encoder"]!.length + tensors["decoder"]!.length;
  assert(size < 2.4 * weights, `${size} bytes for ${weights} weights`);
});

for (const rule of ["saccade", "2016"]) {
  Deno.test(`codebooks, rule ${rule}: made, taught, saved, shown, resumed bit for bit, and left again`, async () => {
    await using folder = new Folder();
    const file = (name: string) => folder.file(`${name}.safetensors`);
    await succeed("run", "--spec", "tiny", "--rule", rule, "--steps", "30", "--save", file("a"));
    const pruned = ["--format", "codebook4", "--prune", "0.5", "-o", file("b")];
    const made = await succeed("compress", file("a"), ...pruned);
    assertEquals(made.includes("its momentum is left out"), rule === "2016", made);
    await Deno.copyFile(file("b"), file("c"));
    await succeed("run", "--resume", file("b"), ...SLOW, "--steps", "16");
    await succeed("run", "--resume", file("c"), ...SLOW, "--steps", "6");
    await succeed("run", "--resume", file("c"), ...SLOW, "--steps", "10");
    await assertSameFile(file("b"), file("c"));
    const about = JSON.parse(await succeed("inspect", file("b"), "--json"));
    const { encoder } = about.stored;
    assertEquals(encoder.codebooks.ofUnits.length, 30);
    assertEquals(encoder.codebooks.means.length, 16);
    const shown = await succeed("inspect", file("b"));
    assert(shown.includes("decoder codebooks"));
    assert(/^a step that learns .* read, \S+ kB written$/m.test(shown), shown);
    assert(/^a step that predicts .* read, 0 B written$/m.test(shown), shown);
    const { mask } = await loadCheckpoint(file("b"));
    await succeed("run", "--resume", file("c"), "--format", "f32", "--steps", "5", "--quiet");
    const wide = await loadCheckpoint(file("c"));
    assertEquals("encoder.codebook" in wide.checkpoint.tensors, false);
    assertEquals("encoder.momentum" in wide.checkpoint.tensors, rule === "2016");
    assertEquals(wide.mask, mask);
    const lost = JSON.parse(
      await succeed("compress", file("b"), "--format", "bf16", "-o", file("d"), "--json"),
    ).lost;
    assert(lost.encoder.rmsError > 0);
    const back = JSON.parse(
      await succeed("compress", file("b"), "--format", "f32", "-o", file("d"), "--json"),
    ).lost;
    assertEquals([back.encoder.largestError, back.decoder.largestError], [0, 0]);
  });
}

Deno.test("codebooks that only predict: a smaller file, which predicts the same", async () => {
  await using folder = new Folder();
  const file = (name: string) => folder.file(`${name}.safetensors`);
  await succeed("run", "--spec", "tiny", "--steps", "40", "--quiet", "--save", file("a"));
  const to = (name: string) => ["-o", file(name), "--json"];
  await succeed("compress", file("a"), "--format", "codebook4", ...to("b"));
  const made = JSON.parse(await succeed("compress", file("b"), "--predict-only", ...to("c")));
  const { weights } = JSON.parse(await succeed("inspect", file("c"), "--json"));
  const saved = made.before.bytesOnDisk - made.after.bytesOnDisk;
  assert(Math.abs(saved - weights) < 300, `${saved} bytes less for ${weights} weights`);
  assert(made.lost.encoder.rmsError > 0);
  const frozen = async (name: string) => {
    const out = await succeed("eval", file(name), "--video", "scene", "--steps", "20", "--json");
    return JSON.parse(out).layers.map((layer: { frozen: unknown }) => layer.frozen);
  };
  const predicted = await frozen("b");
  assert(predicted[0].mse > 0);
  assertEquals(await frozen("c"), predicted);
  const refused = await saccade(["compress", file("a"), "--predict-only", ...to("d")]);
  assertRefused(refused, 3, "Weights of f32 have nothing that only learning needs");
});

Deno.test("a file of codebooks that is cut short is refused", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  const model = ["--spec", "tiny", "--format", "codebook2", ...SLOW];
  await succeed("run", ...model, "--steps", "3", "--save", file);
  const bytes = await Deno.readFile(file);
  await Deno.writeFile(file, bytes.subarray(0, bytes.length - 100));
  assertRefused(await saccade(["inspect", file]), 3, "the file is truncated");
  const refused = await saccade(["run", ...model.slice(0, 4), "--backend", "onnx", "--steps", "3"]);
  assertRefused(refused, 5, "The plan's weights are codebook2");
});

Deno.test("a backend without a format says so; the same model goes on there in f32", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await succeed(
    "run",
    "--spec",
    "tiny",
    "--format",
    "i16",
    ...SLOW,
    "--steps",
    "10",
    "--save",
    file,
  );
  const refused = await saccade(["run", "--resume", file, "--steps", "5", "--backend", "onnx"]);
  assertRefused(refused, 5, "The plan's weights are i16");
  const out = await succeed("run", "--resume", file, "--format", "f32", "--steps", "5", "--json");
  assertEquals(recordsIn(out).at(-1)!.step, 15);
  const { spec, checkpoint } = await loadCheckpoint(file);
  assertEquals([spec["format"], "encoder.scale" in checkpoint.tensors], ["f32", false]);
  await succeed("run", "--resume", file, "--format", "bf16", ...SLOW, "--steps", "5");
  assertEquals((await loadCheckpoint(file)).spec["format"], "bf16");
});

Deno.test("a format that there is not is refused", async () => {
  assertRefused(await saccade(["run", "--format", "int8"]), 2, "--format is one of f32, bf16");
});

Deno.test("a narrow model that defers is saved as it is, and goes on", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  const model = ["--spec", "tiny", "--rule", "2016", "--format", "i8", "--defer", "8"];
  await succeed("run", ...model, "--steps", "11", "--save", file);
  const out = await succeed("run", "--resume", file, "--steps", "5", "--json");
  assertEquals(recordsIn(out).at(-1)!.step, 16);
  const { checkpoint } = await loadCheckpoint(file);
  assertEquals([checkpoint.deferred?.every, "pairs.inputs" in checkpoint.tensors], [8, true]);
});
