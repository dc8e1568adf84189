/** `saccade run` as scripts and people meet it: records, sources, backends, refusals. */
import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { needing, VIDEO } from "./needs.ts";
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
/** Bytes of a frame of `tiny`. */
const FRAME = 20 * 20 * 3;

/** Frames with something moving in them. */
function rawFrames(count: number, bytes = FRAME): Uint8Array<ArrayBuffer> {
  return new Uint8Array(count * bytes).map((_, i) => (i % 97) + 5 * Math.floor(i / bytes));
}

/** The type of every field, lists by their first element. */
function typesOf(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) return [typesOf(value[0])];
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, typesOf(each)]));
}

const number = "number", string = "string";
const RECORD = {
  ...{ kind: string, step: number, steps: number, mse: { frame: number, layers: [number] } },
  ...{ copyLastMse: number, skill: number, motionSkill: number, movingSkill: number },
  ...{
    density: number,
    stepsPerSecond: number,
    ms: { source: number, step: number, report: number },
  },
  perStep: { macs: number, bytesRead: number, bytesWritten: number, joules: number },
  memory: { weights: number, state: number, scratch: number, wasm: number, rss: number },
  energy: { method: string, source: string, scope: string, joules: number },
  skippedShare: number,
  dropped: number,
  backend: string,
};

Deno.test("run --json prints a window every so many steps and the summary last, with the promised names", async () => {
  const records = recordsIn(
    await succeed(
      ...[...TINY, "--scene", "--steps", "25", "--window", "10", "--skip-below", "1e-4,0.1"],
      "--json",
    ),
  );
  const shape = records.map(({ kind, step, steps }) => [kind, step, steps]);
  assertEquals(shape, [
    ["window", 10, 10],
    ["window", 20, 10],
    ["window", 25, 5],
    ["summary", 25, 25],
  ]);
  for (const record of records) {
    const { memory: { peakRss: _peak, ...memory }, energy, ...rest } = record;
    // A counter of joules that has nothing to say in so short a run, and the peak where no system tells, are null.
    const { low, high, ...known } = energy!;
    assertEquals(typesOf({ ...rest, memory, energy: known }), { ...RECORD });
    assert(low <= known.joules && known.joules <= high);
    assertEquals(record.mse.frame, record.mse.layers[0]!);
    assertEquals(record.mse.layers.length, 4);
    assertAlmostEquals(record.skill!, 1 - record.mse.frame! / record.copyLastMse!, 1e-12);
    assertEquals(Object.keys(record), [
      ...["kind", "step", "steps", "mse", "copyLastMse", "skill", "motionSkill", "movingSkill"],
      ...[
        "density",
        "stepsPerSecond",
        "ms",
        "perStep",
        "skippedShare",
        "memory",
        "energy",
        "dropped",
      ],
      "backend",
    ]);
  }
});

Deno.test("run --window 1 prints a record a step; skill leaves the first two out, motionSkill is null without motion", async () => {
  const args = [...TINY, "--motion", "0", "--steps", "6", "--window", "1", "--json"];
  const records = recordsIn(await succeed(...args));
  assertEquals(records.map(({ step, steps }) => [step, steps]), [
    ...[1, 2, 3, 4, 5, 6].map((step) => [step, 1]),
    [6, 6],
  ]);
  assertEquals(records.map(({ skill }) => skill === null), [true, true, ...Array(5).fill(false)]);
  assertEquals(records[0]!.copyLastMse, null);
  assert(records.every(({ motionSkill, mse }) => motionSkill === null && mse.frame !== null));
});

Deno.test("run --quiet silences progress and table, never records", async () => {
  const run = [...TINY, "--steps", "12", "--quiet"];
  assertEquals(await succeed(...run), "");
  assertEquals(recordsIn(await succeed(...run, "--json")).length, 2);
});

Deno.test("run without --json prints lines, then a table", async () => {
  const text = await succeed(...TINY, "--steps", "12", "--window", "6");
  assert(/^step 6 {2}skill .*\nstep 12 .*\n\nsteps +12 /.test(text), text);
});

await needing(["clips"], "run --video reads y4m.gz", async () => {
  const video = `${VIDEO}bottle-detection-96x96-10fps.y4m.gz`;
  const records = recordsIn(await succeed(...TINY, "--video", video, "--steps", "30", "--json"));
  assertEquals(records.map(({ step }) => step), [30, 30]);
});

await needing(["clips", "ffmpeg"], "run --video reads mp4, stretched or cropped", async () => {
  const video = `${VIDEO}bottle-detection-160x120-30fps.mp4`;
  const runs = ["stretch", "crop"].map((fit) =>
    succeed(...TINY, "--video", video, "--fit", fit, "--steps", "20", "--json")
  );
  const [stretched, cropped] = (await Promise.all(runs)).map((text) => recordsIn(text)[0]!);
  assertEquals([stretched!.step, cropped!.step], [20, 20]);
  assert(stretched!.copyLastMse !== cropped!.copyLastMse, "--fit changes nothing");
});

