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
