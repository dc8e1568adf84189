/**
 * The noise of stochastic rounding: 32 bits for every weight of every step, the same on every backend, whatever its lanes, threads
 * and order.
 *
 * It is a row word xor a column word, so that a loop over one of them computes one word a turn. All arithmetic is of unsigned 32-bit
 * integers and wraps:
 *
 *     mix(x):   x ^= x >> 16; x *= 0x7feb352d; x ^= x >> 15; x *= 0x846ca68b; x ^= x >> 16
 *     key       = mix(mix(mix(mix(seed) + step) + unit) + matrix)      matrix 0 is the encoder, 1 the decoder
 *     row word  = mix(key + row)
 *     column word = mix((key ^ 0x9e3779b9) + column)
 *     noise     = row word ^ column word
 *
 * Rows and columns are those of a checkpoint: [H, inputs] of an encoder, [outputs, H + 1] of a decoder; units are counted over the
 * whole model; of seed and step the low 32 bits count.
 *
 * @module
 */

/** Which weight, and when. */
export interface NoiseOf {
  /** The plan's seed. */
  readonly seed: number;
  /** The number of the step that learns. */
  readonly step: number;
  /** The unit. */
  readonly unit: number;
  /** 0 is the encoder, 1 the decoder. */
  readonly matrix: 0 | 1;
}

/** A permutation of the 32-bit words in which every bit of the argument moves half of the result's. */
function mix(word: number): number {
  let x = word >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * What the keys of a step have in common.
 *
 * @param seed the plan's seed
 * @param step the number of the step that learns
 */
export function stepWord(seed: number, step: number): number {
  return mix(mix(seed) + (step % 2 ** 32));
}

/**
 * The key of a matrix in a step, from which its row and column words follow.
 *
 * @param of the matrix and the step
 */
export function noiseKey({ seed, step, unit, matrix }: NoiseOf): number {
  return mix(mix(stepWord(seed, step) + unit) + matrix);
}

/**
 * The word of a row.
 *
 * @param key see {@linkcode noiseKey}
 * @param row the row
 */
export function rowWord(key: number, row: number): number {
  return mix(key + row);
}

/**
 * The word of a column.
 *
 * @param key see {@linkcode noiseKey}
 * @param column the column
 */
export function columnWord(key: number, column: number): number {
  return mix((key ^ 0x9e3779b9) + column);
}

/**
 * The noise of one weight.
 *
 * @param of the matrix and the step
 * @param row its row
 * @param column its column
 * @returns 32 bits
 */
export function noise(of: NoiseOf, row: number, column: number): number {
  const key = noiseKey(of);
  return (rowWord(key, row) ^ columnWord(key, column)) >>> 0;
}
