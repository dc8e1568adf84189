/**
 * Numbers of 16 bits (IEEE 754 binary16), and how learning rounds to them.
 *
 * @module
 */

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The largest number there is. */
export const LARGEST_HALF = 0x7bff;

/**
 * Rounds to the nearest, ties to even; what is too large becomes infinite.
 *
 * @param value any number
 * @returns 16 bits
 */
export function toHalf(value: number): number {
  float[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const size = word[0]! & 0x7fffffff;
  if (size > 0x7f800000) return 0x7e00;
  if (size < 0x38800000) {
    // Below 2^-14 the grid is even, in steps of 2^-24; an f64 holds the multiple exactly.
    return sign | roundEven(Math.abs(float[0]!) * 2 ** 24);
  }
  const half = ((size + 0xfff + ((size >>> 13) & 1)) >>> 13) - (112 << 10);
  return sign | Math.min(half, 0x7c00);
}

function roundEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return below + Number(rest > 0.5 || (rest === 0.5 && below % 2 === 1));
}

/**
 * The number that 16 bits stand for.
 *
 * @param half 16 bits
 */
export function fromHalf(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * Rounds up or down by chance, so that the mean over all noise is the value: small changes are not lost, only delayed. What is too large
 * becomes the largest number; what is no number stays none.
 *
 * @param value a number of 32 bits
 * @param noise 32 bits; its upper ones decide
 * @returns 16 bits
 */
export function toHalfByChance(value: number, noise: number): number {
  float[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const size = word[0]! & 0x7fffffff;
  if (size >= 0x7f800000) return size > 0x7f800000 ? 0x7e00 : sign | 0x7c00;
  if (size < 0x38800000) {
    const steps = Math.abs(float[0]!) * 2 ** 24;
    const below = Math.floor(steps);
    return sign | (below + Number((noise >>> 8) * 2 ** -24 < steps - below));
  }
  return sign | Math.min(((size + (noise >>> 19)) >>> 13) - (112 << 10), LARGEST_HALF);
}
