/**
 * A small convolutional network of PyTorch that learns from every frame as it comes: what a frame is predicted by that shares its
 * weights over the whole picture.
 *
 * @module
 */
import type { EnvironmentOptions } from "./environment.ts";
import { ask, askOver, type FramesOptions, pythonWith, type Skills } from "./frame_peer.ts";

const NAME = "The small ConvNet";

/** What it needs, and how fast it is. */
export interface ConvNetSpeed {
  /** Of PyTorch. */
  readonly version: string;
  /** Weights. */
  readonly weights: number;
  /** Multiply-adds of a prediction and of a step that learns. */
  readonly macs: readonly [predict: number, learn: number];
  /** Frames a second that it predicts and learns from, by threads. */
  readonly framesPerSecond: Readonly<Record<string, number>>;
}

async function pythonOf(where: Pick<EnvironmentOptions, "python" | "folder">): Promise<string> {
  return await pythonWith({
    name: NAME,
    packages: ["torch==2.15.0", "numpy==2.4.6"],
    // PyPI has no other for Linux.
    needs: "Python 3.11, the network and on Linux 6 GB of disk for the CUDA that comes with it",
    ...where,
  });
}

/**
 * Runs `conv_net.py` over frames with PyTorch of PyPI, or with the Python that $SACCADE_PYTHON names.
 *
 * @param frames what is predicted
 * @param where the interpreter that makes the environment, and where environments are kept
 * @returns skills against copy-last over both parts, one pair for each seed, by rate
 * @throws {PeerError} when there is no PyTorch and it cannot be had
 */
export async function convNetSkills(
  frames: FramesOptions,
  where: Pick<EnvironmentOptions, "python" | "folder"> = {},
): Promise<Record<string, readonly Skills[]>> {
  return await askOver(NAME, [await pythonOf(where), "./conv_net.py"], frames);
}

/**
 * Measures it on frames of noise.
 *
 * @param side of the frames
 * @param where as above
 * @throws {PeerError} when there is no PyTorch and it cannot be had
 */
export async function convNetSpeed(
  side: number,
  where: Pick<EnvironmentOptions, "python" | "folder"> = {},
): Promise<ConvNetSpeed> {
  return await ask(NAME, [await pythonOf(where), "./conv_net.py", "--speed", side]);
}
