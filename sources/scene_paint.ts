/**
 * Paints the built-in scene: ground, objects from far to near, light.
 *
 * @module
 */
import type { Actor } from "./scene_cast.ts";
import { ease, groundTexture, hash, noiseTexture, type Texture } from "./scene_texture.ts";
import type { Size } from "./source.ts";

/** Sides of the ground in view units: after this much it repeats. */
const GROUND = 4;
/** Grain of the objects' surface: their texture's side in view units. */
const SURFACE = 1.5;

/** What the painter counted of an object; a pixel is its own when its centre is. */
export interface Extent {
  /** Pixels of the object in view. */
  pixels: number;
  /** Of those, the ones that no nearer object covers. */
  visible: number;
  /** The first column. */
  left: number;
  /** The first row. */
  top: number;
  /** One beyond the last column. */
  right: number;
  /** One beyond the last row. */
  bottom: number;
}

/** Light at one moment. */
export interface Light {
  /** What each channel is multiplied with. */
  readonly tint: readonly [number, number, number];
  /** Where the soft shadow is, to the right of the middle, in view units. */
  readonly x: number;
  /** The same downwards. */
  readonly y: number;
  /** How wide it is, in view units. */
  readonly reach: number;
  /** How much light it takes, from 0 to 1. */
  readonly strength: number;
}

/** Paints frames of one size. */
export class Painter {
  readonly #width: number;
  readonly #height: number;
  /** Pixels in a view unit. */
  readonly #unit: number;
  readonly #ground: Texture;
  readonly #surface: Texture;
  /** Rows, columns, channels, before the light. */
  readonly #canvas: Float32Array;
  /** The nearest object that covers a pixel, by its place in the cast; -1 for the ground. */
  readonly #owner: Int8Array;
  readonly #shadowX: Float32Array;
  readonly #shadowY: Float32Array;

