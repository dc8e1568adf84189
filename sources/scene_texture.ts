/**
 * Textures of the built-in scene: value noise that repeats without a seam, from a seed.
 *
 * @module
 */

/** A square picture of one or more channels that repeats in both directions; values from 0 to 1. */
export interface Texture {
  /** Pixels along a side: a power of two. */
  readonly side: number;
  /** Channels of a pixel. */
  readonly channels: number;
  /** Rows, columns, channels. */
  readonly values: Float32Array;
}

/**
 * A number from 0 to 1 (without 1) that whole numbers determine.
 *
 * @param seed the seed of the scene
 * @param keys what the number is for
 * @returns the number; other keys give one that has nothing to do with it
 */
export function hash(seed: number, ...keys: number[]): number {
  let state = 0x9e3779b9;
  // The seed goes in like a key: merely added, seed 1 and key 2 would be seed 2 and key 1.
  for (const key of [seed, ...keys]) {
    state = Math.imul(state ^ key, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return (state >>> 0) / 2 ** 32;
}

/**
 * Value noise: the sum of octaves, each of half the grain and half the height of the one before.
 *
 * @param seed what determines it
 * @param side pixels along a side, a power of two
 * @param cells cells along a side of the coarsest octave
 * @param octaves how many there are; the finest has cells of side / cells / 2^(octaves - 1) pixels
 * @returns one channel
 */
export function noiseTexture(seed: number, side: number, cells: number, octaves: number): Texture {
  const values = new Float32Array(side * side);
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    const height = 0.5 ** octave;
    total += height;
    addOctave(
      values,
      side,
      Math.min(cells * 2 ** octave, side),
      hash(seed, octave) * 2 ** 32,
      height,
    );
  }
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / total;
  return { side, channels: 1, values };
}

/**
 * Colours a noise: dark to light along its height, warm to cold along another noise.
 *
 * @param height a noise
 * @param warmth another of the same side
 * @returns three channels
 */
export function groundTexture(height: Texture, warmth: Texture): Texture {
  const values = new Float32Array(height.values.length * 3);
  for (let i = 0; i < height.values.length; i++) {
    const light = 0.18 + 0.7 * contrast(height.values[i]!);
    const warm = contrast(warmth.values[i]!);
    values[i * 3] = light * (0.55 + 0.5 * warm);
    values[i * 3 + 1] = light * (0.85 - 0.1 * warm);
    values[i * 3 + 2] = light * (0.95 - 0.55 * warm);
  }
  return { side: height.side, channels: 3, values };
}

/** Sums of noise crowd around the middle; this spreads them again. */
function contrast(value: number): number {
  const t = Math.min(Math.max((value - 0.5) * 1.9 + 0.5, 0), 1);
  return t * t * (3 - 2 * t);
}

function addOctave(
  values: Float32Array,
  side: number,
  cells: number,
  seed: number,
  height: number,
): void {
  const corners = Float32Array.from({ length: cells * cells }, (_, i) => hash(seed, i));
  const step = cells / side;
  for (let y = 0; y < side; y++) {
    const top = Math.floor(y * step), bottom = (top + 1) % cells;
    const down = ease(y * step - top);
    for (let x = 0; x < side; x++) {
      const left = Math.floor(x * step), right = (left + 1) % cells;
      const across = ease(x * step - left);
      const above = mix(corners[top * cells + left]!, corners[top * cells + right]!, across);
      const below = mix(corners[bottom * cells + left]!, corners[bottom * cells + right]!, across);
      values[y * side + x]! += height * mix(above, below, down);
    }
  }
}

/** From 0 to 1 with no slope at either end. */
export function ease(t: number): number {
  return t * t * (3 - 2 * t);
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
