/**
 * Live cameras through ffmpeg: whoever is slow sees fewer frames, but always fresh ones.
 *
 * @module
 */
import {
  cameraArguments,
  cameraDevice,
  type CameraRequest,
  isNetworkCamera,
  RETRY,
} from "./camera_arguments.ts";
import type { CameraTask } from "./camera_worker.ts";
import { createMailbox, MailboxReader } from "./mailbox.ts";
import { paceSource } from "./pace.ts";
import { type Size, type Source, SourceError } from "./source.ts";

/** A live source that numbers its frames. */
export interface Camera extends Source {
  /** The number of the frame last delivered, counted from 1 where the camera began; 0 before the first. */
  readonly frame: number;
}

/** How a camera is opened. */
export interface CameraOptions extends CameraRequest {
  /** How long the first frame may take, in milliseconds; 15 seconds by default. */
  readonly patience?: number;
  /** Ends the wait for the first frame. */
  readonly signal?: AbortSignal;
  /** The program that reads the camera, `ffmpeg` by default. */
  readonly ffmpeg?: string;
  /**
   * ffmpeg's whole command line, instead of one for the device: for tests.
   *
   * @ignore
   */
  readonly commandLine?: readonly string[];
}

/**
 * Opens a camera and waits for its first frame.
 *
 * @param device `0`, `/dev/video0`, `rtsp://...`, or what the system calls a camera
 * @param options the frames that are wanted; `fps` sets a local camera and thins out a network one
 * @returns the source; it never ends by itself, a camera that is lost throws
 * @throws {SourceError} when there is no such camera, it may not be read, it sends nothing, or ffmpeg is missing
 */
export async function openCamera(device: string, options: CameraOptions): Promise<Source> {
  const camera = await openUnpaced(device, options);
  if (options.fps === undefined || !isNetworkCamera(device)) return camera;
  return paceSource(camera, options.fps);
}

/**
 * Opens a camera that delivers as fast as it is asked.
 *
 * @param device as for `openCamera`
 * @param options as for `openCamera`
 * @returns the camera
 * @throws {SourceError} as `openCamera` does
 */
export async function openUnpaced(device: string, options: CameraOptions): Promise<Camera> {
  const { size, patience = 15_000, commandLine, ffmpeg, signal } = options;
  // A password in the address must not get into reports.
  const name = cameraDevice(device, options.os).replace(/\/\/[^/@]*@/, "//");
  if (!commandLine) await checkDevice(device, name);
  const variants = commandLine ? [commandLine] : cameraArguments(device, options);
  const memory = createMailbox(size.width * size.height * 3);
  const camera = new FfmpegCamera(name, size, memory);
  camera.start({
    memory,
    variants,
    retry: RETRY.source,
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
  });
  try {
    await camera.firstFrame(patience, signal);
    return camera;
  } catch (error) {
    await camera[Symbol.asyncDispose]();
    throw error;
  }
}

async function checkDevice(device: string, name: string): Promise<void> {
  if (Deno.build.os !== "linux" || isNetworkCamera(device)) return;
  try {
    await Deno.stat(name);
  } catch (cause) {
    // Deno lets only --allow-all look into /dev; without it ffmpeg will tell.
    if (!(cause instanceof Deno.errors.NotFound)) return;
    throw new SourceError(
      `Cannot open camera ${name}: there is no such device (is it plugged in? ls /dev/video*)`,
      { cause },
    );
  }
}

class FfmpegCamera implements Camera {
  readonly name: string;
  readonly size: Size;
  readonly live = true;
  readonly truncated = null;
  frame = 0;
  readonly #mailbox: MailboxReader;
  #worker: Worker | null = null;
  #crashed = false;

  constructor(name: string, size: Size, memory: SharedArrayBuffer) {
    this.name = name;
    this.size = size;
    this.#mailbox = new MailboxReader(memory);
  }

  get dropped(): number {
    return this.#mailbox.dropped;
  }

  start(task: CameraTask): void {
    this.#worker = new Worker(new URL("./camera_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#crashed = true;
      this.#mailbox.end(event.message);
    };
    this.#worker.postMessage(task);
  }

  async firstFrame(patience: number, signal?: AbortSignal): Promise<void> {
    const giveUp = () => this.#mailbox.end("nobody waits for it any longer");
    if (signal?.aborted) giveUp();
    signal?.addEventListener("abort", giveUp);
    const came = await this.#mailbox.wait(patience);
    signal?.removeEventListener("abort", giveUp);
    if (!came) {
      throw new SourceError(`Cannot open camera ${this.name}: no frame within ${patience} ms`);
    }
    if (!this.#mailbox.fresh) this.#fail("Cannot open camera");
  }

  async next(into: Uint8Array): Promise<boolean> {
    await this.#mailbox.wait();
    if (this.#worker === null) return false;
    const number = this.#mailbox.take(into);
    if (number === 0) this.#fail("Lost camera");
    this.frame = number;
    return true;
  }

  skip(): Promise<number> {
    return Promise.resolve(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    if (!this.#crashed) {
      const closed = new Promise<void>((resolve) => worker.onmessage = () => resolve());
      worker.postMessage("close");
      await closed;
    }
    worker.terminate();
  }

  #fail(what: string): never {
    const shown = (this.#mailbox.ended ?? "").replace(/\/\/[^/@\s]*@/g, "//");
    throw new SourceError(`${what} ${this.name}: ${advice(shown)}`);
  }
}

/** The reason, with what to do about it where that is known. */
function advice(reason: string): string {
  if (/permission denied/i.test(reason)) {
    return "permission denied (sudo usermod -aG video $USER, then log in again)";
  }
  if (/resource busy/i.test(reason)) return "another program is using it";
  return reason;
}
