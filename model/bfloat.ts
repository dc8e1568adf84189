/**
 * Numbers of bfloat16, the upper half of an f32, and how learning rounds to them.
 *
 * @module
 */

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The largest number there is. */
const LARGEST = 0x7f7f;

/**
 * Rounds to the nearest, ties to even; what is too large becomes infinite.
 *
 * @param value any number
 * @returns 16 bits
 */
export function toBfloat(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/**
 * The number that 16 bits stand for.
 *
 * @param bfloat 16 bits
 */
export function fromBfloat(bfloat: number): number {
  word[0] = bfloat << 16;
  return float[0]!;
}

/**
 * Rounds up or down by chance, so that the mean over all noise is the value. What is too large becomes the largest number; what is no
 * number stays none.
 *
 * @param value a number of 32 bits
 * @param noise 32 bits; its upper half decides
 * @returns 16 bits
 */
export function toBfloatByChance(value: number, noise: number): number {
  float[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const size = word[0]! & 0x7fffffff;
  if (size >= 0x7f800000) return size > 0x7f800000 ? 0x7fc0 : sign | 0x7f80;
  return sign | Math.min((size + (noise >>> 16)) >>> 16, LARGEST);
}
