/** A run that is resumed is the run that never ended, bit for bit; what is no checkpoint is refused and left alone. */
import { assert, assertEquals } from "../std_assert.ts";
import { encodeTensors } from "../model/safetensors.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { needing, VIDEO } from "./needs.ts";
import { assertRefused, assertSameFile, Folder, recordsIn, saccade, succeed } from "./program.ts";

const QUIET = ["run", "--quiet", "--threads", "1"];

/** 25 steps and 15 more are 40, byte for byte. */
async function assertResumes(
  folder: Folder,
  name: string,
  model: readonly string[],
  source: readonly string[],
): Promise<void> {
  const [part, rest, whole] = ["part", "rest", "whole"].map((n) => folder.file(`${name}-${n}`));
  await Promise.all([
    succeed(...QUIET, ...model, ...source, "--steps", "40", "--save", whole!),
    succeed(...QUIET, ...model, ...source, "--steps", "25", "--save", part!).then(() =>
      succeed(...QUIET, "--resume", part!, ...source, "--steps", "15", "--save", rest!)
    ),
  ]);
  await assertSameFile(rest!, whole!);
  assertEquals((await loadCheckpoint(part!)).checkpoint.step, 25);
}

/** A model of the 2016 kind, every value a string, whose schedule learns and feeds back within 40 steps. */
const SPEC_2016 = {
  ...{ version_major: "1", version_minor: "0", layer_shapes: ["4", "3", "2", "1"] },
  ...{ input_block_size: "5", hidden_block_size: "5", lateral_radius: "2" },
  ...{ initial_learning_rate: "0.01", final_learning_rate: "0.001", momentum: "0.5" },
  ...{ delay_each_layer_learning: "8", delay_final_learning_rate: "33" },
  ...{ enable_lateral_at: "12", enable_feedback_at: "28" },
  ...{ predict_two_steps: "1", normalize_output: "1", use_t_minus_2_block: "1" },
};

Deno.test("25 steps and 15 more are 40 steps, byte for byte, for every rule", async () => {
  await using folder = new Folder();
  const spec = folder.file("2016.json");
  await Deno.writeTextFile(spec, JSON.stringify(SPEC_2016));
  await assertResumes(folder, "still", ["--spec", "tiny", "--motion", "0"], ["--scene"]);
  await assertResumes(folder, "motion", ["--spec", "tiny", "--motion", "3"], ["--scene"]);
  await assertResumes(folder, "2016", ["--spec", spec], ["--scene"]);
  const { checkpoint } = await loadCheckpoint(folder.file("2016-rest"));
  assert(checkpoint.tensors["encoder.momentum"]!.every(Number.isFinite));
  assert(checkpoint.tensors["encoder.momentum"]!.some((value) => value !== 0), "nothing learned");
});

await needing(
  ["clips"],
  "a resumed run goes on behind the frames it has seen in a y4m.gz",
  async () => {
    await using folder = new Folder();
    const video = `${VIDEO}car-detection-96x96-12.5fps.y4m.gz`;
    await assertResumes(folder, "video", ["--spec", "tiny"], ["--video", video]);
  },
);

await needing(
  ["clips", "ffmpeg"],
  "a resumed run goes on behind the frames it has seen in an mp4",
  async () => {
    await using folder = new Folder();
    const video = `${VIDEO}car-detection-160x120-12.5fps.mp4`;
    await assertResumes(folder, "video", ["--spec", "tiny"], ["--video", video]);
  },
);

/** A y4m of few grey frames, which needs no ffmpeg. */
async function shortVideo(folder: Folder, frames: number): Promise<string> {
  const file = folder.file("short.y4m");
  const parts: BlobPart[] = ["YUV4MPEG2 W20 H20 F10:1 Cmono\n"];
  for (let n = 0; n < frames; n++) {
    parts.push("FRAME\n", new Uint8Array(400).map((_, i) => 16 + (7 * i + 31 * n) % 200));
  }
  await Deno.writeFile(file, await new Blob(parts).bytes());
  return file;
}

Deno.test("a resumed run goes on in the right round of a looped file", async () => {
  await using folder = new Folder();
  const video = await shortVideo(folder, 9);
  await assertResumes(folder, "loop", ["--spec", "tiny"], ["--video", video, "--loop"]);
});

Deno.test("a file that was seen to its end has no more frames: exit 3, the checkpoint as it was", async () => {
  await using folder = new Folder();
  const video = await shortVideo(folder, 9);
  const [file, copy] = [folder.file("a.safetensors"), folder.file("b.safetensors")];
  await succeed(...QUIET, "--spec", "tiny", "--video", video, "--save", file);
  await Deno.copyFile(file, copy);
  const ended = await saccade([...QUIET, "--resume", file, "--video", video]);
  assertRefused(ended, 3, `short.y4m" has no frames after the 9 that were seen`);
  assert(!ended.stderr.includes(`""`), ended.stderr);
  await assertSameFile(file, copy);
});

