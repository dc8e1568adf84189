import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { pictureFilter } from "./ffmpeg.ts";
import { ffmpeg, ffmpegTest, frames, meanDifference, TemporaryFolder } from "./ffmpeg_testing.ts";
import { SourceError } from "./source.ts";
import { openVideo, videoArguments } from "./video.ts";

const SIZE = { width: 20, height: 15 };
/** Two seconds whose pictures all differ. */
const PICTURE = "s=80x60:r=25:d=2";

Deno.test("videoArguments() asks for every frame once, at the size, in order", () => {
  assertEquals(
    videoArguments("a:b.mp4", SIZE, "stretch", "-vsync").join(" "),
    "-v warning -i file:a:b.mp4 -map 0:V:0 -vsync passthrough " +
      "-vf scale=20:15:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp " +
      "-pix_fmt rgb24 -threads 1 -f rawvideo pipe:1",
  );
});

for (
  const [what, file, content] of [
    ["that a file is missing", "missing.mp4", null],
    ["that a file is empty", "empty.mp4", ""],
  ] as const
) {
  Deno.test(`openVideo() says ${what}`, async () => {
    await using folder = new TemporaryFolder();
    const path = folder.file(file);
    if (content !== null) await Deno.writeTextFile(path, content);
    const message = content === null ? "there is no such file" : "the file is empty";
    await assertRejects(
      () => openVideo(path, { size: SIZE }),
      SourceError,
      `Cannot open "${path}": ${message}`,
    );
  });
}

Deno.test("openVideo() says that a directory is none", async () => {
  await using folder = new TemporaryFolder();
  await assertRejects(
    () => openVideo(folder.path, { size: SIZE }),
    SourceError,
    "it is a directory",
  );
});

Deno.test("openVideo() says that ffmpeg is not installed", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("clip.mp4");
  await Deno.writeTextFile(path, "anything");
  await assertRejects(
    () => openVideo(path, { size: SIZE, ffmpeg: "saccade-has-no-such-program" }),
    SourceError,
    `Cannot open "${path}": ffmpeg is not installed (apt-get install ffmpeg), or use a .y4m file`,
  );
});

Deno.test("openVideo() knows y4m by its content and needs no ffmpeg for it", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("clip.mp4");
  await Deno.writeTextFile(path, "YUV4MPEG2 W1 H1 Cmono\nFRAME\naFRAME\nb");
  const size = { width: 1, height: 1 };
  await using source = await openVideo(path, { size, ffmpeg: "saccade-has-no-such-program" });
  assertEquals((await frames(source)).map(([red]) => red), [97, 98]);
});

Deno.test("openVideo() knows gzip by its content", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("clip");
  const stream = new Blob(["YUV4MPEG2 W1 H1 Cmono\nFRAME\na"]).stream();
  await Deno.writeFile(path, stream.pipeThrough(new CompressionStream("gzip")));
  await using source = await openVideo(path, { size: { width: 1, height: 1 } });
  assertEquals((await frames(source)).length, 1);
});

Deno.test("openVideo() does not repeat a video without frames for ever", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("none.y4m");
  await Deno.writeTextFile(path, "YUV4MPEG2 W1 H1 Cmono\n");
  await using source = await openVideo(path, { size: SIZE, loop: true });
  assertEquals(await frames(source), []);
});

await ffmpegTest("openVideo() says that a file is no video", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("letter.mkv");
  await Deno.writeTextFile(path, "Dear reader, this is not a video. ".repeat(50));
  await assertRejects(
    () => openVideo(path, { size: SIZE }),
    SourceError,
    `Cannot open "${path}": it is not a video that ffmpeg can read`,
  );
});

await ffmpegTest("openVideo() says that there is only sound", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("sound.wav");
  await ffmpeg("-f", "lavfi", "-i", "sine=d=1", path);
  await assertRejects(
    () => openVideo(path, { size: SIZE }),
    SourceError,
    "there is no video in it",
  );
});

await ffmpegTest("openVideo() delivers every frame of a video, in order", async () => {
  await using folder = new TemporaryFolder();
  const path = await folder.video("a.mkv", PICTURE, "-c:v", "ffv1", "-pix_fmt", "bgr0");
  const expected = await ffmpeg(
    "-i",
    path,
    "-vf",
    pictureFilter(SIZE, "stretch"),
    "-pix_fmt",
    "rgb24",
    "-f",
    "rawvideo",
    "-",
  );
  await using source = await openVideo(path, { size: SIZE });
  const read = await frames(source);
  assertEquals([read.length, source.truncated], [50, null]);
  assertEquals(new Uint8Array(read.flatMap((frame) => [...frame])), expected);
});

