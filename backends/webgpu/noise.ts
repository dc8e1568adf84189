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
 * The noise of one weight.
 *
 * @param of the matrix and the step
 * @param row its row
 * @param column its column
 * @returns 32 bits
 */
export function noise({ seed, step, unit, matrix }: NoiseOf, row: number, column: number): number {
  const key = mix(mix(mix(mix(seed) + (step % 2 ** 32)) + unit) + matrix);
  return (mix(key + row) ^ mix((key ^ 0x9e3779b9) + column)) >>> 0;
}

/** The same in WGSL: `noise_key`, `row_word` and `column_word`. */
export const NOISE_WGSL = /* wgsl */ `
fn mix32(word: u32) -> u32 {
  var x = word;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

fn noise_key(seed: u32, step: u32, unit: u32, matrix: u32) -> u32 {
  return mix32(mix32(mix32(mix32(seed) + step) + unit) + matrix);
}

fn row_word(key: u32, row: u32) -> u32 {
  return mix32(key + row);
}

fn column_word(key: u32, column: u32) -> u32 {
  return mix32((key ^ 0x9e3779b9u) + column);
}
`;
