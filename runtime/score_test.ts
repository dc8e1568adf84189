import { assertAlmostEquals, assertEquals } from "../std_assert.ts";
import { FrameScore, ScoreSum } from "./score.ts";

Deno.test("skill is 1 - mse / copy-last, without the first two frames", () => {
  const sum = new ScoreSum(2);
  sum.add(0, Float64Array.of(9, 9), 0, NaN, NaN);
  sum.add(1, Float64Array.of(9, 9), 0, 9, NaN);
  sum.add(2, Float64Array.of(1, 3), 0, 4, 2);
  sum.add(3, Float64Array.of(3, 5), 0, 4, 2);
  assertEquals(sum.means(), {
    mse: [2, 4],
    copyLastMse: 4,
    skill: 0.5,
    motionSkill: 0.5,
    movingSkill: 0.5,
  });
});

Deno.test("the first two frames have errors and no skill", () => {
  const sum = new ScoreSum(1);
  assertEquals(sum.means().mse, [null]);
  sum.add(0, Float64Array.of(2), 0, NaN, NaN);
  const { mse, copyLastMse, skill } = sum.means();
  assertEquals([mse[0], copyLastMse, skill], [2, null, null]);
});

Deno.test("skill is unknown where nothing moved", () => {
  const sum = new ScoreSum(1);
  sum.add(5, Float64Array.of(0.1), 0, 0, 0);
  const { skill, movingSkill, copyLastMse } = sum.means();
  assertEquals([skill, movingSkill, copyLastMse], [null, null, 0]);
});

Deno.test("movingSkill counts the frames that move", () => {
  const sum = new ScoreSum(1);
  sum.add(5, Float64Array.of(0.5), 0, 1, NaN);
  sum.add(6, Float64Array.of(5e-5), 0, 5e-5, NaN);
  assertEquals(sum.means().movingSkill, 0.5);
  assertEquals(sum.means().motionSkill, null);
});

Deno.test("a backend that knows no error leaves it unknown", () => {
  const sum = new ScoreSum(1);
  sum.add(5, Float64Array.of(NaN), 0, 1, 1);
  assertEquals([sum.means().mse[0], sum.means().skill], [null, null]);
});

Deno.test("FrameScore measures copying, and moving on by 0.7 of the candidate", () => {
  const score = new FrameScore(2);
  score.score(Uint8Array.of(0, 255));
  assertEquals(score.copy, NaN);
  score.expect(Float32Array.of(1, 1));
  score.score(Uint8Array.of(51, 255));
  assertAlmostEquals(score.copy, 0.2 ** 2 / 2, 1e-12);
  // 0 + 0.7 for 0.2; 1 + 0.7 is clipped to 1.
  assertAlmostEquals(score.motion, 0.5 ** 2 / 2, 1e-6);
});

Deno.test("FrameScore goes on from a frame that was saved as values", () => {
  const score = new FrameScore(1, Float32Array.of(100 / 255));
  score.score(Uint8Array.of(151));
  assertAlmostEquals(score.copy, 0.2 ** 2, 1e-12);
});
