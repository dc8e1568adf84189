/** Tests that need more than Deno: skipped by name where it is absent, never in CI. */
import { OWN_LIBRARY } from "../backends/native/backend.ts";
import { findAdapter } from "../backends/webgpu/adapter.ts";

const CI = Deno.env.get("CI") !== undefined;

async function runs(command: string, ...args: string[]): Promise<boolean> {
  try {
    const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(command, { args, ...stdio }).output()).success;
  } catch {
    return false;
  }
}

/** The folder of real clips, which lies beside the project where it is developed. */
export const VIDEO: string = new URL("../../shared/video/", import.meta.url).pathname;

/** Whether a small disk can be mounted, to be filled. */
async function canMount(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = await Deno.makeTempDir();
  const mounted = await runs("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder);
  if (mounted) await runs("umount", folder);
  await Deno.remove(folder);
  return mounted;
}

/** What a test may need: why it is skipped where there is none, and whether CI must have it. */
const NEEDS = {
  ffmpeg: { why: "ffmpeg is not installed", met: () => runs("ffmpeg", "-version"), inCi: true },
  clips: {
    why: "there are no clips in ../shared/video",
    met: () => Deno.stat(VIDEO).then(() => true, () => false),
    inCi: true,
  },
  python: { why: "python3 is not installed", met: () => runs("python3", "-V"), inCi: true },
  numpy: {
    why: "numpy is not installed",
    met: () => runs("python3", "-c", "import numpy"),
    inCi: true,
  },
  opencv: {
    why: "$SACCADE_PYTHON names no Python with OpenCV",
    met: () => runs(Deno.env.get("SACCADE_PYTHON") ?? "", "-c", "import cv2, numpy"),
    inCi: false,
  },
  torch: {
    why: "$SACCADE_PYTHON names no Python with PyTorch",
    met: () => runs(Deno.env.get("SACCADE_PYTHON") ?? "", "-c", "import torch, numpy"),
    inCi: false,
  },
  onnx: {
    why: "onnx and onnxruntime of Python are not installed",
    met: () => runs("python3", "-c", "import onnx, onnxruntime"),
    inCi: true,
  },
  script: {
    why: "script, which makes terminals, is not installed",
    met: () => runs("script", "-V"),
    inCi: true,
  },
  cc: { why: "no C compiler is installed", met: () => runs("cc", "--version"), inCi: true },
  native: {
    why: "the native library is not built (deno task build:native)",
    met: () => Deno.stat(OWN_LIBRARY).then(() => true, () => false),
    inCi: true,
  },
  gpu: {
    why: "there is no WebGPU adapter",
    met: async () => await findAdapter() !== null,
    inCi: true,
  },
  chromium: {
    why: "chromium is not installed",
    met: () => runs("chromium", "--version"),
    inCi: true,
  },
  mount: { why: "it needs root to mount a small disk", met: canMount, inCi: false },
} as const;

const found = new Map<string, Promise<boolean>>();

/**
 * Registers a test that needs something.
 *
 * @param needs what it needs
 * @param name its name; the reason is added where it is skipped
 * @param fn the test
 */
export async function needing(
  needs: readonly (keyof typeof NEEDS)[],
  name: string,
  fn: () => Promise<void>,
): Promise<void> {
  const missing: string[] = [];
  for (const need of needs) {
    const { why, met, inCi } = NEEDS[need];
    if (!found.has(need)) found.set(need, met());
    if (!await found.get(need) && !(CI && inCi)) missing.push(why);
  }
  const ignore = missing.length > 0;
  Deno.test({ name: ignore ? `${name} (skipped: ${missing.join(", ")})` : name, ignore, fn });
}