Deno.test("run --video - reads raw frames of the model's size, or of --size", async () => {
  const run = [...TINY, "--video", "-", "--json"];
  const own = await saccade(run, { stdin: rawFrames(7) });
  assertEquals([own.code, own.stderr, recordsIn(own.stdout).at(-1)!.step], [0, "", 7]);
  const stdin = rawFrames(3, 40 * 30 * 3);
  const sized = await saccade([...run, "--size", "40x30"], { stdin });
  assertEquals([sized.code, sized.stderr, recordsIn(sized.stdout).at(-1)!.step], [0, "", 3]);
});

Deno.test("a truncated stdin is said even when quiet; what was whole is learned and summed up, and the exit code is 3", async () => {
  const stdin = rawFrames(5).subarray(0, 5 * FRAME - 100);
  const ended = await saccade([...TINY, "--video", "-", "--json", "--quiet"], { stdin });
  assertRefused(ended, 3, "stdin ends in the middle of a frame, after 4 whole frames");
  assertEquals(recordsIn(ended.stdout).at(-1)!.step, 4);
});

Deno.test("run --no-learn leaves the weights bit for bit", async () => {
  await using folder = new Folder();
  const tensorsAfter = async (name: string, ...args: string[]) => {
    await succeed(...TINY, "--quiet", "--save", folder.file(name), ...args);
    return (await loadCheckpoint(folder.file(name))).checkpoint.tensors;
  };
  const [before, idle, learned] = await Promise.all([
    tensorsAfter("before", "--steps", "0"),
    tensorsAfter("idle", "--steps", "12", "--no-learn"),
    tensorsAfter("learned", "--steps", "12"),
  ]);
  for (const name of ["encoder", "decoder", "combiner.weights"]) {
    assertEquals(idle[name], before[name]);
    assert(learned[name]!.some((value, i) => value !== before[name]![i]), `${name} never learns`);
  }
  assert(idle["frame"]!.some((value, i) => value !== before["frame"]![i]), "no frame was seen");
});

Deno.test("run --threads changes no bit of the state", async () => {
  await using folder = new Folder();
  for (const rule of ["saccade", "2016"]) {
    const files = await Promise.all(["1", "2"].map(async (threads) => {
      const file = folder.file(`${rule}-${threads}`);
      const run = ["run", "--spec", "tiny", "--rule", rule, "--steps", "20", "--threads", threads];
      await succeed(...run, "--quiet", "--save", file);
      return file;
    }));
    await assertSameFile(files[0]!, files[1]!);
  }
});

Deno.test("run --backend takes those that come along; null knows no error", async () => {
  const run = (backend: string) =>
    succeed(...TINY, "--steps", "10", "--backend", backend, "--json").then((text) =>
      recordsIn(text).at(-1)!
    );
  const [wasm, f32, f64, nothing] = await Promise.all(
    ["wasm", "reference", "reference:f64", "null"].map(run),
  );
  assertAlmostEquals(wasm!.mse.frame!, f32!.mse.frame!, 1e-5);
  assertAlmostEquals(wasm!.mse.frame!, f64!.mse.frame!, 1e-5);
  assertEquals([nothing!.mse.frame, nothing!.skill, nothing!.perStep.macs], [null, null, 0]);
});

Deno.test("what cannot be had exits 3 with a sentence", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(folder.file("no.mp4"), "this is no video");
  const cases: [string[], string][] = [
    [["--camera", "/dev/video9"], "no such device"],
    [["--video", "missing.mp4"], "there is no such file"],
    [["--video", folder.path], "it is a directory"],
    [["--spec", "./missing.json"], "there is no such file"],
    [["--resume", "./missing.safetensors"], `Cannot read "./missing.safetensors"`],
    [["--save", "/nonexistent/a.safetensors"], "there is no such folder"],
  ];
  await Promise.all(cases.map(async ([args, says]) => {
    assertRefused(await saccade(["run", "--steps", "2", ...args]), 3, says);
  }));
  const run = [...TINY, "--steps", "2", "--video", folder.file("no.mp4")];
  // An absolute path starts Deno; nothing else is found in an empty folder.
  assertRefused(await saccade(run, { env: { PATH: folder.path } }), 3, "ffmpeg is not installed");
});

Deno.test({
  name: "an unreadable file exits 3 with a sentence",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = new Folder();
    for (const [name, flag] of [["a.mp4", "--video"], ["a.json", "--spec"]] as const) {
      let file = folder.file(name);
      await Deno.writeTextFile(file, "{}", { mode: 0o000 });
      // Root may read every file but this one, which is for writing only.
      if (Deno.uid() === 0) file = "/proc/sys/vm/compact_memory";
      assertRefused(await saccade(["run", flag, file]), 3, "permission denied");
    }
  },
});

