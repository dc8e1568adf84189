/** `saccade compress` as a person meets it. */
import { densityOf } from "../compress/prune.ts";
import { planOf } from "../model/checkpoint_file.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { needing, VIDEO } from "./needs.ts";
import { assertRefused, assertSameFile, Folder, saccade, succeed } from "./program.ts";

const CLIP = `${VIDEO}car-detection-96x96-12.5fps.y4m.gz`;

/** A small model that has seen a bit of the scene. */
async function model(folder: Folder): Promise<string> {
  const file = folder.file("model.safetensors");
  await succeed("run", "--spec", "tiny", "--steps", "60", "--save", file, "--quiet");
  return file;
}

Deno.test("compress rounds, prunes and teaches; the new model is small, good, and learns on", async () => {
  await using folder = new Folder();
  const file = await model(folder);
  await Deno.copyFile(file, folder.file("copy"));
  const out = folder.file("out.safetensors");
  const what = ["--format", "i8", "--prune", "0.8", "--blocks", "4x1"];
  const taught = ["--retrain", "scene", "--steps", "60", "--eval-steps", "40"];
  const record = JSON.parse(
    await succeed("compress", file, ...what, ...taught, "-o", out, "--json"),
  );
  await assertSameFile(file, folder.file("copy"));
  const { before, after, lost, comparison } = record;
  assertEquals([before.format, before.density, after.format], ["f32", 1, "i8"]);
  assert(Math.abs(after.density - 0.2) < 0.02, `${after.density}`);
  assertEquals(before.bytesOnDisk, (await Deno.stat(file)).size);
  assertEquals(after.bytesOnDisk, (await Deno.stat(out)).size);
  assert(after.bytesOnDisk < before.bytesOnDisk / 4, JSON.stringify(after));
  assertEquals([comparison.frames, comparison.firstFrame], [40, 120]);
  assertEquals(before.copyLast, after.copyLast);
  // The same meter for both, over as many steps.
  for (const { energy, joulesPerStep } of [before, after]) {
    assertEquals(energy.method, before.energy.method);
    assert(energy.scope !== "" && energy.low <= energy.joules && energy.joules <= energy.high);
    assertEquals(joulesPerStep, energy.joules / 40);
  }
  assert(after.skill > before.skill - 0.1, `${after.skill} after ${before.skill}`);
  assert(lost.encoder.rmsError > 0 && lost.encoder.rmsError < 1e-3 * lost.encoder.rms);
  const stored = await loadCheckpoint(out);
  const plan = planOf(stored);
  assertEquals([plan.format, densityOf(plan)], ["i8", after.density]);
  assertEquals([stored.checkpoint.step, stored.sourceFrames], [120, 120]);
  await succeed("run", "--resume", out, "--backend", "reference", "--steps", "20", "--quiet");
  const later = await loadCheckpoint(out);
  assertEquals([later.checkpoint.step, later.mask], [140, stored.mask]);
  // Compressed again, it loses no less than it had lost: what was pruned stays so.
  const again = folder.file("again.safetensors");
  const table = await succeed("compress", out, "--prune", "0.9", "-o", again, "--format", "f32");
  assert(/^format +i8 +f32$/m.test(table) && table.includes(`saved to ${again}`), table);
  const mask = (await loadCheckpoint(again)).mask!;
  assert(mask.encoder.every((bit, i) => bit === 0 || stored.mask!.encoder[i] === 1));
});

await needing(["clips"], "a clip that is shorter than the teaching is looped", async () => {
  await using folder = new Folder();
  const out = folder.file("out.safetensors");
  const taught = ["--retrain", CLIP, "--steps", "400", "--eval-steps", "20", "--backend", "wasm"];
  const text = await succeed("compress", await model(folder), ...taught, "-o", out);
  assert(/frozen on 20 frames of \S+ from frame 0, which it was taught, too/.test(text), text);
  assert(/^energy a step, frozen( +\S+ \S+ \((measured|modelled)\)){2}$/m.test(text), text);
  assert(/^energy: .+; .+; before \S+ \S+ to \S+ \S+, after .+ a step$/m.test(text), text);
  assertEquals((await loadCheckpoint(out)).checkpoint.step, 460);
});

Deno.test("compress refuses what it cannot do, in one sentence, and writes nothing", async () => {
  await using folder = new Folder();
  const file = await model(folder);
  const out = ["--out", folder.file("out.safetensors")];
  const refused = async (code: number, says: string, ...args: string[]) =>
    assertRefused(await saccade(["compress", ...args]), code, says);
  await refused(2, "takes one model", ...out);
  await refused(2, "something to do", file, ...out);
  await refused(2, "needs --out", file, "--format", "i8");
  await refused(2, "the model itself", file, "--format", "i8", "-o", file);
  await refused(2, "--format is one of", file, "--format", "i4", ...out);
  await refused(2, "below 1, not 1", file, "--prune", "1", ...out);
  await refused(2, "above 0", file, "--prune", "0", ...out);
  await refused(2, "as in 4x1", file, "--prune", "0.5", "--blocks", "4", ...out);
  await refused(2, "--blocks needs --prune", file, "--format", "i8", "--blocks", "4x1", ...out);
  await refused(2, "--steps needs --retrain", file, "--format", "i8", "--steps", "9", ...out);
  await refused(3, "do not fit", file, "--prune", "0.5", "--blocks", "999x1", ...out);
  await refused(3, "no.y4m", file, "--format", "i8", "--retrain", folder.file("no.y4m"), ...out);
  const taught = ["--retrain", "scene", "--steps", "9", "--backend", "onnx"];
  await refused(5, "weights are i8", file, "--format", "i8", ...taught, ...out);
  const nowhere = ["-o", folder.file("no/such")];
  await refused(3, "there is no such folder", file, "--format", "i8", ...nowhere);
  assertEquals(folder.names().filter((name) => !name.endsWith(".lock")), ["model.safetensors"]);
});

Deno.test("other commands know of a compressed model: who takes it, and what a graph can be", async () => {
  await using folder = new Folder();
  const out = folder.file("out.safetensors");
  const model8 = ["--format", "i8", "--prune", "0.5", "-o", out];
  await succeed("compress", await model(folder), ...model8);
  const taken = await succeed("backends", "--resume", out);
  assert(/masks/.test(taken) && /weights are i8/.test(taken), taken);
  const graph = folder.file("step.onnx");
  assertRefused(await saccade(["export", "--onnx", graph, out]), 2, "give --inference");
  const wrote = await succeed("export", "--onnx", graph, "--inference", out);
  assert(wrote.includes("60 steps so far"), wrote);
});
