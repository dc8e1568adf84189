/**
 * The noise of stochastic rounding (`model/noise.ts`) in WGSL.
 *
 * @module
 */

/** `noise_key`, `row_word` and `column_word`. */
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