Deno.test("a missing permission of Deno exits 4 with a sentence", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(folder.file("a.mp4"), "not even looked at");
  const save = ["--save", folder.file("a.safetensors")];
  const cases: [string[], string[], string][] = [
    [[], [], "--allow-read"],
    [["--allow-read"], save, "--allow-write"],
    [["--allow-read"], ["--video", folder.file("a.mp4")], "--allow-run=ffmpeg"],
    [["--allow-read=."], ["--video", folder.file("a.mp4")], "--allow-read"],
    [["--allow-read=."], ["--resume", folder.file("a.safetensors")], "--allow-read"],
    [["--allow-read=."], ["--spec", folder.file("a.json")], "--allow-read"],
  ];
  await Promise.all(cases.map(async ([permissions, args, says]) => {
    const own = args.some((arg) => ["--resume", "--spec"].includes(arg)) ? [] : ["--spec", "tiny"];
    const ended = await saccade(["run", ...own, "--steps", "2", ...args], { permissions });
    assertRefused(ended, 4, says);
  }));
});

Deno.test("what makes no sense exits 2 and suggests the nearest; an unknown backend exits 5", async () => {
  const cases: [string, number, string][] = [
    ["rum", 2, `did you mean "run"?`],
    ["run --stepz 3", 2, `did you mean "--steps"?`],
    ["run --spec smal", 2, `did you mean "small"?`],
    ["run --rule 2015", 2, `did you mean "2016"?`],
    ["run --fit strech", 2, `did you mean "stretch"?`],
    ["run --backend wasn", 5, `did you mean "wasm"?`],
    ["run --backend wasm:7", 5, `has no device "7"`],
    ["run --steps five", 2, "--steps is a whole number"],
    ["run --steps -3", 2, "--steps is a whole number"],
    ["run --steps", 2, "--steps needs a value"],
    ["run --steps 1 --steps 2", 2, "--steps is given 2 times"],
    ["run --seconds 0", 2, "--seconds is a number above 0"],
    ["run --window 0", 2, "--window is 1 or more"],
    ["run --threads 0", 2, "--threads is 1 or more"],
    ["run --video a.mp4 --scene", 2, "choose one"],
    ["run --scene --loop", 2, "--loop"],
    ["run --video - --size 3", 2, "--size is WIDTHxHEIGHT"],
    ["run --checkpoint-every 5", 2, "needs --save"],
    ["run --save a --checkpoint-every 5m", 2, "30s"],
    ["run --lateral legacy", 2, `goes with "rule": "2016"`],
    ["run extra", 2, "one word too many"],
    ["run -- extra", 2, "one word too many"],
    ["inspect tiny small", 2, "one model"],
    ["bench --only tini", 2, `did you mean "tiny"?`],
    ["backends nonsense", 5, `no backend "nonsense"`],
  ];
  // Two at a time: there may be no more cores.
  for (let i = 0; i < cases.length; i += 2) {
    await Promise.all(
      cases.slice(i, i + 2).map(async ([line, code, says]) => {
        assertRefused(await saccade(line.split(" ")), code, says);
      }),
    );
  }
});

Deno.test("--help exits 0 everywhere, with flags and examples; no command at all exits 2", async () => {
  const help = await succeed("--help");
  const commands = [...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name!);
  const expected = "run demo inspect export backends doctor compress eval bench conformance";
  assertEquals(commands.join(" "), expected);
  for (const name of commands) {
    const text = await succeed(name, "--help");
    assert(text.includes(`Usage: saccade ${name}`) && text.includes("Examples:"), text);
  }
  const { code, stdout } = await saccade([]);
  assertEquals([code, stdout], [2, help]);
});

Deno.test("a reader that goes away ends the run quietly, and the state is saved", async () => {
  await using folder = new Folder();
  const main = new URL("../cli/main.ts", import.meta.url).pathname;
  const file = folder.file("a.safetensors");
  const program = `"${Deno.execPath()}" run -A "${main}" run --spec tiny`;
  const { stdout, stderr, code } = await new Deno.Command("sh", {
    args: ["-c", `${program} --window 5 --json --save "${file}" | head -n 1`],
  }).output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stderr), recordsIn(text.decode(stdout)).length], [0, "", 1]);
  assertEquals(folder.names(), ["a.safetensors"]);
});

Deno.test("run --seconds ends a wait for a source that never delivers", async () => {
  await using program = new Program([...TINY, "--video", "-", "--seconds", "1", "--json"]);
  const { code, stdout, stderr } = await program.ended;
  assertEquals([code, stderr, recordsIn(stdout).map(({ step }) => step)], [0, "", [0]]);
});

await needing(
  ["ffmpeg"],
  "a video that is cut short exits 3; what was whole is learned, summed up and saved",
  async () => {
    await using folder = new Folder();
    const file = folder.file("cut.mkv");
    const { success } = await new Deno.Command("ffmpeg", {
      args: ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=80x60:rate=25:duration=2", file],
    }).output();
    assert(success);
    const bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    const run = [...TINY, "--video", file, "--quiet", "--json"];
    const ended = await saccade([...run, "--save", folder.file("a.safetensors")]);
    assertRefused(ended, 3, "ends early");
    const { step } = recordsIn(ended.stdout).at(-1)!;
    assert(step > 0 && step < 50, `${step} frames`);
    assertEquals((await loadCheckpoint(folder.file("a.safetensors"))).checkpoint.step, step);
  },
);
