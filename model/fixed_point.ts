/**
 * Numbers of fixed point: a whole number q from -32638 to 32638 times a power of two that a row shares.
 *
 * How they learn is defined here, in f32 and in whole numbers of 32 bits, so that every processor can do the same bit for bit.
 *
 * @module
 */

/** The largest q: with half of an upper byte, and one more that tells it from more, it is a number of 16 bits. */
export const MOST_STEPS = 32638;
/** A row's scale is 2 ^ LEAST_EXPONENT at least, so that one of zeros has one; it doubles as the row grows. */
const LEAST_EXPONENT = -20;
/** A change of more than this is cut: then one doubling is always enough. In 1/65536 of a step. */
const MOST_CHANGE = 2 ** 30;

/**
 * The smallest scale of a row.
 *
 * @param largest the largest of the row's values, without its sign
 * @returns a power of two
 */
export function scaleOf(largest: number): number {
  let scale = 2 ** LEAST_EXPONENT;
  while (Math.round(largest / scale) > MOST_STEPS) scale *= 2;
  return scale;
}

/**
 * What an update adds, in 1/65536 of a step: `trunc(term * 65536 / scale)`, at most 2^30 either way, and that where it is no number. The
 * product is exact, the scale being a power of two.
 *
 * @param term of f32
 * @param scale of the row, before the update
 * @returns a whole number of 32 bits
 */
export function changeOf(term: number, scale: number): number {
  const change = Math.trunc(term * (65536 / scale));
  return Number.isNaN(change)
    ? MOST_CHANGE
    : Math.max(-MOST_CHANGE, Math.min(change, MOST_CHANGE)) | 0;
}

/**
 * Adds a change, rounded by chance: `q + ((change + (noise >>> 16)) >> 16)`.
 *
 * @param q before
 * @param change see {@linkcode changeOf}
 * @param noise 32 bits, of which the upper half decides
 * @returns after: where it is beyond {@linkcode MOST_STEPS} anywhere in the row, the whole row is halved
 */
export function addChange(q: number, change: number, noise: number): number {
  return q + ((change + (noise >>> 16)) >> 16);
}

/**
 * Halves a number of a row whose scale doubles, by chance: `(q + ((noise >>> 16) & 1)) >> 1`.
 *
 * @param q after the update
 * @param noise the same 32 bits as in {@linkcode addChange}: bit 16 decides
 */
export function halve(q: number, noise: number): number {
  return (q + ((noise >>> 16) & 1)) >> 1;
}

/**
 * What the products read of an i8 weight: its upper byte, rounded: `(q + 128) >> 8`, from -127 to 127.
 *
 * @param q the master
 */
export function upperByte(q: number): number {
  return (q + 128) >> 8;
}
