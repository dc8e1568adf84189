/**
 * Where frames come from. A source delivers RGB frames of the model's own size, one after another.
 *
 * @module
 */

/** The size of a picture in pixels. */
export interface Size {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** How a picture of another shape becomes the model's: `stretch` ignores the aspect ratio, `crop` cuts the longer sides evenly. */
export type Fit = "stretch" | "crop";

/** Thrown when frames cannot be had: a missing file or camera, no ffmpeg, a stream that makes no sense. */
export class SourceError extends Error {
  /** @ignore */
  override name = "SourceError";
}

/** A stream of frames. Closing it (`await using`) ends whatever runs behind it. */
export interface Source extends AsyncDisposable {
  /** What a person calls it: a path, a device, `scene`. */
  readonly name: string;
  /** The size of the frames that `next` writes. */
  readonly size: Size;
  /** Whether time goes on without the reader: a live source drops what nobody read, a file never does. */
  readonly live: boolean;
  /** Frames that a live source has dropped so far; 0 for the others. */
  readonly dropped: number;
  /** Why the stream ended before its time, in one sentence, or null. Known once `next` has returned false. */
  readonly truncated: string | null;
  /**
   * Writes the next frame: rows, columns, channels R G B, one byte each.
   *
   * @param into width * height * 3 bytes
   * @returns whether there was a frame; false is the end, and stays so
   * @throws {SourceError} when the source breaks
   */
  next(into: Uint8Array): boolean | Promise<boolean>;
  /**
   * Passes over frames, as a resumed run does; a live source and a pipe have nothing to pass over.
   *
   * @param frames how many
   * @returns how many there were
   */
  skip(frames: number): Promise<number>;
}
