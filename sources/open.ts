/**
 * Opens a source from a description that can be sent to another thread.
 *
 * @module
 */
import { openCamera } from "./camera.ts";
import { readRaw } from "./raw.ts";
import type { Fit, Size, Source } from "./source.ts";
import { openScene } from "./synthetic.ts";
import { openVideo } from "./video.ts";

/** Where frames are to come from: plain data. */
export type SourceRequest =
  | {
    readonly kind: "video";
    /** The file. */
    readonly path: string;
    readonly fit: Fit;
    /** Frames a second at most. */
    readonly fps?: number;
    /** Whether it starts again at its end. */
    readonly loop?: boolean;
  }
  | {
    /** Raw frames on the standard input. */
    readonly kind: "raw";
    /** The size of the frames that come in; the model's by default. */
    readonly size?: Size;
    readonly fit: Fit;
  }
  | {
    readonly kind: "camera";
    /** A number, a device, or an address. */
    readonly device: string;
    readonly fit: Fit;
    readonly fps?: number;
  }
  | {
    /** The built-in scene. */
    readonly kind: "scene";
    readonly seed?: number;
    readonly fps?: number;
    readonly frames?: number;
  };

/**
 * Opens a source.
 *
 * @example The built-in scene
 * ```ts
 * import { openSource } from "./open.ts";
 *
 * await using source = await openSource({ kind: "scene" }, { width: 60, height: 60 });
 * console.assert(await source.next(new Uint8Array(60 * 60 * 3)));
 * ```
 *
 * @param request where the frames come from
 * @param size the size of the frames that are delivered, in pixels
 * @param signal ends a wait for a source that does not begin; it then cannot be had
 * @returns the source; whoever opened it closes it
 * @throws {SourceError} when it cannot be had, with the reason
 * @throws {RangeError} when a number in the request makes no sense
 */
export async function openSource(
  request: SourceRequest,
  size: Size,
  signal?: AbortSignal,
): Promise<Source> {
  const wait = signal === undefined ? {} : { signal };
  switch (request.kind) {
    case "video":
      return await openVideo(request.path, { ...request, ...wait, size });
    case "raw": {
      const from = request.size ?? size;
      return readRaw(Deno.stdin.readable, { size, from, fit: request.fit });
    }
    case "camera":
      return await openCamera(request.device, { ...request, ...wait, size });
    case "scene":
      return openScene({ ...request, size });
  }
}
