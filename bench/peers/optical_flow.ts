/**
 * Dense optical flow of OpenCV warped forward: what a frame is predicted by that knows how everything moves and learns nothing.
 *
 * @module
 */
import type { EnvironmentOptions } from "./environment.ts";
import { askOver, type FramesOptions, pythonWith, type Skills } from "./frame_peer.ts";

const NAME = "Optical flow";

/**
 * Runs `optical_flow.py` with OpenCV of PyPI, or with the Python that $SACCADE_PYTHON names.
 *
 * @param frames what is predicted
 * @param where the interpreter that makes the environment, and where environments are kept
 * @returns skill against copy-last over both parts, by variant
 * @throws {PeerError} when there is no OpenCV and it cannot be had
 */
export async function flowSkills(
  frames: FramesOptions,
  where: Pick<EnvironmentOptions, "python" | "folder"> = {},
): Promise<Record<string, Skills>> {
  const python = await pythonWith({
    name: NAME,
    packages: ["opencv-python-headless==5.0.0.93", "numpy==2.4.6"],
    needs: "Python 3.11 and the network",
    ...where,
  });
  return await askOver(NAME, [python, "./optical_flow.py"], frames);
}
