/**
 * Pictures of one size from pictures of another: every pixel becomes the exact average of the area that it covers.
 *
 * @example Halve a picture
 * ```ts
 * import { createScaler } from "./scale.ts";
 *
 * const scale = createScaler({ width: 2, height: 2 }, { width: 1, height: 1 }, "stretch");
 * const pixel = new Uint8Array(3);
 * scale(new Uint8Array([0, 0, 0, 10, 0, 0, 20, 0, 0, 30, 0, 0]), pixel);
 * console.assert(pixel[0] === 15);
 * ```
 *
 * @module
 */
import type { Fit, Size } from "./source.ts";

/**
 * Writes one picture at another size. Both are rows, columns, channels R G B, one byte each.
 *
 * @throws {RangeError} when either array has the wrong length
 */
export type Scaler = (source: Uint8Array, into: Uint8Array) => void;

/** A part of a picture, in whole pixels. */
export interface Region extends Size {
  /** Pixels to the left of it. */
  readonly x: number;
  /** Rows above it. */
  readonly y: number;
}

/**
 * Which part of a picture is used for a target of another shape.
 *
 * @param from the size of the picture
 * @param to the size it becomes
 * @param fit `crop` cuts the side that is too long evenly, to whole pixels; `stretch` uses everything
 * @returns the part that is used
 */
export function fitRegion(from: Size, to: Size, fit: Fit): Region {
  if (fit === "stretch") return { x: 0, y: 0, width: from.width, height: from.height };
  const width = clamp(Math.round(from.height * to.width / to.height), from.width);
  const height = clamp(Math.round(from.width * to.height / to.width), from.height);
  return {
    x: Math.floor((from.width - width) / 2),
    y: Math.floor((from.height - height) / 2),
    width,
    height,
  };
}

/**
 * Prepares the scaling of many pictures; scaling one then allocates nothing.
 *
 * @param from the size of the pictures that come in
 * @param to the size of the pictures that go out
 * @param fit what happens where the shapes differ
 * @returns a function that scales one picture
 * @throws {RangeError} when a side is not a whole number of at least 1
 */
export function createScaler(from: Size, to: Size, fit: Fit): Scaler {
  for (const side of [from.width, from.height, to.width, to.height]) {
    if (!Number.isSafeInteger(side) || side < 1) {
      throw new RangeError(`A picture's side must be a whole number of at least 1, not ${side}`);
    }
  }
  const sourceLength = from.width * from.height * 3;
  const length = to.width * to.height * 3;
  const region = fitRegion(from, to, fit);
  const same = from.width === to.width && from.height === to.height;
  const columns = coverage(region.width, to.width);
  const rows = coverage(region.height, to.height);
  // Weights are whole numbers and sums stay below 2^53, so that rounding happens once, at the end.
  const total = region.width * region.height / (columns.divisor * rows.divisor);
  const band = new Float64Array(region.width * 3);
  const start = (region.y * from.width + region.x) * 3;

  return (source, into) => {
    checkLength(source, sourceLength, "to scale");
    checkLength(into, length, "scaled");
    if (same) return into.set(source);
    let target = 0;
    for (let y = 0; y < to.height; y++) {
      const firstRow = rows.first[y]!;
      const endRow = rows.first[y]! + rows.count[y]!;
      band.fill(0);
      for (let row = firstRow; row < endRow; row++) {
        const weight = rows.weight(y, row);
        const offset = start + row * from.width * 3;
        for (let i = 0; i < band.length; i++) band[i] = band[i]! + weight * source[offset + i]!;
      }
      for (let x = 0; x < to.width; x++) {
        const first = columns.first[x]!;
        const end = first + columns.count[x]!;
        let red = 0, green = 0, blue = 0;
        for (let column = first; column < end; column++) {
          const weight = columns.weight(x, column);
          red += weight * band[column * 3]!;
          green += weight * band[column * 3 + 1]!;
          blue += weight * band[column * 3 + 2]!;
        }
        into[target++] = Math.floor(red / total + 0.5);
        into[target++] = Math.floor(green / total + 0.5);
        into[target++] = Math.floor(blue / total + 0.5);
      }
    }
  };
}

/** Which pixels of a side lie under each pixel of the other, and how much of each. */
function coverage(from: number, to: number) {
  const divisor = commonDivisor(from, to);
  // In this unit both a source pixel (`pixel`) and a target pixel (`span`) are whole numbers long.
  const pixel = to / divisor;
  const span = from / divisor;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    first[i] = Math.floor(i * span / pixel);
    count[i] = Math.ceil((i + 1) * span / pixel) - first[i]!;
  }
  const weight = (target: number, source: number) =>
    Math.min((target + 1) * span, (source + 1) * pixel) - Math.max(target * span, source * pixel);
  return { first, count, weight, divisor };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 1), most);
}

function checkLength(picture: Uint8Array, expected: number, which: string): void {
  if (picture.length === expected) return;
  throw new RangeError(
    `The picture ${which} must have ${expected} bytes, but it has ${picture.length}`,
  );
}
