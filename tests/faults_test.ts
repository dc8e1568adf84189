/** Power cuts and full disks: a checkpoint that was there once is there for ever, whole. */
import { assert, assertEquals } from "../std_assert.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { needing } from "./needs.ts";
import { assertRefused, Folder, Program, recordsIn, saccade, succeed } from "./program.ts";

const CI = Deno.env.get("CI") !== undefined;
const ignore = Deno.build.os === "windows";
const TINY = ["--spec", "tiny", "--threads", "1"];

/** xorshift32: numbers in [0, 1) that follow from a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Waits until another file stands under a name, or the program that was to put it there is over. */
async function renewed(file: string, program: Program): Promise<void> {
  let over = false;
  program.ended.then(() => over = true);
  const inode = () => Deno.stat(file).then(({ ino }) => ino, () => null);
  const before = await inode();
  while (!over && await inode() === before) await new Promise((wake) => setTimeout(wake, 1));
}

Deno.test({ name: "kill -9 at random moments never loses a checkpoint", ignore }, async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  const seed = (Date.now() & 0x7fffffff) | 1;
  const next = random(seed);
  let last = 0;
  let advances = 0;
  for (let round = 0; round < (CI ? 50 : 8); round++) {
    const model = last === 0 ? [...TINY, "--save", file] : ["--resume", file, "--threads", "1"];
    const every = 1 + Math.floor(2 * next());
    const args = ["run", ...model, "--checkpoint-every", `${every}`, "--window", "1", "--json"];
    await using program = new Program(args);
    // Some steps are over and up to two checkpoints are written, however slow the disk; then the
    // moment is anywhere within a write or between two.
    const steps = 5 + Math.floor(50 * next());
    await program.until((lines) => lines.length >= steps);
    for (let written = Math.floor(3 * next()); written > 0; written--) await renewed(file, program);
    const moment = performance.now() + 10 * next();
    while (performance.now() < moment);
    program.kill("SIGKILL");
    const { signal, stderr } = await program.ended;
    const where = `seed ${seed}, round ${round}, ${stderr}`;
    assertEquals(signal, "SIGKILL", where);
    const left = folder.names();
    if (last === 0 && !left.includes("a.safetensors")) continue;
    const { checkpoint } = await loadCheckpoint(file);
    assert(checkpoint.step >= last, `went back from ${last} to ${checkpoint.step}: ${where}`);
    if (checkpoint.step > last) advances++;
    last = checkpoint.step;
  }
  assert(advances > 3, `${advances} rounds left a newer checkpoint, seed ${seed}`);

  // What the dead left is cleaned up, and what they learned is what a run in peace learns.
  await Deno.writeTextFile(`${file}.4242.tmp`, "half a checkpoint");
  const [rest, whole] = [folder.file("rest"), folder.file("whole")];
  await succeed("run", "--quiet", "--threads", "1", "--resume", file, "--steps", "5");
  await Deno.rename(file, rest);
  assertEquals(folder.names(), ["rest"], `seed ${seed}`);
  await succeed("run", "--quiet", ...TINY, "--steps", String(last + 5), "--save", whole);
  assertEquals(await Deno.readFile(rest), await Deno.readFile(whole), `seed ${seed}`);
});

/** Runs a test on a disk of so many bytes. */
async function onSmallDisk(size: number, test: (folder: Folder) => Promise<void>): Promise<void> {
  await using folder = new Folder();
  const run = async (command: string, ...args: string[]) =>
    assert((await new Deno.Command(command, { args }).output()).success, command);
  await run("mount", "-t", "tmpfs", "-o", `size=${size}`, "none", folder.path);
  try {
    await test(folder);
  } finally {
    await run("umount", folder.path);
  }
}

await needing(
  ["mount"],
  "compress on a disk that fills up: the teaching goes on, what fitted stays and resumes; exit 3",
  async () => {
    await using models = new Folder();
    const model = models.file("model.safetensors");
    await succeed("run", "--quiet", ...TINY, "--steps", "6", "--save", model);
    const original = await Deno.readFile(model);
    const { size } = await Deno.stat(model);
    await onSmallDisk(Math.ceil(size / 4096) * 4096, async (folder) => {
      const out = folder.file("out.safetensors");
      const taught = ["--retrain", "scene", "--steps", "8", "--eval-steps", "4"];
      const command = ["compress", model, "--prune", "0.3", "--blocks", "1x1", ...taught];
      const { code, stderr } = await saccade([...command, "-o", out]);
      const said = stderr.trimEnd().split("\n");
      assertEquals(code, 3, stderr);
      assert(said.length > 1 && said.every((line) => line.includes("No space left")), stderr);
      assert(said.slice(0, -1).every((line) => line.endsWith("; the teaching goes on")), stderr);
      assert(!said.at(-1)!.endsWith("goes on"), stderr);
      assertEquals(folder.names(), ["out.safetensors"]);
      await succeed(
        "run",
        "--resume",
        out,
        "--save",
        models.file("b"),
        "--backend",
        "reference",
        "--quiet",
        "--steps",
        "2",
      );
    });
    assertEquals(await Deno.readFile(model), original);
  },
);

await needing(
  ["mount"],
  "a disk that fills up on the way is said, the run goes on, the last good file stays; exit 3",
  async () => {
    let size = 0;
    {
      await using folder = new Folder();
      await succeed("run", "--quiet", ...TINY, "--steps", "1", "--save", folder.file("a"));
      size = (await Deno.stat(folder.file("a"))).size;
    }
    // One checkpoint has room, a second beside it has not.
    await onSmallDisk(Math.ceil(1.5 * size / 4096) * 4096, async (folder) => {
      const file = folder.file("a.safetensors");
      await succeed("run", "--quiet", ...TINY, "--steps", "6", "--save", file);
      const before = await Deno.readFile(file);
      const run = ["run", "--resume", file, "--steps", "9", "--json", "--threads", "1"];
      const { code, stdout, stderr } = await saccade([...run, "--checkpoint-every", "3"]);
      const said = stderr.trimEnd().split("\n");
      assertEquals(code, 3, stderr);
      assert(said.length >= 2 && said.every((line) => line.includes("No space left")), stderr);
      assert(said.slice(0, -1).every((line) => line.endsWith("; the run goes on")), stderr);
      assert(!said.at(-1)!.endsWith("goes on"), stderr);
      const { kind, step } = recordsIn(stdout).at(-1)!;
      assertEquals([kind, step], ["summary", 15]);
      assertEquals(await Deno.readFile(file), before);
      assertEquals(folder.names(), ["a.safetensors"]);
      // To a person it does not say that it was saved.
      const shown = await saccade(["run", "--resume", file, "--steps", "3", "--threads", "1"]);
      assertRefused(shown, 3, "No space left");
      assert(shown.stdout.includes("prediction error") && !shown.stdout.includes("saved to"));
    });
  },
);
