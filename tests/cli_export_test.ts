/** `saccade export`: what it writes, and what it refuses. */
import { assert } from "../std_assert.ts";
import { assertRefused, Folder, saccade, succeed } from "./program.ts";

Deno.test("export writes the graph of a specification and of a checkpoint, in every form", async () => {
  await using folder = new Folder();
  const [checkpoint, file] = [folder.file("model.safetensors"), folder.file("step.onnx")];
  await succeed("run", "--spec", "tiny", "--steps", "5", "--save", checkpoint, "--quiet");
  const sizes: number[] = [];
  for (const flags of [["--training"], ["--inference"], ["--inference", "--int8"]]) {
    const said = await succeed("export", "--onnx", file, ...flags, checkpoint);
    assert(said.includes("rule saccade, 5 steps so far"), said);
    sizes.push((await Deno.stat(file)).size);
  }
  assert(sizes[0]! > sizes[1]! && sizes[1]! > 3 * sizes[2]!, `sizes are ${sizes}`);
  const said = await succeed("export", "--onnx", file, "--spec", "tiny", "--rule", "2016");
  assert(said.includes("training, rule 2016, 0 steps so far"), said);
});

Deno.test("export refuses flags that do not go together, and files it cannot write", async () => {
  await using folder = new Folder();
  const file = folder.file("step.onnx");
  assertRefused(await saccade(["export", "tiny"]), 2, "needs --onnx FILE");
  assertRefused(
    await saccade(["export", "--onnx", file, "--training", "--inference"]),
    2,
    "choose one",
  );
  assertRefused(await saccade(["export", "--onnx", file, "--int8"]), 2, "goes with --inference");
  assertRefused(
    await saccade(["export", "--onnx", file, "tiny", "--spec", "small"]),
    2,
    "choose one",
  );
  assertRefused(
    await saccade(["export", "--onnx", folder.file("no/step.onnx"), "tiny"]),
    3,
    "there is no such folder",
  );
});
