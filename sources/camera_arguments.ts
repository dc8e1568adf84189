/**
 * How ffmpeg is told to read a camera, on each system.
 *
 * @module
 */
import { outputArguments } from "./ffmpeg.ts";
import { type Fit, type Size, SourceError } from "./source.ts";

/** What is asked of a camera. */
export interface CameraRequest {
  /** The size of the frames that are delivered, in pixels. */
  readonly size: Size;
  /** What happens where the camera has another shape; `stretch` by default. */
  readonly fit?: Fit;
  /** Frames a second that a local camera is set to, 30 by default. A network camera decides for itself. */
  readonly fps?: number;
  /** The system that ffmpeg runs on; this one by default. */
  readonly os?: typeof Deno.build.os;
}

/** The picture sizes that nearly every camera has. */
const CAPTURE: readonly Size[] = [
  { width: 640, height: 480 },
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
];

/**
 * What a camera is called where it is opened.
 *
 * @param device a number, a device path or name, or the address of a network camera
 * @param os the system
 * @returns on Linux the device node of a number, otherwise the device itself
 */
export function cameraDevice(device: string, os: typeof Deno.build.os = Deno.build.os): string {
  return os === "linux" && /^\d+$/.test(device) ? `/dev/video${device}` : device;
}

/**
 * Whether a camera is reached over the network.
 *
 * @param device what `--camera` was given
 * @returns whether it is an address such as `rtsp://...`
 */
export function isNetworkCamera(device: string): boolean {
  return /^[a-z][a-z0-9+]*:\/\//i.test(device);
}

/**
 * The command lines that read a camera with as little delay as possible, the best first.
 *
 * Cameras of Linux (v4l2) and network cameras are what this was made for. The options for macOS (avfoundation) and
 * Windows (dshow) follow ffmpeg's documentation and have not been run on hardware.
 *
 * @param device a number, a device path or name, or the address of a network camera
 * @param request the frames that are wanted
 * @returns arguments of ffmpeg; the later ones are for cameras without MJPEG and for ffmpeg before 5.1
 * @throws {SourceError} when a camera of Windows is given by its number
 */
export function cameraArguments(device: string, request: CameraRequest): string[][] {
  const { size, fit = "stretch" } = request;
  return (["-fps_mode", "-vsync"] as const).flatMap((rate) =>
    cameraInputs(device, request).map((input) => [
      ...["-v", "error", ...input],
      ...outputArguments(size, fit, rate),
    ])
  );
}

/** What ffmpeg says where the next of `cameraArguments` may do better. */
export const RETRY = /fps_mode|proper format for codec|input_format|Invalid argument/;

function cameraInputs(device: string, request: CameraRequest): string[][] {
  const { size, fps = 30, os = Deno.build.os } = request;
  if (isNetworkCamera(device)) {
    const quick = ["-fflags", "nobuffer", "-flags", "low_delay"];
    const probe = ["-probesize", "32", "-analyzeduration", "0"];
    const transport = /^rtsp/i.test(device) ? ["-rtsp_transport", "tcp"] : [];
    return [[...transport, ...quick, ...probe, "-i", device]];
  }
  const { width, height } =
    CAPTURE.find((capture) => capture.width >= size.width && capture.height >= size.height) ??
      CAPTURE.at(-1)!;
  const mode = ["-framerate", String(fps), "-video_size", `${width}x${height}`];
  switch (os) {
    case "darwin":
      return [["-f", "avfoundation", ...mode, "-i", `${device}:none`]];
    case "windows":
      if (!/^\d+$/.test(device)) return [["-f", "dshow", ...mode, "-i", `video=${device}`]];
      throw new SourceError(
        `Cannot open camera ${device}: on Windows a camera is given by its name (ffmpeg -list_devices true -f dshow -i dummy)`,
      );
    default: {
      // USB cameras send their full rate only as MJPEG; those on a ribbon cable do not have it.
      const input = ["-i", cameraDevice(device, "linux")];
      return [
        ["-f", "v4l2", "-input_format", "mjpeg", ...mode, ...input],
        ["-f", "v4l2", ...mode, ...input],
      ];
    }
  }
}
