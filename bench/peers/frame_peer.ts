/**
 * Programs of Python that predict the frames of a source, as anchors of the learning benchmark.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Size, Source } from "../../sources/source.ts";
import { environment, type EnvironmentOptions, run } from "./environment.ts";
import { PeerError } from "./peer.ts";

/** Skill against copy-last over the first part and over the rest; null where nothing moved. */
export type Skills = readonly [number | null, number | null];

/** The frames that are predicted. */
export interface FramesOptions {
  /** The frames, to its end. */
  readonly source: Source;
  /** Of the frames. */
  readonly size: Size;
  /** Frames of the first part. */
  readonly learned: number;
  /** For the raw frames. */
  readonly folder: string;
}

/**
 * The Python that has a peer's packages: that of $SACCADE_PYTHON where it is set, else one of its own, made where there is none.
 *
 * @param options the packages
 * @throws {PeerError} when python, its venv module or the network is missing
 */
export async function pythonWith(options: EnvironmentOptions): Promise<string> {
  return Deno.env.get("SACCADE_PYTHON") ?? await environment(options);
}

/**
 * Runs a program of this folder.
 *
 * @param name what is left out where it fails
 * @param command the Python, the file of the program and its arguments
 * @returns what it printed, parsed
 * @throws {PeerError} when it fails
 */
export async function ask<T>(
  name: string,
  [python, script, ...args]: readonly [string, string, ...(string | number)[]],
): Promise<T> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  // No folder of compiled Python in the sources.
  const env = { PYTHONDONTWRITEBYTECODE: "1" };
  const result = await run([python, path, ...args.map(String)], env);
  if (result === null) throw new PeerError(`${name} is left out: ${python} is not installed`);
  if (!result.success) throw new PeerError(`${name} is left out: ${result.said}`);
  return JSON.parse(result.out);
}

/**
 * Runs a program of this folder over frames: SCRIPT FRAMES WIDTH HEIGHT LEARNED, where FRAMES is a file of raw RGB.
 *
 * @param name what is left out where it fails
 * @param command the Python and the file of the program
 * @param frames what is predicted
 * @returns what it printed, parsed
 * @throws {PeerError} when it fails
 */
export async function askOver<T>(
  name: string,
  [python, script]: readonly [string, string],
  { source, size, learned, folder }: FramesOptions,
): Promise<T> {
  const path = `${folder}/frames.rgb`;
  {
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    const frame = new Uint8Array(size.width * size.height * 3);
    const writer = file.writable.getWriter();
    while (await source.next(frame)) await writer.write(frame.slice());
    await writer.close();
  }
  return await ask(name, [python, script, path, size.width, size.height, learned]);
}
