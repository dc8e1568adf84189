/**
 * The motion candidate: the frame moved on by block matching (learning-rule, "Motion candidate"). Computed, not learned; the
 * definition, which the kernels are checked against.
 *
 * @module
 */
import type { Tensor } from "../model/checkpoint.ts";
import type { Size } from "../sources/source.ts";

/** Matching looks at 5 x 5 pixels. */
const REACH = 2;
/** What two equal blocks may differ by, for noise. */
const NOISE = 0.0075;
/** Matching costs below this mean that nothing moved. */
const STILL = 0.001;

/**
 * M(u) = c_0 / (c_0 + still) * (sum q_d I_t(u - d) / sum q_d - I_t(u)): what each pixel would change by if the motion between the
 * last two frames went on.
 *
 * @param frame I_t: height x width x 3 values in [0, 1]
 * @param last I_t-1
 * @param size of both
 * @param radius of the search, in pixels
 * @param into M, shaped like the frame
 */
export function motionCandidate(
  frame: Tensor,
  last: Tensor,
  size: Size,
  radius: number,
  into: Tensor,
): void {
  const { width, height } = size;
  const clamp = (at: number, end: number) => Math.min(Math.max(at, 0), end - 1);
  const at = (row: number, column: number) =>
    (clamp(row, height) * width + clamp(column, width)) * 3;
  const shifts: [number, number][] = [];
  for (let dr = -radius; dr <= radius; dr++) {
    for (let dc = -radius; dc <= radius; dc++) shifts.push([dr, dc]);
  }
  const still = shifts.findIndex(([dr, dc]) => dr === 0 && dc === 0);

  /** c_d: squared differences over the block; every coordinate is clamped on its own. */
  const cost = (row: number, column: number, dr: number, dc: number) => {
    let sum = 0;
    for (let r = row - REACH; r <= row + REACH; r++) {
      for (let c = column - REACH; c <= column + REACH; c++) {
        const now = at(r, c);
        const before = at(r - dr, c - dc);
        for (let k = 0; k < 3; k++) sum += (frame[now + k]! - last[before + k]!) ** 2;
      }
    }
    return sum;
  };

  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const costs = shifts.map(([dr, dc]) => cost(row, column, dr, dc));
      const best = Math.min(...costs);
      const moved = [0, 0, 0];
      let total = 0;
      for (const [i, [dr, dc]] of shifts.entries()) {
        const q = (1 + (costs[i]! - best) / (2 * (best + NOISE))) ** -4;
        total += q;
        const from = at(row - dr, column - dc);
        for (let k = 0; k < 3; k++) moved[k]! += q * frame[from + k]!;
      }
      const gate = costs[still]! / (costs[still]! + STILL);
      const here = at(row, column);
      for (let k = 0; k < 3; k++) {
        into[here + k] = gate * (moved[k]! / total - frame[here + k]!);
      }
    }
  }
}
