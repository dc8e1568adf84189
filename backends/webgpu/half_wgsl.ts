/**
 * Numbers of 16 bits, and how learning rounds to them (`model/half.ts`), in WGSL.
 *
 * @module
 */
import { LARGEST_HALF } from "../../model/half.ts";

/** `to_half(value, noise)`, and four numbers at once. */
export const HALF_WGSL = /* wgsl */ `
fn to_half(value: f32, noise: u32) -> u32 {
  let bits = bitcast<u32>(value);
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  let steps = abs(value) * 16777216.0;
  let below = floor(min(steps, 1024.0));
  let small = u32(below) + select(0u, 1u, f32(noise >> 8u) * 5.9604644775390625e-8 < steps - below);
  let large = min(((size + (noise >> 19u)) >> 13u) - 114688u, ${LARGEST_HALF}u);
  let half = sign | select(large, small, size < 0x38800000u);
  return select(half, select(sign | 0x7c00u, 0x7e00u, size > 0x7f800000u), size >= 0x7f800000u);
}

fn to_halves(value: vec4f, noise: vec4u) -> vec2u {
  return vec2u(
    to_half(value.x, noise.x) | (to_half(value.y, noise.y) << 16u),
    to_half(value.z, noise.z) | (to_half(value.w, noise.w) << 16u),
  );
}

fn from_halves(halves: vec2u) -> vec4f {
  return vec4f(unpack2x16float(halves.x), unpack2x16float(halves.y));
}
`;
