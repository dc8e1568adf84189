/**
 * Vectors as the products of i8 weights read them: whole numbers of seven bits, times a scale.
 *
 * Sums of bytes times levels are whole numbers, the same in any order, so that only what follows is rounded. All of it is of f32:
 *
 *     most  = the largest |v[i]|
 *     level = the nearest whole number to v[i] * (63 / most), ties to even      0 where most is below 2^-100
 *     scale = most / 63
 *
 * @module
 */

/** The largest level: with 64 added, levels are unsigned numbers of seven bits. */
const MOST_LEVEL = 63;
/** Vectors without anything larger count as 0: 63 / most would not be finite. */
const LEAST = 2 ** -100;

/**
 * Rounds a vector to levels.
 *
 * @param values the vector
 * @param levels as long; overwritten
 * @returns their scale; NaN or Infinity where a value is
 */
export function levelsOf(values: ArrayLike<number>, levels: Float32Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(Math.fround(values[i]!));
    // Not Math.max: what is no number stays one here, too.
    if (!(size <= most)) most = size;
  }
  if (!(most >= LEAST && most < Infinity)) {
    levels.fill(0);
    return Math.fround(most / MOST_LEVEL);
  }
  const inverse = Math.fround(MOST_LEVEL / most);
  for (let i = 0; i < values.length; i++) {
    levels[i] = nearestEven(Math.fround(Math.fround(values[i]!) * inverse));
  }
  return Math.fround(most / MOST_LEVEL);
}

function nearestEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return below + Number(rest > 0.5 || (rest === 0.5 && below % 2 !== 0));
}
