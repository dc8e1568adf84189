import { assert, assertEquals } from "../std_assert.ts";
import { goldenFrame } from "../tests/golden.ts";
import { motionCandidate } from "./motion.ts";
import { MotionKernel } from "./motion_kernel.ts";

for (const [width, height, radius] of [[12, 12, 2], [60, 60, 3], [13, 7, 1], [5, 5, 5]] as const) {
  Deno.test(`the motion kernel agrees with the definition: ${width} x ${height}, radius ${radius}`, async () => {
    const size = { width, height };
    const length = width * height * 3;
    const kernel = await MotionKernel.create(size, radius);
    const side = Math.max(width, height);
    const frames = [0, 1, 2, 3].map((n) => goldenFrame(n, side).subarray(0, length));
    const values = frames.map((frame) => Float32Array.from(frame, (byte) => byte / 255));
    const want = new Float32Array(length);
    for (const [n, frame] of frames.entries()) {
      kernel.next(frame);
      if (n > 0) motionCandidate(values[n]!, values[n - 1]!, size, radius, want);
      for (let i = 0; i < length; i++) {
        const off = Math.abs(kernel.candidate[i]! - want[i]!);
        assert(off <= 1e-5, `frame ${n}, value ${i}: ${kernel.candidate[i]} for ${want[i]}`);
      }
    }
  });
}

Deno.test("a texture that moves by one pixel is moved on by one", () => {
  const size = { width: 20, height: 20 };
  const texture = (row: number, column: number) =>
    0.5 + 0.4 * Math.sin(row * 1.3 + 0.7 * Math.sin(column)) * Math.cos(column * 0.9);
  const picture = (shift: number) =>
    Float64Array.from(
      { length: 1200 },
      (_, i) => texture(Math.floor(i / 60), Math.floor(i / 3) % 20 - shift),
    );
  const M = new Float64Array(1200);
  motionCandidate(picture(1), picture(0), size, 2, M);
  let [with_, without] = [0, 0];
  const [now, next] = [picture(1), picture(2)];
  for (let row = 4; row < 16; row++) {
    for (let i = (row * 20 + 4) * 3; i < (row * 20 + 16) * 3; i++) {
      with_ += (next[i]! - now[i]! - M[i]!) ** 2;
      without += (next[i]! - now[i]!) ** 2;
    }
  }
  assert(with_ < 0.2 * without, `${with_} of ${without}`);
});

Deno.test("a motion kernel goes on from a given frame", async () => {
  const size = { width: 12, height: 12 };
  const [whole, resumed] = [
    await MotionKernel.create(size, 2),
    await MotionKernel.create(size, 2, Float32Array.from(goldenFrame(0, 12), (b) => b / 255)),
  ];
  for (const n of [0, 1]) whole.next(goldenFrame(n, 12));
  resumed.next(goldenFrame(1, 12));
  assertEquals(resumed.candidate, whole.candidate);
});
