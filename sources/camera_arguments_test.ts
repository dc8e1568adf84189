import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { cameraArguments, cameraDevice, RETRY } from "./camera_arguments.ts";
import { SourceError } from "./source.ts";

const SIZE = { width: 60, height: 60 };
const OUTPUT = "-map 0:V:0 -fps_mode passthrough " +
  "-vf scale=60:60:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp " +
  "-pix_fmt rgb24 -threads 1 -f rawvideo pipe:1";

/** The first command line, as a person would type it. */
function first(device: string, options: Partial<Parameters<typeof cameraArguments>[1]>): string {
  return cameraArguments(device, { size: SIZE, ...options })[0]!.join(" ");
}

Deno.test("cameraArguments() reads a camera of Linux as MJPEG", () => {
  assertEquals(
    first("0", { os: "linux" }),
    `-v error -f v4l2 -input_format mjpeg -framerate 30 -video_size 640x480 -i /dev/video0 ${OUTPUT}`,
  );
});

Deno.test("cameraArguments() falls back on what the camera has, then on an older ffmpeg", () => {
  const lines = cameraArguments("/dev/video2", { size: SIZE, os: "linux" });
  assertEquals(lines.map((line) => [line.includes("mjpeg"), line.includes("-fps_mode")]), [
    [true, true],
    [false, true],
    [true, false],
    [false, false],
  ]);
});

Deno.test("cameraArguments() reads a network camera without delay", () => {
  assertEquals(
    first("rtsp://host/stream", {}),
    "-v error -rtsp_transport tcp -fflags nobuffer -flags low_delay -probesize 32 " +
      `-analyzeduration 0 -i rtsp://host/stream ${OUTPUT}`,
  );
});

Deno.test("cameraArguments() gives RTSP's option to RTSP only", () => {
  assert(!first("http://host/stream.mjpg", {}).includes("-rtsp_transport"));
});

Deno.test("cameraArguments() reads a camera of macOS by its number, without sound", () => {
  assert(
    first("1", { os: "darwin", fps: 15 }).startsWith(
      "-v error -f avfoundation -framerate 15 -video_size 640x480 -i 1:none ",
    ),
  );
});

Deno.test("cameraArguments() reads a camera of Windows by its name", () => {
  const line = first("USB Camera", { os: "windows" });
  assert(line.includes("-f dshow -framerate 30 -video_size 640x480 -i video=USB Camera "), line);
});

Deno.test("cameraArguments() refuses a number on Windows", () => {
  assertThrows(() => first("0", { os: "windows" }), SourceError, "given by its name");
});

Deno.test("cameraArguments() captures no less than the model sees", () => {
  assert(first("0", { os: "linux", size: { width: 700, height: 60 } }).includes("1280x720"));
  assert(first("0", { os: "linux", size: { width: 4000, height: 60 } }).includes("1920x1080"));
});

Deno.test("cameraArguments() crops where that is asked", () => {
  assert(first("0", { os: "linux", fit: "crop" }).includes("-vf crop="));
});

Deno.test("cameraDevice() names the device node of a number on Linux only", () => {
  assertEquals(cameraDevice("3", "linux"), "/dev/video3");
  assertEquals(cameraDevice("3", "darwin"), "3");
  assertEquals(cameraDevice("/dev/video3", "linux"), "/dev/video3");
});

for (
  const [log, again] of [
    ["Unrecognized option 'fps_mode'.", true],
    ["[video4linux2 @ 0x1] Cannot find a proper format for codec 'mjpeg' (id 7)", true],
    ["/dev/video0: Device or resource busy", false],
    ["/dev/video0: Permission denied", false],
  ] as const
) {
  Deno.test(`RETRY is ${again} for: ${log}`, () => {
    assertEquals(RETRY.test(log), again);
  });
}