await ffmpegTest(
  "openVideo() neither repeats nor leaves out frames of an uneven rate",
  async () => {
    await using folder = new TemporaryFolder();
    const uneven = `${PICTURE},select='not(between(n,5,30))'`;
    const path = await folder.video("a.mkv", uneven, "-fps_mode", "passthrough", "-c:v", "ffv1");
    await using source = await openVideo(path, { size: SIZE });
    assertEquals((await frames(source)).length, 24);
  },
);

await ffmpegTest("openVideo() skips frames", async () => {
  await using folder = new TemporaryFolder();
  const path = await folder.video("a.avi", PICTURE, "-c:v", "mjpeg");
  await using all = await openVideo(path, { size: SIZE });
  await using rest = await openVideo(path, { size: SIZE });
  assertEquals(await rest.skip(47), 47);
  assertEquals(await frames(rest), (await frames(all)).slice(47));
});

await ffmpegTest("openVideo() repeats a video, and skips over its end", async () => {
  await using folder = new TemporaryFolder();
  const path = await folder.video("a.avi", "s=32x32:r=5:d=1", "-c:v", "mjpeg");
  await using source = await openVideo(path, { size: SIZE, loop: true });
  const first = new Uint8Array(SIZE.width * SIZE.height * 3), again = new Uint8Array(first.length);
  assert(await source.next(first));
  assertEquals(await source.skip(1004), 1004);
  assert(await source.next(again));
  assertEquals(again, first);
});

await ffmpegTest("openVideo() crops", async () => {
  await using folder = new TemporaryFolder();
  // Red at the left and the right, where it is cut away.
  const picture =
    "s=80x20:r=5:d=1,drawbox=c=red:t=fill,drawbox=x=30:w=20:c=blue:t=fill,format=bgr0";
  const path = await folder.video("a.mkv", picture, "-c:v", "ffv1");
  const blue = Uint8Array.from({ length: 300 }, (_, i) => i % 3 === 2 ? 255 : 0);
  await using source = await openVideo(path, { size: { width: 10, height: 10 }, fit: "crop" });
  assert(meanDifference((await frames(source))[0]!, blue) < 3);
});

for (
  const [file, ...coding] of [
    ["cut.mp4", "-pix_fmt", "yuv420p", "-movflags", "+faststart"],
    ["cut.mkv", "-pix_fmt", "yuv420p"],
    ["cut.avi", "-c:v", "mjpeg"],
  ] as const
) {
  await ffmpegTest(
    `openVideo() delivers what there is of ${file}, and says that it is cut`,
    async () => {
      await using folder = new TemporaryFolder();
      const path = await folder.video(file, PICTURE, ...coding);
      await Deno.truncate(path, Math.floor((await Deno.stat(path)).size * 0.6));
      await using source = await openVideo(path, { size: SIZE });
      const { length } = await frames(source);
      assert(length > 5 && length < 45, `${length} of 50 frames were read`);
      assert(
        source.truncated?.startsWith(`"${path}" ends early, after ${length} whole frames: `),
        String(source.truncated),
      );
    },
  );
}

await ffmpegTest("openVideo() says that the index of a cut video is missing", async () => {
  await using folder = new TemporaryFolder();
  const path = await folder.video("a.mp4", PICTURE, "-pix_fmt", "yuv420p");
  await Deno.truncate(path, Math.floor((await Deno.stat(path)).size * 0.6));
  await assertRejects(() => openVideo(path, { size: SIZE }), SourceError, "cut short (moov atom");
});

await ffmpegTest("openVideo() ends ffmpeg when it is closed in the middle", async () => {
  await using folder = new TemporaryFolder();
  const path = await folder.video("a.avi", "s=320x240:r=25:d=4", "-c:v", "mjpeg");
  const source = await openVideo(path, { size: { width: 320, height: 240 } });
  const frame = new Uint8Array(320 * 240 * 3);
  assert(await source.next(frame));
  await source[Symbol.asyncDispose]();
  assertEquals([await source.next(frame), source.truncated], [false, null]);
});

await ffmpegTest("openVideo() reads no faster than asked", async () => {
  await using folder = new TemporaryFolder();
  const path = await folder.video("a.avi", "s=32x32:r=5:d=1", "-c:v", "mjpeg");
  await using source = await openVideo(path, { size: SIZE, fps: 50 });
  const start = performance.now();
  assertEquals((await frames(source)).length, 5);
  assert(performance.now() - start >= 79, "5 frames at 50 frames a second take 80 ms");
});

/** Clips beside the project, where there are any. */
const CLIP = new URL("../../shared/video/car-detection-96x96-12.5fps.y4m.gz", import.meta.url);
const noClip = await Deno.stat(CLIP).then(() => false, () => true);

Deno.test({
  name: "openVideo() reads a whole clip" +
    (noClip ? " (skipped: ../shared/video is not there)" : ""),
  ignore: noClip,
  fn: async () => {
    await using source = await openVideo(decodeURIComponent(CLIP.pathname), { size: SIZE });
    assertEquals([await source.skip(1000), source.truncated], [377, null]);
  },
});
