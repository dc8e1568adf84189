import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { Ffmpeg, pictureFilter, reasonIn } from "./ffmpeg.ts";
import { ffmpeg, ffmpegTest } from "./ffmpeg_testing.ts";
import { createScaler } from "./scale.ts";
import { SourceError } from "./source.ts";

const PICTURE = ["-f", "lavfi", "-i", "testsrc=s=16x16:r=5"];
const OUTPUT = ["-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"];

Deno.test("reasonIn() prefers the cause to its consequence", () => {
  const log = "[mov,mp4 @ 0x55fd] moov atom not found\nno.mp4: Invalid data found\n";
  assertEquals(reasonIn(log), "moov atom not found");
});

Deno.test("reasonIn() takes the last line where no cause is known", () => {
  assertEquals(reasonIn("[a @ 0x1] [b @ 0x2] one\n[c @ 0x3] two\n\n"), "two");
});

Deno.test("reasonIn() says so when there is no reason", () => {
  assertEquals(reasonIn("\n"), "ffmpeg gave no reason");
});

Deno.test("Ffmpeg.start() says that ffmpeg is not installed", async () => {
  await assertRejects(
    () => Ffmpeg.start([[]], /x/, { command: "saccade-has-no-such-program" }),
    SourceError,
    "ffmpeg is not installed (apt-get install ffmpeg)",
  );
});

await ffmpegTest(
  "Ffmpeg.start() tries the next command line where the first is not understood",
  async () => {
    const unknown = [...PICTURE, "-no_such_option", "1", ...OUTPUT];
    const started = await Ffmpeg.start([unknown, [...PICTURE, ...OUTPUT]], /no_such_option/);
    assert(started instanceof Ffmpeg);
    await started[Symbol.asyncDispose]();
  },
);

await ffmpegTest("Ffmpeg.start() returns what went wrong", async () => {
  const started = await Ffmpeg.start([["-v", "error", "-i", "missing"], OUTPUT], /no_such_option/);
  assert(!(started instanceof Ffmpeg));
  assertEquals(started.success, false);
  assert(started.log.includes("No such file"), started.log);
});

await ffmpegTest("Ffmpeg.end() keeps both ends of a long log", async () => {
  await using process = new Ffmpeg([...PICTURE, "-vf", "showinfo", "-frames:v", "99", ...OUTPUT]);
  while (await process.output.ready()) await process.output.fill(new Uint8Array(1 << 16));
  const { log } = await process.end();
  assertEquals(log.length, 8192);
  assert(log.startsWith("Input #0") && log.includes(" n:  98 "), log);
});

for (const size of [[60, 60], [64, 20], [20, 64]] as const) {
  await ffmpegTest(`pictureFilter() crops to ${size} as createScaler() does`, async () => {
    const from = { width: 161, height: 120 }, to = { width: size[0], height: size[1] };
    const input = ["-f", "lavfi", "-i", "testsrc=s=161x120,format=rgb24", "-frames:v", "1"];
    const expected = new Uint8Array(to.width * to.height * 3);
    createScaler(from, to, "crop")(await ffmpeg(...input, ...OUTPUT), expected);
    const found = await ffmpeg(...input, "-vf", pictureFilter(to, "crop"), ...OUTPUT);
    const worst = found.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected[i]!)),
      0,
    );
    assert(worst <= 1, `the pictures differ by ${worst} levels`);
  });
}
