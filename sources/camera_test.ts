import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { type Camera, type CameraOptions, openCamera, openUnpaced } from "./camera.ts";
import { outputArguments } from "./ffmpeg.ts";
import { ffmpegTest } from "./ffmpeg_testing.ts";
import { SourceError } from "./source.ts";

const SIZE = { width: 8, height: 8 };
const frame = new Uint8Array(8 * 8 * 3);

/** ffmpeg as a camera whose pictures hold their number, at 100 frames a second; of those, some. */
function numbered(some: string, ...more: string[]): CameraOptions {
  const picture =
    "nullsrc=s=8x8:r=100,format=rgb24,geq=r='mod(N,256)':g='mod(N,256)':b='mod(N,256)'," +
    some;
  const input = ["-v", "error", "-re", "-f", "lavfi", "-i", picture];
  const commandLine = [...input, ...more, ...outputArguments(SIZE, "stretch", "-fps_mode")];
  return { size: SIZE, commandLine };
}

/** Waits for what happens in another thread. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function running(mark: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-ww", "-eo", "args"] }).output();
  return new TextDecoder().decode(stdout).includes(mark);
}

async function dropSome(camera: Camera): Promise<void> {
  const before = camera.dropped;
  await until(() => camera.dropped >= before + 3);
}

await ffmpegTest("openCamera() delivers each frame once, and none that is torn", async () => {
  await using camera = await openUnpaced("test", numbered("null"));
  for (let last = 0, i = 0; i < 20; i++) {
    assert(await camera.next(frame));
    assert(camera.frame > last, `frame ${camera.frame} came after ${last}`);
    last = camera.frame;
    assertEquals([...new Set(frame)], [(last - 1) % 256]);
  }
});

await ffmpegTest(
  "openCamera() shows a slow reader fresh frames, and counts the others",
  async () => {
    await using camera = await openUnpaced("test", numbered("null"));
    let delivered = 0;
    for (let i = 0; i < 4; i++) {
      await dropSome(camera);
      assert(await camera.next(frame));
      delivered++;
      assertEquals(camera.frame, delivered + camera.dropped);
    }
    assert(camera.frame >= 16, `after 12 dropped frames came number ${camera.frame}`);
  },
);

await ffmpegTest("openCamera() reports a camera that is lost, after its last frame", async () => {
  await using camera = await openUnpaced("test", numbered("null", "-frames:v", "3"));
  const lost = async () => {
    while (await camera.next(frame));
  };
  await assertRejects(lost, SourceError, "Lost camera test: it stopped after 3 frames");
  assertEquals(frame[0], 2);
  await assertRejects(lost, SourceError, "Lost camera test");
});

await ffmpegTest("openCamera() ends ffmpeg when it is closed", async () => {
  const mark = crypto.randomUUID();
  const camera = await openCamera("test", numbered("null", "-metadata", `comment=${mark}`));
  assertEquals(await running(mark), true);
  await camera[Symbol.asyncDispose]();
  assertEquals(await running(mark), false);
});

await ffmpegTest("openCamera() ends a wait for the next frame when it is closed", async () => {
  const camera = await openUnpaced("test", numbered("select='lt(n,1)'"));
  await camera.next(frame);
  const waiting = camera.next(frame);
  await camera[Symbol.asyncDispose]();
  assertEquals([await waiting, await camera.next(frame)], [false, false]);
});

await ffmpegTest(
  "openCamera() gives up on a camera that sends nothing, and ends ffmpeg",
  async () => {
    const mark = crypto.randomUUID();
    const slow = numbered("select=0", "-metadata", `comment=${mark}`);
    await assertRejects(
      () => openCamera("test", { ...slow, patience: 200 }),
      SourceError,
      "Cannot open camera test: no frame within 200 ms",
    );
    assertEquals(await running(mark), false);
  },
);

Deno.test({
  name: "openCamera() says that a numbered camera is not there",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await assertRejects(
      () => openCamera("99", { size: SIZE }),
      SourceError,
      "Cannot open camera /dev/video99: there is no such device",
    );
  },
});

Deno.test("openCamera() says that ffmpeg is not installed", async () => {
  await assertRejects(
    () =>
      openCamera("test", { size: SIZE, commandLine: [], ffmpeg: "saccade-has-no-such-program" }),
    SourceError,
    "Cannot open camera test: ffmpeg is not installed (apt-get install ffmpeg)",
  );
});

await ffmpegTest("openCamera() says why ffmpeg found no picture", async () => {
  const commandLine = ["-v", "error", "-i", "/saccade/missing", "-f", "rawvideo", "pipe:1"];
  await assertRejects(
    () => openCamera("test", { size: SIZE, commandLine }),
    SourceError,
    "Cannot open camera test: no picture: /saccade/missing: No such file or directory",
  );
});

await ffmpegTest("openCamera() keeps a password that ffmpeg repeats to itself", async () => {
  const commandLine = ["-v", "error", "-i", "none://me:secret@host/live", "-f", "null", "-"];
  await assertRejects(
    () => openCamera("test", { size: SIZE, commandLine }),
    SourceError,
    "no picture: none://host/live: Protocol not found",
  );
});

await ffmpegTest("openCamera() keeps the password of a network camera to itself", async () => {
  const { message } = await assertRejects(
    () => openCamera("rtsp://me:secret@127.0.0.1:9/live", { size: SIZE }),
    SourceError,
    "Cannot open camera rtsp://127.0.0.1:9/live",
  );
  assert(!message.includes("secret"), message);
});
