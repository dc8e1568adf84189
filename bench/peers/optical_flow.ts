/**
 * Dense optical flow of OpenCV warped forward: what a frame is predicted by that knows how everything moves and learns nothing.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Size, Source } from "../../sources/source.ts";

/**
 * Runs `optical_flow.py`. It needs a Python with OpenCV: `pip install opencv-python-headless`; $SACCADE_PYTHON says which.
 *
 * @param source the frames, to its end
 * @param size of the frames
 * @param learned frames of the first part
 * @param folder for the raw frames
 * @returns skill against copy-last over both parts, by variant; null without OpenCV, which is said on the standard error
 */
export async function flowSkills(
  source: Source,
  size: Size,
  learned: number,
  folder: string,
): Promise<Record<string, readonly [number, number]> | null> {
  const path = `${folder}/frames.rgb`;
  {
    const file = await Deno.open(path, { write: true, create: true, truncate: true });
    const frame = new Uint8Array(size.width * size.height * 3);
    const writer = file.writable.getWriter();
    while (await source.next(frame)) await writer.write(frame.slice());
    await writer.close();
  }
  const script = fileURLToPath(new URL("optical_flow.py", import.meta.url));
  const args = [script, path, String(size.width), String(size.height), String(learned)];
  const python = Deno.env.get("SACCADE_PYTHON") ?? "python3";
  const { success, stdout, stderr } = await new Deno.Command(python, { args }).output();
  if (!success) {
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
    console.error(`Optical flow is left out (pip install opencv-python-headless): ${said}`);
    return null;
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}
