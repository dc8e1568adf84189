import { assertEquals, assertRejects } from "../std_assert.ts";
import { frames, TemporaryFolder } from "./ffmpeg_testing.ts";
import { openSource, type SourceRequest } from "./open.ts";
import { SourceError } from "./source.ts";

const PIXEL = { width: 1, height: 1 };

Deno.test("openSource() opens a video", async () => {
  await using folder = new TemporaryFolder();
  const path = folder.file("clip.y4m");
  await Deno.writeTextFile(path, "YUV4MPEG2 W3 H1 Cmono\nFRAME\naba");
  await using source = await openSource({ kind: "video", path, fit: "crop" }, PIXEL);
  assertEquals((await frames(source)).map(([red]) => red), [98]);
});

Deno.test("openSource() opens the built-in scene", async () => {
  await using source = await openSource({ kind: "scene", frames: 2 }, PIXEL);
  assertEquals([source.name, (await frames(source)).length], ["scene", 2]);
});

Deno.test({
  name: "openSource() refuses a camera that is not there",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const request: SourceRequest = { kind: "camera", device: "/dev/video98", fit: "crop" };
    await assertRejects(() => openSource(request, PIXEL), SourceError, "there is no such device");
  },
});

Deno.test("openSource() reads raw frames of another size from the standard input", async () => {
  const program = `
    import { openSource } from ${JSON.stringify(import.meta.resolve("./open.ts"))};
    const request = { kind: "raw", size: { width: 2, height: 1 }, fit: "stretch" };
    await using source = await openSource(request, { width: 1, height: 1 });
    const frame = new Uint8Array(3);
    while (await source.next(frame)) console.log(frame.join());
    console.log(source.truncated);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new Uint8Array([0, 0, 0, 10, 20, 30, 8, 8, 8, 8, 8, 8, 1]));
  await input.close();
  const { stdout } = await child.output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "5,10,15\n8,8,8\n" +
      "stdin ends in the middle of a frame, after 2 whole frames: the last one has 1 of 6 bytes\n",
  );
});
