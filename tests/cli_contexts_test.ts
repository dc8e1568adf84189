/** Models without some of their contexts, as a person meets them. */
import { planOf } from "../model/checkpoint_file.ts";
import { unitCount } from "../model/plan.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { assertRefused, assertSameFile, Folder, recordsIn, saccade, succeed } from "./program.ts";

const TAUGHT = ["--retrain", "scene", "--steps", "40", "--eval-steps", "10"];

Deno.test("compress --contexts drops what adds least; every command knows the file", async () => {
  await using folder = new Folder();
  const [file, copy] = [folder.file("model.safetensors"), folder.file("copy")];
  await succeed("run", "--spec", "tiny", "--steps", "40", "--save", file, "--quiet");
  await Deno.copyFile(file, copy);
  const out = folder.file("out.safetensors");
  const what = ["--contexts", "0.6", "--format", "i8", "--prune", "0.5"];
  const table = await succeed("compress", file, ...what, ...TAUGHT, "-o", out);
  await assertSameFile(file, copy);
  const [, before, after] = table.match(/^contexts +(\d+) +(\d+)$/m)!.map(Number);
  assert(after! > 0 && after! <= 0.41 * before!, table);
  const stored = await loadCheckpoint(out);
  const plan = planOf(stored);
  assertEquals([plan.contextKind.length, stored.contexts?.length], [after, before]);
  assert(new RegExp(`^units +30 +${unitCount(plan)}$`, "m").test(table), table);
  const text = await succeed("inspect", out);
  assert(
    new RegExp(`^contexts +${after}, ${before! - after!} were dropped$`, "m").test(text),
    text,
  );
  const records = recordsIn(
    await succeed("run", "--resume", out, "--steps", "10", "--json", "--format", "bf16"),
  );
  assertEquals(records.at(-1)!.step, 90);
  const later = await loadCheckpoint(out);
  assertEquals([later.contexts, later.mask], [stored.contexts, stored.mask]);
  await succeed("eval", out, "--steps", "10");
  await succeed("run", "--resume", out, "--prune", "0.7", "--steps", "4", "--quiet");
  await succeed("export", "--onnx", folder.file("step.onnx"), "--inference", out);
  // Half a run and the other half are a run.
  const [half, whole] = [folder.file("half"), folder.file("whole")];
  await Deno.copyFile(out, half);
  await succeed("run", "--resume", half, "--steps", "5", "--quiet", "--threads", "1");
  await succeed("run", "--resume", half, "--steps", "5", "--quiet", "--threads", "1");
  const once = ["--save", whole, "--steps", "10", "--quiet", "--threads", "1"];
  await succeed("run", "--resume", out, ...once);
  await assertSameFile(half, whole);
});

Deno.test("a model that learns without contexts is a graph that learns, too", async () => {
  await using folder = new Folder();
  const [file, out] = [folder.file("model.safetensors"), folder.file("out.safetensors")];
  await succeed("run", "--spec", "tiny", "--steps", "20", "--save", file, "--quiet");
  const text = await succeed("compress", file, "--contexts", "1", ...TAUGHT, "-o", out);
  assert(/^contexts +\d+ +0$/m.test(text), text);
  const plan = planOf(await loadCheckpoint(out));
  assertEquals(plan.layerStart.length, 2);
  const records = recordsIn(await succeed("run", "--resume", out, "--steps", "5", "--json"));
  assertEquals(records.at(-1)!.mse.layers.length, 1);
  await succeed("export", "--onnx", folder.file("step.onnx"), out);
});

Deno.test("contexts that cannot be dropped are refused in one sentence", async () => {
  await using folder = new Folder();
  const file = folder.file("model.safetensors");
  await succeed("run", "--spec", "tiny", "--steps", "5", "--save", file, "--quiet");
  const before = await Deno.readFile(file);
  const out = ["-o", folder.file("out.safetensors")];
  const refused = async (code: number, says: string, ...args: string[]) =>
    assertRefused(await saccade(["compress", file, ...args, ...out]), code, says);
  for (const share of ["1.5", "-0.1", "half", "NaN"]) {
    await refused(2, "is a share from 0 to 1", "--contexts", share, ...TAUGHT);
  }
  await refused(2, "--contexts needs --retrain", "--contexts", "0.5");
  const short = ["--retrain", "scene", "--steps", "3"];
  await refused(3, "3 are too few", "--contexts", "0.5", ...short);
  assertEquals(folder.names().filter((name) => !name.endsWith(".lock")), ["model.safetensors"]);
  assertEquals(await Deno.readFile(file), before);
});
