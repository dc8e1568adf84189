/**
 * The built-in moving scene: a camera drifting over textured ground, objects that cross the view and hide each other,
 * changing light. It needs no file, its motion can be predicted, and where each object is, is known.
 *
 * @example Where the objects are
 * ```ts
 * import { openScene } from "./synthetic.ts";
 *
 * await using scene = openScene({ size: { width: 60, height: 60 }, seed: 1, frames: 100 });
 * const frame = new Uint8Array(60 * 60 * 3);
 * while (scene.next(frame)) {
 *   for (const { box } of scene.objects()) console.assert(box.x + box.width <= 60);
 * }
 * ```
 *
 * @module
 */
import { type Actor, castAt, type ObjectKind } from "./scene_cast.ts";
import { type Extent, type Light, Painter } from "./scene_paint.ts";
import { hash } from "./scene_texture.ts";
import type { Size, Source } from "./source.ts";

/** What the scene is like. */
export interface SceneOptions {
  /** The size of the frames, in pixels. */
  readonly size: Size;
  /** What everything follows from: a whole number from 0 to 2^32 - 1, 0 by default. */
  readonly seed?: number;
  /** Frames in a second of the scene: fewer make the motion between two of them larger. 25 by default. */
  readonly fps?: number;
  /** How many frames there are; without end by default. */
  readonly frames?: number;
}

/** An object in the frame last delivered. A pixel belongs to it when its centre does. */
export interface SceneObject {
  /** The same from entering to leaving, and never used again. */
  readonly id: number;
  /** Its shape. */
  readonly kind: ObjectKind;
  /** The smallest box around its pixels in view, whether or not nearer objects cover them. */
  readonly box: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  /** The share of its pixels in view that no nearer object covers, from 0 to 1. */
  readonly visible: number;
  /** Distance, from 0 (nearest) to 1. */
  readonly depth: number;
}

/** The built-in scene as a source. */
export interface Scene extends Source {
  /**
   * Writes the next frame; it is there at once.
   *
   * @param into width * height * 3 bytes
   * @returns whether there was a frame
   * @throws {RangeError} when `into` has another length
   */
  next(into: Uint8Array): boolean;
  /**
   * The objects in the frame last delivered.
   *
   * @returns the farthest first; none before the first frame
   */
  objects(): readonly SceneObject[];
}

/**
 * Opens the built-in scene. Frame n follows from the seed, size, rate and n alone.
 *
 * @param options the size, and what varies
 * @returns the source
 * @throws {RangeError} when the size, seed, rate or number of frames makes no sense
 */
export function openScene(options: SceneOptions): Scene {
  return new BuiltInScene(options);
}

class BuiltInScene implements Scene {
  readonly name = "scene";
  readonly size: Size;
  readonly live = false;
  readonly dropped = 0;
  readonly truncated = null;
  readonly #seed: number;
  readonly #fps: number;
  readonly #frames: number;
  readonly #painter: Painter;
  #frame = 0;
  #cast: readonly Actor[] = [];
  #extents: readonly Extent[] = [];

  constructor({ size, seed = 0, fps = 25, frames = Infinity }: SceneOptions) {
    check("width", size.width, Number.isSafeInteger(size.width) && size.width > 0);
    check("height", size.height, Number.isSafeInteger(size.height) && size.height > 0);
    check("seed", seed, seed >>> 0 === seed);
    check("frame rate", fps, fps > 0 && fps < Infinity);
    check(
      "number of frames",
      frames,
      frames === Infinity || Number.isSafeInteger(frames) && frames >= 0,
    );
    this.size = size;
    this.#seed = seed;
    this.#fps = fps;
    this.#frames = frames;
    this.#painter = new Painter(seed, size);
  }

  next(into: Uint8Array): boolean {
    const { width, height } = this.size;
    if (into.length !== width * height * 3) {
      throw new RangeError(
        `A frame has ${width * height * 3} bytes, but there is room for ${into.length}`,
      );
    }
    if (this.#frame >= this.#frames) return false;
    const seconds = this.#frame++ / this.#fps;
    const unit = Math.sqrt(width * height);
    const [x, y] = cameraAt(this.#seed, seconds);
    this.#painter.ground(x, y);
    this.#cast = castAt(this.#seed, seconds, width / unit, height / unit);
    this.#extents = this.#painter.objects(this.#cast);
    this.#painter.light(lightAt(this.#seed, seconds), into);
    return true;
  }

  skip(frames: number): Promise<number> {
    const skipped = Math.min(frames, this.#frames - this.#frame);
    this.#frame += skipped;
    return Promise.resolve(skipped);
  }

  objects(): readonly SceneObject[] {
    return this.#cast.flatMap(({ id, kind, depth }, place) => {
      const { pixels, visible, left, top, right, bottom } = this.#extents[place]!;
      if (pixels === 0) return [];
      const box = { x: left, y: top, width: right - left, height: bottom - top };
      return [{ id, kind, box, visible: visible / pixels, depth }];
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#frame = this.#frames;
    return Promise.resolve();
  }
}

/** Where the camera is, in view units: a steady pan with slow curves in it. */
function cameraAt(seed: number, seconds: number): [number, number] {
  const heading = 2 * Math.PI * hash(seed, 1);
  const phase = 2 * Math.PI * hash(seed, 2);
  return [
    0.22 * Math.cos(heading) * seconds + 0.3 * Math.sin(0.43 * seconds + phase),
    0.22 * Math.sin(heading) * seconds + 0.25 * Math.sin(0.31 * seconds + 2 * phase),
  ];
}

/** Light that swells, turns warmer and colder, and a soft shadow that passes to and fro. */
function lightAt(seed: number, seconds: number): Light {
  const phase = 2 * Math.PI * hash(seed, 3);
  const gain = 1 + 0.1 * Math.sin(0.53 * seconds + phase);
  const warmth = 0.06 * Math.sin(0.29 * seconds + 3 * phase);
  return {
    tint: [gain * (1 + warmth), gain, gain * (1 - warmth)],
    x: 0.7 * Math.sin(0.37 * seconds + phase),
    y: 0.5 * Math.sin(0.23 * seconds + 5 * phase),
    reach: 0.45,
    strength: 0.4,
  };
}

function check(what: string, value: number, holds: boolean): void {
  if (!holds) throw new RangeError(`The scene cannot have a ${what} of ${value}`);
}
