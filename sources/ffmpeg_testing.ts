/** Small videos for the tests, made where they are needed. */
import { assert } from "../std_assert.ts";
import { needing } from "../tests/needs.ts";

/** Registers a test that needs ffmpeg. It is skipped where there is none, but never in CI. */
export function ffmpegTest(name: string, test: () => Promise<void>): Promise<void> {
  return needing(["ffmpeg"], name, test);
}

/** Runs ffmpeg and returns what it writes to its output. */
export async function ffmpeg(...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const command = new Deno.Command("ffmpeg", { args: ["-nostdin", "-v", "error", ...args] });
  const { success, stdout, stderr } = await command.output();
  assert(success, new TextDecoder().decode(stderr));
  return stdout;
}

/** A folder that lasts as long as its scope. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "saccade_sources_" });

  /** The path of a file in it. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Makes a video in it from ffmpeg's test picture; `output` holds the options of the coding. */
  async video(name: string, picture: string, ...output: string[]): Promise<string> {
    const path = this.file(name);
    await ffmpeg("-f", "lavfi", "-i", `testsrc=${picture}`, ...output, "-y", path);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Reads a source to its end. */
export async function frames(
  source: {
    next(into: Uint8Array): boolean | Promise<boolean>;
    size: { width: number; height: number };
  },
): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  const length = source.size.width * source.size.height * 3;
  for (
    let frame = new Uint8Array(length);
    await source.next(frame);
    frame = new Uint8Array(length)
  ) {
    read.push(frame);
  }
  return read;
}

/** The mean absolute difference of two runs of bytes, in levels. */
export function meanDifference(a: Uint8Array, b: Uint8Array): number {
  assert(a.length === b.length && a.length > 0, `lengths ${a.length} and ${b.length}`);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
