import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { pictureFilter } from "./ffmpeg.ts";
import { ffmpeg, ffmpegTest, frames, meanDifference, TemporaryFolder } from "./ffmpeg_testing.ts";
import { type Source, SourceError } from "./source.ts";
import { readY4m } from "./y4m.ts";

const PIXEL = { width: 1, height: 1 };

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Grey frames of four pixels. */
function greyFile(...levels: number[]): Uint8Array<ArrayBuffer> {
  const frame = (level: number) => "FRAME Ip\n" + String.fromCharCode(level).repeat(4);
  return bytes("YUV4MPEG2 W2 H2 F10:1 Cmono\n" + levels.map(frame).join(""));
}

function read(file: Uint8Array<ArrayBuffer>, gzip = false, size = PIXEL): Promise<Source> {
  return readY4m(new Blob([file]).stream(), '"clip"', { size, gzip });
}

async function gzipped(file: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([file]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** 200 frames that gzip cannot make small. */
function noiseFile(): Uint8Array<ArrayBuffer> {
  let state = 7;
  return greyFile(
    ...Array.from({ length: 200 }, () => (state = (state * 48271) % 2147483647) & 255),
  );
}

Deno.test("readY4m() delivers every frame in order", async () => {
  await using source = await read(greyFile(10, 200, 30));
  assertEquals(await frames(source), [10, 200, 30].map((level) => new Uint8Array(3).fill(level)));
  assertEquals(source.truncated, null);
});

Deno.test("readY4m() reads a gzipped stream", async () => {
  await using source = await read(await gzipped(greyFile(1, 2)), true);
  assertEquals((await frames(source)).map(([red]) => red), [1, 2]);
  assertEquals(source.truncated, null);
});

Deno.test("readY4m() turns limited range colour into RGB", async () => {
  const salmon = String.fromCharCode(126, 118, 160);
  await using source = await read(bytes(`YUV4MPEG2 W1 H1 C444\nFRAME\n${salmon}`));
  // By hand: 110 * 255 / 219 = 128.1; V gives red +51.1 and green -26.0, U blue -20.2 and green +3.9.
  assertEquals((await frames(source)).map((frame) => [...frame]), [[179, 106, 108]]);
});

Deno.test("readY4m() stops before a frame that is cut, and says so", async () => {
  await using source = await read(greyFile(1, 2, 3).subarray(0, -1));
  assertEquals((await frames(source)).length, 2);
  assertEquals(source.truncated, '"clip" ends in the middle of a frame, after 2 whole frames');
});

Deno.test("readY4m() stops where the line before a frame is cut", async () => {
  await using source = await read(greyFile(1, 2).subarray(0, -9));
  assertEquals((await frames(source)).length, 1);
  assert(source.truncated !== null);
});

Deno.test("readY4m() says that a gzip stream is incomplete", async () => {
  const whole = await gzipped(noiseFile());
  await using source = await read(whole.subarray(0, Math.floor(whole.length / 2)), true);
  const count = (await frames(source)).length;
  assert(count > 50 && count < 150, `half of 200 frames gave ${count}`);
  assert(source.truncated?.includes(`after ${count} whole frames`), String(source.truncated));
});

Deno.test("readY4m() loses no frame of an incomplete gzip stream, however it arrives", async () => {
  const half = (await gzipped(noiseFile())).subarray(0, 400);
  await using whole = await read(half, true);
  const pieces = Array.from({ length: 8 }, (_, i) => half.subarray(50 * i, 50 * i + 50));
  await using source = await readY4m(ReadableStream.from(pieces), "clip", {
    size: PIXEL,
    gzip: true,
  });
  assertEquals(await frames(source), await frames(whole));
});

Deno.test("readY4m() reports bytes behind a gzip stream as damage", async () => {
  const pieces = [await gzipped(noiseFile()), ...Array.from({ length: 9 }, () => bytes("more"))];
  await using source = await readY4m(ReadableStream.from(pieces), "clip", {
    size: PIXEL,
    gzip: true,
  });
  await assertRejects(() => frames(source), SourceError, "the file is damaged");
});

Deno.test("readY4m() reports a wrong gzip checksum", async () => {
  const file = await gzipped(noiseFile());
  file[file.length - 8]! ^= 1;
  await using source = await read(file, true);
  await assertRejects(
    () => frames(source),
    SourceError,
    "after 200 whole frames: the file is damaged",
  );
});

Deno.test("readY4m() reports a frame that does not begin as one", async () => {
  const file = greyFile(1, 2, 3);
  file[file.length - 10] = 0;
  await using source = await read(file);
  await assertRejects(() => frames(source), SourceError, "after 2 whole frames");
});

Deno.test("readY4m() refuses what is not y4m", async () => {
  await assertRejects(
    () => read(bytes("hello\n")),
    SourceError,
    'Cannot read "clip": it is not a y4m',
  );
});

Deno.test("readY4m() refuses what is not gzip", async () => {
  await assertRejects(
    () => read(greyFile(1), true),
    SourceError,
    'Cannot read "clip": it is damaged',
  );
});

Deno.test("readY4m() skips frames", async () => {
  await using source = await read(greyFile(1, 2, 3));
  assertEquals(await source.skip(2), 2);
  assertEquals((await frames(source)).map(([red]) => red), [3]);
  assertEquals(await source.skip(1), 0);
});

Deno.test("readY4m() never holds more than a few chunks of a long stream", async () => {
  const frame = bytes("FRAME\n" + "x".repeat(4));
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes("YUV4MPEG2 W2 H2 Cmono\n")),
    pull(controller) {
      pulled++;
      controller.enqueue(frame);
    },
  });
  await using source = await readY4m(endless, "endless", { size: PIXEL });
  assertEquals(await source.skip(10), 10);
  assert(pulled < 20, `${pulled} chunks were read for 10 frames`);
});

Deno.test("readY4m() cancels its stream when it is closed", async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(greyFile(1)),
    cancel: () => void (cancelled = true),
  });
  await (await readY4m(stream, "clip", { size: PIXEL }))[Symbol.asyncDispose]();
  assertEquals(cancelled, true);
});

for (const format of ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "gray"]) {
  await ffmpegTest(`readY4m() sees ${format} as ffmpeg does`, async () => {
    await using folder = new TemporaryFolder();
    const path = await folder.video("a.y4m", "s=96x64:r=5:d=1", "-pix_fmt", format);
    const size = { width: 40, height: 30 };
    const expected = await ffmpeg(
      "-i",
      path,
      "-vf",
      pictureFilter(size, "stretch"),
      "-pix_fmt",
      "rgb24",
      "-f",
      "rawvideo",
      "-",
    );
    await using source = await read(await Deno.readFile(path), false, size);
    const pictures = await frames(source);
    assertEquals(pictures.length, 5);
    const difference = meanDifference(
      new Uint8Array(pictures.flatMap((frame) => [...frame])),
      expected,
    );
    assert(difference < 1, `mean absolute difference ${difference} levels`);
  });
}
