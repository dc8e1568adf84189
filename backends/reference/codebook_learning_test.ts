/** How weights of a codebook learn. */
import { addChange, changeOf } from "../../model/fixed_point.ts";
import { noise } from "../../model/noise.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { openCodebook } from "./codebook_learning.ts";
import { product, transposed, update } from "./passes.ts";

const UNIT = 5;
/** A step at which the centroids of the unit stay, and one at which they follow. */
const [STAYS, FOLLOWS] = [4, 59];
const SCALE = 2 ** -6;
/** Gaps of 64 steps: cells of one unit. */
const BOOK = [-1, 0, 1, 2];

/** A matrix of one row in a codebook, that learns rate * d x'. */
function matrixOf(weights: readonly number[], mask?: readonly number[], step = STAYS) {
  const values = Float32Array.from(weights);
  const kept = mask === undefined ? undefined : Uint8Array.from(mask);
  const scale = Float32Array.of(SCALE);
  const codebook = openCodebook(values, Float32Array.from(BOOK), scale, kept);
  const clock = { seed: 7, step };
  const rounding = { format: "codebook2", clock, unit: UNIT, matrix: 0, codebook, scale } as const;
  return {
    weights: values,
    visible: codebook.visible,
    rounding,
    ...(kept === undefined ? {} : { mask: kept }),
  };
}

function learn(
  given: { weights: readonly number[]; mask?: readonly number[]; step?: number; mu?: number },
  d: number,
  x: readonly number[],
  rate = 1,
) {
  const matrix = matrixOf(given.weights, given.mask, given.step);
  update(matrix, rate, given.mu ?? 0, Float32Array.of(d), Float32Array.from(x));
  const { weights, visible, rounding: { codebook } } = matrix;
  return {
    weights: [...weights],
    visible: [...visible],
    centroids: [...codebook.centroids],
    scale: codebook.scale[0],
  };
}

Deno.test("products read the nearest centroid, whatever the master has beside it", () => {
  const matrix = matrixOf([0.5, 0.5 + SCALE, -1 - 2 * SCALE, 2 + 100 * SCALE]);
  assertEquals([...matrix.visible], [0, 1, -1, 2]);
  const out = new Float32Array(1);
  product(matrix, Float32Array.of(1, 10, 100, 1000), out);
  assertEquals(out[0], 1910);
  const decoder = matrixOf([0.5, 0.5 + SCALE]);
  const dh = new Float32Array(1);
  transposed(decoder, Float32Array.of(3), dh);
  assertEquals(dh[0], 0);
});

Deno.test("a master learns as fixed point does, in steps of the matrix", () => {
  const weights = [0, -1, 1 + 7 * SCALE, 2];
  const x = [0.003, -0.02, 0.4, 0.011];
  for (let step = STAYS; step < STAYS + 20; step++) {
    const want = weights.map((weight, j) => {
      const change = changeOf(Math.fround(Math.fround(x[j]!) * 1), SCALE);
      const word = noise({ seed: 7, step, unit: UNIT, matrix: 0 }, 0, j);
      return addChange(weight / SCALE, change, word) * SCALE;
    });
    assertEquals(learn({ weights, step }, 1, x).weights, want, `step ${step}`);
  }
});

Deno.test("a weight is at another centroid once that is nearer", () => {
  // Whole steps are not rounded.
  const moved = (by: number) => learn({ weights: [0] }, 1, [by * SCALE]).visible[0];
  assertEquals([32, 33, -31, -32, 64, 128].map(moved), [0, 1, 0, -1, 1, 2]);
});

Deno.test("masters end 127 steps above the last centroid, 128 below the first", () => {
  const { weights, visible } = learn({ weights: [0, 0, 0] }, 1, [9, -9, NaN]);
  assertEquals(weights, [2 + 127 * SCALE, -1 - 128 * SCALE, 2 + 127 * SCALE]);
  assertEquals(visible, [2, -1, 2]);
});

Deno.test("momentum is not kept: a term counts as often as it would with it", () => {
  const weights = [0, 1];
  const x = [0.2, -0.1];
  const once = learn({ weights }, 1, x, 0.5);
  assertEquals(learn({ weights, mu: 0.5 }, 1, x, 0.25), once);
  assert(once.weights[0] !== 0);
});

Deno.test("at one step in 64 centroids follow their weights, and are read from then on", () => {
  const weights = [10 * SCALE, 20 * SCALE, 1 + 20 * SCALE, -1];
  const steps = [...Array(130).keys()].filter((step) =>
    learn({ weights, step }, 0, [0, 0, 0, 0]).centroids[1] !== 0
  );
  assertEquals(steps, [FOLLOWS, FOLLOWS + 64]);
  const after = learn({ weights, step: FOLLOWS }, 0, [0, 0, 0, 0]);
  // No weight is at 2: it comes halfway to the neighbour it has towards 0, where most are.
  assertEquals(after.centroids, [-1, 15 * SCALE, 1 + 20 * SCALE, 1.5]);
  assertEquals(after.visible, [15 * SCALE, 15 * SCALE, 1 + 20 * SCALE, -1]);
  // No gap is wider than 100 steps now, so the step is halved.
  assertEquals([after.weights, after.scale], [weights, SCALE / 2]);
});

Deno.test("what is pruned is not read, and counts for no mean", () => {
  const weights = [10 * SCALE, NaN, 1, NaN];
  const mask = [1, 0, 1, 0];
  const got = learn({ weights, mask, step: FOLLOWS }, 1, [0, 50, 0, 9]);
  assertEquals(got.centroids[1], 10 * SCALE);
  assertEquals(got.weights, [10 * SCALE, NaN, 1, NaN]);
});
