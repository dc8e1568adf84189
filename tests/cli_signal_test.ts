/** Ctrl-C, SIGTERM and a closed terminal: the step is finished, the state saved and summed up; and nobody saves over another. */
import { assert, assertEquals } from "../std_assert.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { needing } from "./needs.ts";
import { assertRefused, assertSameFile, Folder, Program, recordsIn, succeed } from "./program.ts";

const TINY = ["run", "--spec", "tiny", "--threads", "1", "--json"];
const ignore = Deno.build.os === "windows";
const reached = (steps: number) => (lines: string[]) => lines.length >= steps;

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test({
    name:
      `${signal} finishes the step, saves, sums up and exits ${code}; no step is lost or half made`,
    ignore,
    async fn() {
      await using folder = new Folder();
      const [file, whole, more] = ["a", "b", "c"].map((name) => folder.file(name));
      await using program = new Program([...TINY, "--window", "1", "--save", file!]);
      await program.until(reached(20));
      program.kill(signal);
      const ended = await program.ended;
      assertEquals([ended.code, ended.stderr], [code, ""]);
      const records = recordsIn(ended.stdout);
      const { kind, step } = records.at(-1)!;
      assertEquals([kind, records.length], ["summary", step + 1]);
      await succeed(...TINY, "--steps", String(step), "--save", whole!);
      await assertSameFile(file!, whole!);
      await succeed("run", "--quiet", "--resume", file!, "--steps", "3", "--save", more!);
      assertEquals((await loadCheckpoint(more!)).checkpoint.step, step + 3);
      assertEquals(folder.names(), ["a", "b", "c"]);
    },
  });
}

/** A frame of `tiny`. */
const FRAME = new Uint8Array(20 * 20 * 3).fill(99);

Deno.test({ name: "a signal ends a wait for a source that never delivers", ignore }, async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await using program = new Program([...TINY, "--video", "-", "--window", "1", "--save", file]);
  for (let n = 0; n < 3; n++) await program.feed(FRAME);
  await program.until(reached(3));
  program.kill("SIGTERM");
  const ended = await program.ended;
  assertEquals([ended.code, ended.stderr], [143, ""]);
  assertEquals(recordsIn(ended.stdout).at(-1)!.step, 3);
  assertEquals((await loadCheckpoint(file)).checkpoint.step, 3);

  // Resumed, it learns from what comes next: a pipe holds no frames that it has seen.
  const resume = ["run", "--threads", "1", "--json", "--window", "1", "--resume", file];
  await using again = new Program([...resume, "--video", "-"]);
  await again.feed(FRAME);
  await again.until(reached(1));
  again.kill("SIGINT");
  assertEquals((await again.ended).code, 130);
  assertEquals((await loadCheckpoint(file)).checkpoint.step, 4);
});

/** Starts a program, and waits until it has claimed the file it saves to: it is on its way then. */
async function startedIn(folder: Folder, args: readonly string[]): Promise<Program> {
  using watcher = Deno.watchFs(folder.path);
  const program = new Program(args);
  for await (const _ of watcher) if (folder.names().some((name) => name.endsWith(".lock"))) break;
  return program;
}

await needing(["ffmpeg"], "a signal ends a wait for frames to pass over", async () => {
  await using folder = new Folder();
  const [file, pipe] = [folder.file("a.safetensors"), folder.file("pipe")];
  await succeed(...TINY, "--steps", "6", "--save", file);
  const before = await Deno.readFile(file);
  assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  await using program = await startedIn(folder, ["run", "--video", pipe, "--resume", file]);
  using video = await Deno.open(pipe, { write: true });
  await video.write(
    new TextEncoder().encode("YUV4MPEG2 W4 H4 F30:1 Cmono\nFRAME\n0123456789abcdef"),
  );
  program.kill("SIGINT");
  assertEquals((await program.ended).code, 130);
  assertEquals(await Deno.readFile(file), before);
});

await needing(["ffmpeg"], "a signal ends a wait for a source that does not even open", async () => {
  await using folder = new Folder();
  // A named pipe into which nobody writes keeps whoever reads it waiting.
  const pipe = folder.file("pipe");
  assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  const save = ["--save", folder.file("a.safetensors")];
  await using program = new Program([...TINY, "--video", pipe, ...save]);
  // This end of the pipe opens once there is somebody at the other.
  using _silent = await Deno.open(pipe, { write: true });
  program.kill("SIGINT");
  const { code, stdout, stderr } = await program.ended;
  assertEquals([code, stdout, stderr], [130, "", ""]);
  assertEquals(folder.names(), ["pipe"]);
});

await needing(["ffmpeg"], "a signal ends a wait for a camera that is silent", async () => {
  using camera = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `rtsp://127.0.0.1:${(camera.addr as Deno.NetAddr).port}/`;
  await using program = new Program([...TINY, "--camera", address]);
  using _line = await camera.accept();
  program.kill("SIGTERM");
  const { code, stdout, stderr } = await program.ended;
  assertEquals([code, stdout, stderr], [143, "", ""]);
});

/** Starts a program in a terminal of its own, closes the terminal at its first output, prints how it ended. */
const CLOSED_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
os.read(terminal, 1)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

await needing(["python"], "a terminal that is closed ends the run, which saves", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  const main = new URL("../cli/main.ts", import.meta.url).pathname;
  const run = [Deno.execPath(), "run", "-A", main, "run", "--spec", "tiny", "--save", file];
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", CLOSED_TERMINAL, ...run],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "129\n");
  await succeed("run", "--quiet", "--resume", file, "--steps", "1");
  assertEquals(folder.names(), ["a.safetensors"]);
});

/** A backend whose first step never ends. */
const STUCK = `
import { backend as reference } from "${
  new URL("../backends/reference/backend.ts", import.meta.url).href
}";
async function load(device, plan, checkpoint) {
  const session = await device.load(plan, checkpoint);
  return {
    memory: () => session.memory(),
    step: () => (console.log("stuck"), new Promise(() => {})),
    report: () => session.report(),
    read: (name, into) => session.read(name, into),
    save: () => session.save(),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
async function open(id) {
  const device = await reference.open(id);
  return {
    info: device.info,
    lost: device.lost,
    accepts: (plan) => device.accepts(plan),
    load: (plan, checkpoint) => load(device, plan, checkpoint),
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}
export default { ...reference, open };
`;

Deno.test({ name: "a second signal ends at once what the first cannot", ignore }, async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await Deno.writeTextFile(folder.file("stuck.js"), STUCK);
  const args = [...TINY, "--backend", folder.file("stuck.js"), "--save", file];
  await using program = new Program(args);
  await program.until((lines) => lines.includes("stuck"));
  program.kill("SIGINT");
  program.kill("SIGTERM");
  const { code } = await program.ended;
  assert([130, 143].includes(code), String(code));
  // What it left behind does not keep the next run from the file.
  await succeed(...TINY, "--steps", "2", "--save", file);
  assertEquals(folder.names(), ["a.safetensors", "stuck.js"]);
});

Deno.test({
  name: "a second run that saves to the same file is refused, the first one undisturbed",
  ignore,
}, async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await using first = new Program([...TINY, "--window", "1", "--save", file]);
  await first.until(reached(3));
  await using second = new Program(["run", "--spec", "tiny", "--steps", "3", "--save", file]);
  assertRefused(await second.ended, 3, "Another run is saving to");
  first.kill("SIGINT");
  assertEquals((await first.ended).code, 130);
  await succeed("run", "--quiet", "--resume", file, "--steps", "1");
  assertEquals(folder.names(), ["a.safetensors"]);
});