Deno.test("--from begins another source where it is told to; a new model and a stream have no such frame", async () => {
  await using folder = new Folder();
  const video = await shortVideo(folder, 9);
  const file = folder.file("a.safetensors");
  await succeed(...QUIET, "--spec", "tiny", "--steps", "20", "--save", file);
  await succeed(...QUIET, "--resume", file, "--video", video, "--from", "4");
  const { checkpoint, sourceFrames } = await loadCheckpoint(file);
  assertEquals([checkpoint.step, sourceFrames], [25, 9]);
  assertRefused(await saccade([...QUIET, "--from", "0"]), 2, "--from goes with --resume");
  const stream = ["--resume", file, "--video", "-", "--from", "0"];
  assertRefused(await saccade([...QUIET, ...stream]), 2, "a stream goes on where it is");
});

Deno.test("--resume without --save saves to the same file; model flags do not go with it", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await succeed(...QUIET, "--spec", "tiny", "--steps", "6", "--save", file);
  await succeed(...QUIET, "--resume", file, "--steps", "4");
  assertEquals((await loadCheckpoint(file)).checkpoint.step, 10);
  for (const flag of [["--spec", "tiny"], ["--seed", "2"], ["--motion", "0"], ["--rule", "2016"]]) {
    const ended = await saccade([...QUIET, "--resume", file, ...flag]);
    assertRefused(ended, 2, `${flag[0]} does not go with --resume`);
  }
  assertEquals(folder.names(), ["a.safetensors"]);
});

Deno.test("a checkpoint of the kernels goes on in the reference, and back", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await succeed(...QUIET, "--spec", "tiny", "--steps", "6", "--save", file);
  for (const backend of ["reference", "reference:f64", "wasm"]) {
    await succeed(...QUIET, "--resume", file, "--steps", "4", "--backend", backend);
  }
  assertEquals((await loadCheckpoint(file)).checkpoint.step, 18);
});

Deno.test("what is no whole checkpoint is refused with the reason and left as it is", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await succeed(...QUIET, "--spec", "tiny", "--steps", "6", "--save", file);
  const good = await Deno.readFile(file);
  const flipped = good.slice();
  flipped[good.length >> 1]! ^= 4;
  const foreign = await new Blob(
    encodeTensors({ metadata: { format: "pt" }, tensors: { weight: new Float32Array(8) } }),
  ).bytes();
  const text = new TextEncoder();
  const cases: [Uint8Array, string][] = [
    [flipped, "it is damaged"],
    [good.subarray(0, good.length - 1), "the file is truncated"],
    [good.subarray(0, 100), "the file is truncated"],
    [new Uint8Array(0), "too short"],
    [foreign, "no checkpoint of Saccade"],
    [text.encode("PK\u0003\u0004 surely no safetensors"), "does not begin like a safetensors"],
  ];
  for (const [bytes, says] of cases) {
    await Deno.writeFile(file, bytes);
    const ended = await saccade([...QUIET, "--resume", file, "--steps", "2"]);
    assertRefused(ended, 3, says);
    assertEquals(await Deno.readFile(file), new Uint8Array(bytes));
    assertRefused(await saccade(["inspect", file]), 3, says);
  }
  assertEquals(folder.names(), ["a.safetensors"]);
});

const READER = `
import json, struct, sys
with open(sys.argv[1], "rb") as f:
    size, = struct.unpack("<Q", f.read(8))
    header = json.loads(f.read(size))
    meta = header.pop("__metadata__")
    data = f.read()
out = {}
for name, e in header.items():
    a, b = e["data_offsets"]
    width = {"F32": 4, "F64": 8, "U8": 1}[e["dtype"]]
    assert (8 + size + a) % width == 0 and b - a == width * e["shape"][0], name
    out[name] = e["shape"][0]
a, b = header["encoder"]["data_offsets"]
first = struct.unpack("<f", data[a:a + 4])[0]
print(json.dumps({"lengths": out, "meta": meta, "spec": json.loads(meta["spec"]), "first": first}))
`;

await needing(["python"], "Python reads a checkpoint with its standard library alone", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  await succeed(...QUIET, "--spec", "tiny", "--steps", "6", "--save", file);
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", READER, file],
  }).output();
  const text = new TextDecoder();
  assert(success, text.decode(stderr));
  const read = JSON.parse(text.decode(stdout));
  const { checkpoint } = await loadCheckpoint(file);
  const lengths = Object.entries(checkpoint.tensors).map(([name, tensor]) => [name, tensor.length]);
  assertEquals(read.lengths, Object.fromEntries(lengths));
  assertEquals([read.meta.format, read.meta.step], ["saccade checkpoint", "6"]);
  assertEquals([read.spec.rule, read.spec.layer_shapes], ["saccade", [4, 3, 2, 1]]);
  assertEquals(read.first, checkpoint.tensors["encoder"]![0]);
});

Deno.test("who skips learning may change when a run goes on", async () => {
  await using folder = new Folder();
  const file = folder.file("model.safetensors");
  const share = async (...flags: string[]) =>
    recordsIn(await succeed("run", ...flags, "--steps", "20", "--json")).at(-1)!.skippedShare;
  assertEquals(await share("--spec", "tiny", "--save", file, "--motion", "0"), null);
  const [some, all] = [
    await share("--resume", file, "--surprise", "0.9"),
    await share("--resume", file, "--skip-below", "4"),
  ];
  assert(some! > 0 && some! < 1, String(some));
  assertEquals(all, 1);
  assertEquals(await share("--resume", file, "--skip-below", "0", "--surprise", "0"), null);
});
