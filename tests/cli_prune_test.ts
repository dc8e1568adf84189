/** Pruning on the fly, as a person meets it. */
import { densityOf } from "../compress/prune.ts";
import { planOf } from "../model/checkpoint_file.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { assert, assertEquals } from "../std_assert.ts";
import {
  assertRefused,
  assertSameFile,
  Folder,
  Program,
  recordsIn,
  saccade,
  succeed,
} from "./program.ts";

const TINY = ["run", "--spec", "tiny", "--threads", "1"];

Deno.test("run --prune goes to its density while it learns, on the backend there is", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  const how = ["--format", "i8", "--prune", "0.9", "--blocks", "4x1", "--checkpoint-every", "10"];
  const out = await succeed(...TINY, ...how, "--steps", "40", "--save", file, "--json");
  const records = recordsIn(out);
  assertEquals(records.map(({ backend }) => /^wasm/.test(backend)), [true, true]);
  const { density, memory, perStep } = records.at(-1)!;
  assert(Math.abs(density - 0.1) < 0.02, `${density}`);
  const stored = await loadCheckpoint(file);
  assertEquals(densityOf(planOf(stored)), density);
  // Three quarters of the steps, and the last of them.
  assertEquals([stored.pruning?.steps, stored.pruning?.made], [30, 31]);
  const { tensors } = stored.checkpoint;
  const whole = 2 * (tensors["encoder"]!.length + tensors["decoder"]!.length);
  assert(memory.weights < 0.5 * whole, `${memory.weights} of ${whole} bytes`);
  const again = await saccade(["run", "--resume", file, "--prune", "0.9", "--steps", "5"]);
  assertEquals(again.code, 0);
  assert(/^the pruning is finished: \d+\.\d % of the weights are left$/m.test(again.stderr));
  assert(/^weights kept +\d+\.\d %$/m.test(again.stdout), again.stdout);
  const rest = recordsIn(await succeed("run", "--resume", file, "--steps", "5", "--json"));
  assertEquals(rest.at(-1)!.density, density);
  assert(rest.at(-1)!.perStep.macs < 1.05 * perStep.macs);
});

Deno.test("Ctrl-C in the middle of it: what is saved goes on to the same end", async () => {
  await using folder = new Folder();
  const [file, whole] = [folder.file("a.safetensors"), folder.file("b.safetensors")];
  const how = ["--prune", "0.8", "--prune-steps", "20000"];
  {
    await using program = new Program([...TINY, ...how, "--save", file, "--json", "--window", "9"]);
    await program.until((lines) => lines.length > 150);
    program.kill("SIGINT");
    const { code, stderr } = await program.ended;
    assertEquals([code, stderr], [130, ""]);
  }
  const { checkpoint: { step }, pruning } = await loadCheckpoint(file);
  assert(step > 1000 && step < 20000, `it came to step ${step}`);
  assertEquals(pruning?.made, step);
  const { code, stderr } = await saccade([
    ...["run", "--threads", "1", "--resume", file, "--steps", "1500", "--json"],
  ]);
  assertEquals(code, 0, stderr);
  assert(stderr.startsWith(`the pruning goes on: ${step} of 20000 steps made`), stderr);
  await succeed(...TINY, ...how, "--steps", `${step + 1500}`, "--save", whole, "--quiet");
  await assertSameFile(file, whole);
});

Deno.test("pruning that makes no sense is refused in one sentence, and nothing is touched", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await succeed(...TINY, "--steps", "5", "--save", file, "--quiet");
  const before = await Deno.readFile(file);
  const refused = async (code: number, says: string, ...args: string[]) =>
    assertRefused(await saccade(["run", "--resume", file, ...args]), code, says);
  await refused(2, "above 0", "--prune", "0");
  await refused(2, "below 1, not 1.5", "--prune", "1.5");
  await refused(2, "as in 4x1", "--prune", "0.5", "--blocks", "4");
  await refused(2, "Blocks of 99x1 do not fit", "--prune", "0.5", "--blocks", "99x1");
  await refused(2, "--prune-steps needs --prune", "--prune-steps", "9");
  await refused(2, "--prune-steps is 1 or more", "--prune", "0.5", "--prune-steps", "0");
  await refused(2, "leave --no-learn out", "--prune", "0.5", "--no-learn");
  // Before the first step, not at the first pruning.
  await refused(5, "does not take this model", "--prune", "0.5", "--backend", "onnx");
  assertEquals(await Deno.readFile(file), before);
});
