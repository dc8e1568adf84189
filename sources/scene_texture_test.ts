import { assert, assertEquals } from "../std_assert.ts";
import { groundTexture, hash, noiseTexture } from "./scene_texture.ts";

Deno.test("hash() spreads evenly from 0 to 1", () => {
  const bins = new Array(10).fill(0);
  for (let i = 0; i < 10000; i++) bins[Math.floor(hash(1, i) * 10)]++;
  assert(bins.every((count) => count > 850 && count < 1150), `${bins}`);
});

Deno.test("hash() does not mistake a seed for a key", () => {
  assert(hash(0, 5) !== hash(5, 0) && hash(1, 2, 3) !== hash(2, 1, 3));
});

Deno.test("noiseTexture() has no seam", () => {
  const { values, side } = noiseTexture(1, 64, 4, 3);
  let across = 0, inside = 0;
  for (let y = 0; y < side; y++) {
    across += Math.abs(values[y * side]! - values[y * side + side - 1]!);
    inside += Math.abs(values[y * side + 32]! - values[y * side + 31]!);
  }
  assert(across < 2 * inside, `${across} over the seam, ${inside} elsewhere`);
});

Deno.test("noiseTexture() stays from 0 to 1 and uses most of it", () => {
  const { values } = noiseTexture(2, 128, 8, 4);
  const least = values.reduce((a, b) => Math.min(a, b)),
    most = values.reduce((a, b) => Math.max(a, b));
  assert(least >= 0 && most <= 1 && most - least > 0.5, `${least} to ${most}`);
});

Deno.test("groundTexture() has three channels of colours", () => {
  const noise = noiseTexture(3, 64, 4, 3);
  const { channels, values } = groundTexture(noise, noiseTexture(4, 64, 4, 1));
  assertEquals([channels, values.length], [3, 3 * 64 * 64]);
  assert(values.every((value) => value >= 0 && value <= 1));
});
