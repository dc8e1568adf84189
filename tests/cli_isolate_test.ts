/** Backends in processes of their own, on the command line. */
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { compileC, DOUBLE } from "./compile_c.ts";
import { needing } from "./needs.ts";
import { assertRefused, Folder, Program, recordsIn, saccade, succeed } from "./program.ts";

const TINY = ["run", "--spec", "tiny", "--motion", "0"];

Deno.test("a run with --isolate is the run without it", async () => {
  const run = [...TINY, "--steps", "30", "--window", "10", "--json", "--threads", "1"];
  await using folder = new Folder();
  const [here, there] = [folder.file("here"), folder.file("there")];
  const errors = async (...more: string[]) =>
    recordsIn(await succeed(...run, ...more)).map(({ mse }) => mse);
  const backend = ["--backend", "reference"];
  assertEquals(
    await errors(...backend, "--isolate", "--save", there),
    await errors(...backend, "--save", here),
  );
  assertEquals(await Deno.readFile(there), await Deno.readFile(here));
});

Deno.test("--isolate says what a backend says that cannot be had", async () => {
  const run = [...TINY, "--steps", "1", "--isolate"];
  assertRefused(await saccade([...run, "--backend", "wasn"]), 5, 'There is no backend "wasn"');
  assertRefused(
    await saccade([...run, "--backend", "native:./none.so"]),
    5,
    'Cannot load "./none.so": there is no such file',
  );
});

Deno.test({
  name: "Ctrl-C, which a terminal tells the child too, ends an isolated run with its state saved",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = new Folder();
    const file = folder.file("a.safetensors");
    const flags = ["--backend", "reference", "--isolate", "--save", file];
    await using program = new Program([...TINY, ...flags, "--json", "--window", "1"]);
    await program.until((lines) => lines.length > 3);
    const children = await childrenOf(program.pid);
    assert(children.length > 0, `no child of ${program.pid}`);
    for (const pid of [...children, program.pid]) Deno.kill(pid, "SIGINT");
    const { code, stdout, stderr } = await program.ended;
    assertEquals([code, stderr], [130, ""]);
    const { checkpoint } = await loadCheckpoint(file);
    assertEquals(checkpoint.step, recordsIn(stdout).at(-1)!.step);
    for (const pid of children) assertThrows(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
  },
});

/** The processes that any thread of another one has started. */
async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/children`);
    children.push(...text.split(" ").filter((word) => word !== "").map(Number));
  }
  return children;
}

await needing(["cc"], "a plugin that crashes its process takes nothing with it", async () => {
  await using folder = new Folder();
  const library = folder.file("lib.so");
  await compileC(DOUBLE, library, { defines: { ABORT_AT: 5 } });
  const file = folder.file("a.safetensors");
  const backend = ["--backend", `native:${library}`, "--isolate"];
  await succeed(...TINY, ...backend, "--steps", "3", "--quiet", "--save", file);
  const before = await Deno.readFile(file);

  const resume = ["run", "--resume", file, ...backend, "--json", "--window", "1"];
  const { code, stdout, stderr } = await saccade(resume);
  assertEquals(code, 5, stderr);
  const said = stderr.trimEnd().split("\n");
  assert(said.at(-1)!.includes(`The process of backend "native:${library}"`), stderr);
  assert(said.every((line) => line.includes("was ended by SIGABRT")), stderr);
  // The main process told of every step up to there, and what was saved is whole.
  assertEquals(recordsIn(stdout)[0]?.step, 4);
  assertEquals(await Deno.readFile(file), before);

  // Without it the whole program is gone.
  const bare = await saccade([...TINY, "--backend", `native:${library}`, "--steps", "9"]);
  assertEquals(bare.signal, "SIGABRT");
});

await needing(
  ["cc"],
  "a plugin without permission to be loaded is one sentence, exit 4",
  async () => {
    await using folder = new Folder();
    const library = folder.file("lib.so");
    await compileC(DOUBLE, library);
    const run = [...TINY, "--backend", `native:${library}`, "--steps", "1"];
    const none = await saccade(run, { permissions: ["--allow-read", "--no-prompt"] });
    assertRefused(none, 4, "--allow-ffi");
    const alone = ["--allow-read", "--no-prompt", "--allow-ffi"];
    const { code, stderr } = await saccade(run, { permissions: alone });
    assertEquals([code, stderr], [0, ""]);

    // A child has the permissions of its parent, and to have one is a permission.
    const isolated = [...run, "--isolate"];
    assertRefused(await saccade(isolated, { permissions: alone }), 4, "--allow-run");
    const both = await saccade(isolated, { permissions: [...alone, "--allow-run"] });
    assertEquals([both.code, both.stderr], [0, ""]);
    const less = ["--allow-read", "--no-prompt", "--allow-run"];
    assertRefused(await saccade(isolated, { permissions: less }), 4, "--allow-ffi");
  },
);