  /**
   * Makes the textures.
   *
   * @param seed what the textures follow from
   * @param size the size of the frames, in pixels
   */
  constructor(seed: number, { width, height }: Size) {
    this.#width = width;
    this.#height = height;
    this.#unit = Math.sqrt(width * height);
    const fine = Math.min(Math.ceil(Math.log2(2 * GROUND * this.#unit)), 10);
    const side = 2 ** Math.max(fine, 6);
    // The finest grain is three pixels wide: finer, it would flicker as it moves.
    const octaves = Math.max(1, Math.floor(Math.log2(GROUND * this.#unit / 12 / 3)) + 1);
    const heights = noiseTexture(
      hash(seed, 10) * 2 ** 32,
      side,
      12,
      Math.min(octaves, Math.log2(side) - 4),
    );
    this.#ground = groundTexture(heights, noiseTexture(hash(seed, 11) * 2 ** 32, side, 6, 2));
    this.#surface = heights;
    this.#canvas = new Float32Array(width * height * 3);
    this.#owner = new Int8Array(width * height);
    this.#shadowX = new Float32Array(width);
    this.#shadowY = new Float32Array(height);
  }

  /**
   * Paints the ground, as the camera sees it from a place.
   *
   * @param x the camera's place in view units
   * @param y the camera's place in view units
   */
  ground(x: number, y: number): void {
    const { side, values } = this.#ground;
    const mask = side - 1;
    const step = side / (GROUND * this.#unit);
    const startX = wrap(x * side / GROUND, side), startY = wrap(y * side / GROUND, side);
    let pixel = 0;
    for (let row = 0; row < this.#height; row++) {
      const v = startY + row * step, top = Math.floor(v), down = v - top;
      const above = (top & mask) * side, below = ((top + 1) & mask) * side;
      for (let column = 0; column < this.#width; column++) {
        const u = startX + column * step, left = Math.floor(u), across = u - left;
        const west = left & mask, east = (left + 1) & mask;
        const a = (above + west) * 3, b = (above + east) * 3;
        const c = (below + west) * 3, d = (below + east) * 3;
        const d4 = across * down, b4 = across - d4, c4 = down - d4, a4 = 1 - across - c4;
        for (let channel = 0; channel < 3; channel++) {
          this.#canvas[pixel++] = a4 * values[a + channel]! + b4 * values[b + channel]! +
            c4 * values[c + channel]! + d4 * values[d + channel]!;
        }
      }
    }
    this.#owner.fill(-1);
  }

  /**
   * Paints objects over each other.
   *
   * @param cast the objects, the farthest first
   * @returns what was counted of each, in the same order
   */
  objects(cast: readonly Actor[]): Extent[] {
    const extents = cast.map((actor, place) => this.#object(actor, place));
    for (let pixel = 0; pixel < this.#owner.length; pixel++) {
      const place = this.#owner[pixel]!;
      if (place >= 0) extents[place]!.visible++;
    }
    return extents;
  }

  /**
   * Lights the picture and writes it out.
   *
   * @param light the light of the moment
   * @param into rows, columns, channels R G B, one byte each
   */
  light({ tint: [red, green, blue], x, y, reach, strength }: Light, into: Uint8Array): void {
    const bell = (distance: number) => Math.exp(-((distance / reach) ** 2));
    for (let column = 0; column < this.#width; column++) {
      this.#shadowX[column] = bell((column + 0.5 - this.#width / 2) / this.#unit - x);
    }
    for (let row = 0; row < this.#height; row++) {
      this.#shadowY[row] = bell((row + 0.5 - this.#height / 2) / this.#unit - y);
    }
    let i = 0;
    for (let row = 0; row < this.#height; row++) {
      const inRow = 255 * strength * this.#shadowY[row]!;
      for (let column = 0; column < this.#width; column++, i += 3) {
        const gain = 255 - inRow * this.#shadowX[column]!;
        into[i] = Math.min(this.#canvas[i]! * gain * red + 0.5, 255);
        into[i + 1] = Math.min(this.#canvas[i + 1]! * gain * green + 0.5, 255);
        into[i + 2] = Math.min(this.#canvas[i + 2]! * gain * blue + 0.5, 255);
      }
    }
  }

  #object(actor: Actor, place: number): Extent {
    const { kind, colour: [red, green, blue], grain } = actor;
    const unit = this.#unit, width = this.#width, height = this.#height;
    const extent = { pixels: 0, visible: 0, left: width, top: height, right: 0, bottom: 0 };
    const centreX = actor.x * unit + width / 2, centreY = actor.y * unit + height / 2;
    const halfWidth = actor.halfWidth * unit, halfHeight = actor.halfHeight * unit;
    const reach = Math.hypot(halfWidth, halfHeight) + 1;
    const cos = Math.cos(actor.angle), sin = Math.sin(actor.angle);
    const endX = Math.min(Math.ceil(centreX + reach), width);
    const endY = Math.min(Math.ceil(centreY + reach), height);
    for (let row = Math.max(Math.floor(centreY - reach), 0); row < endY; row++) {
      for (let column = Math.max(Math.floor(centreX - reach), 0); column < endX; column++) {
        const fromX = column + 0.5 - centreX, fromY = row + 0.5 - centreY;
        const alongX = fromX * cos + fromY * sin, alongY = fromY * cos - fromX * sin;
        const outside = kind === "box"
          ? Math.max(Math.abs(alongX) - halfWidth, Math.abs(alongY) - halfHeight)
          : outsideEllipse(alongX, alongY, halfWidth, halfHeight);
        const cover = Math.min(Math.max(0.5 - outside, 0), 1);
        if (cover === 0) continue;
        const a = alongX / halfWidth, b = alongY / halfHeight;
        const shade = (kind === "box" ? bevel(a, b) : dome(a, b, cos, sin)) *
          (0.45 + 0.75 * this.#surfaceAt(alongX / unit, alongY / unit, grain));
        const pixel = row * width + column, i = pixel * 3;
        this.#canvas[i] = this.#canvas[i]! * (1 - cover) + cover * shade * red;
        this.#canvas[i + 1] = this.#canvas[i + 1]! * (1 - cover) + cover * shade * green;
        this.#canvas[i + 2] = this.#canvas[i + 2]! * (1 - cover) + cover * shade * blue;
        if (cover < 0.5) continue;
        this.#owner[pixel] = place;
        extent.pixels++;
        extent.left = Math.min(extent.left, column);
        extent.right = Math.max(extent.right, column + 1);
        extent.top = Math.min(extent.top, row);
        extent.bottom = Math.max(extent.bottom, row + 1);
      }
    }
    return extent;
  }

  /** The grain of an object at a place on it, in view units. */
  #surfaceAt(x: number, y: number, grain: number): number {
    const { side, values } = this.#surface;
    const mask = side - 1;
    const u = wrap((x / SURFACE + grain) * side, side);
    const v = wrap((y / SURFACE + grain * 7) * side, side);
    const left = Math.floor(u), top = Math.floor(v), across = u - left, down = v - top;
    const above = (top & mask) * side, below = ((top + 1) & mask) * side;
    const west = left & mask, east = (left + 1) & mask;
    const upper = values[above + west]! * (1 - across) + values[above + east]! * across;
    const lower = values[below + west]! * (1 - across) + values[below + east]! * across;
    return upper * (1 - down) + lower * down;
  }
}

/** How many pixels a point lies outside an ellipse; exact at its edge, where it counts. */
function outsideEllipse(x: number, y: number, halfWidth: number, halfHeight: number): number {
  const a = x / halfWidth, b = y / halfHeight;
  const slope = Math.hypot(a / halfWidth, b / halfHeight);
  return slope === 0 ? -halfWidth : (a * a + b * b - 1) / (2 * slope);
}

/** The light on a ball, from the upper left however it is turned. */
function dome(a: number, b: number, cos: number, sin: number): number {
  const up = Math.sqrt(Math.max(1 - a * a - b * b, 0));
  const right = a * cos - b * sin, down = a * sin + b * cos;
  return 0.3 + 0.75 * Math.max(0.8 * up - 0.4 * right - 0.45 * down, 0);
}

/** The light on a box with two broad stripes and a darker rim. */
function bevel(a: number, b: number): number {
  const rim = ease(Math.min(Math.max((1 - Math.max(Math.abs(a), Math.abs(b))) * 5, 0), 1));
  return (0.55 + 0.45 * rim) * (0.8 + 0.2 * Math.cos(2 * Math.PI * a));
}

function wrap(value: number, side: number): number {
  return value - Math.floor(value / side) * side;
}
