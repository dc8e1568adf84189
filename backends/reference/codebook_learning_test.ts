/** How weights of a codebook learn. */
import { nextAbove } from "../../model/codebook.ts";
import { noise } from "../../model/noise.ts";
import type { CodebookFormat } from "../../model/weight_format.ts";
import { assert, assertAlmostEquals, assertEquals } from "../../std_assert.ts";
import { mostMoving, openCodebook } from "./codebook_learning.ts";
import { update } from "./passes.ts";

const UNIT = 5;
/** A step at which the centroids of the unit stay, and one at which they move. */
const [STAYS, MOVES] = [4, 3];

interface Learned {
  readonly weights: number[];
  readonly centroids: number[];
}

/** Learns rate * d x' in a codebook. */
function learn(
  { weights, centroids, d, x, step = STAYS, format = "codebook4", rate = 1, mu = 0, mask }: {
    weights: number[];
    centroids: number[];
    d: number[];
    x: number[];
    step?: number;
    format?: CodebookFormat;
    rate?: number;
    mu?: number;
    mask?: number[];
  },
): Learned {
  const values = Float32Array.from(weights);
  const kept = mask === undefined ? undefined : Uint8Array.from(mask);
  const codebook = openCodebook(values, Float32Array.from(centroids), kept);
  const clock = { seed: 7, step };
  const rounding = { format, clock, unit: UNIT, matrix: 0, codebook } as const;
  const matrix = { weights: values, rounding, ...(kept === undefined ? {} : { mask: kept }) };
  update(matrix, rate, mu, Float32Array.from(d), Float32Array.from(x));
  return { weights: [...values], centroids: [...codebook.centroids] };
}

/** One loud column among 63 quiet ones: its term is 8 times the root mean square of all. */
const LOUD = Array.from({ length: 64 }, (_, j) => j === 9 ? 1 : 0);
const BOOK = [-1, -0.5, 0, 0.5];
const loudOf = ({ weights }: Learned) => weights[9];

Deno.test("a term that is large beside the others moves its weight to the next centroid", () => {
  const base = { weights: new Array(64).fill(0), centroids: BOOK, x: LOUD };
  assertEquals(loudOf(learn({ ...base, d: [1] })), 0.5);
  assertEquals(loudOf(learn({ ...base, d: [-1] })), -0.5);
  // Never by more than one, nor beyond the last.
  assertEquals(loudOf(learn({ ...base, d: [-1000] })), -0.5);
  assertEquals(loudOf(learn({ ...base, weights: new Array(64).fill(0.5), d: [1] })), 0.5);
  assertEquals(learn({ ...base, d: [1] }).weights.filter((weight) => weight !== 0).length, 1);
});

Deno.test("mostMoving(): no more weights move in a step, and almost as many may", () => {
  const columns = 256;
  for (const format of ["codebook4", "codebook2"] as const) {
    const counts = Array.from({ length: 32 }, (_, loud) => {
      const x = Array.from({ length: columns }, (_, j) => j < loud ? 1 : 0);
      const weights = new Array(columns).fill(0);
      const learned = learn({ weights, centroids: BOOK, d: [1], x, format }).weights;
      return learned.filter((weight) => weight !== 0).length;
    });
    assertEquals(Math.max(...counts), mostMoving(format) * columns - 1, format);
  }
});

Deno.test("terms that are alike move nothing, however large", () => {
  const base = { weights: new Array(64).fill(0), centroids: BOOK, d: [100] };
  assertEquals(learn({ ...base, x: new Array(64).fill(1) }).weights, base.weights);
  // 8 of 64 are 2.8 times the root mean square, 2 of 64 are 5.7 times.
  const some = (count: number) => LOUD.map((_, j) => j < count ? 1 : 0);
  assertEquals(learn({ ...base, x: some(8) }).weights, base.weights);
  assertEquals(learn({ ...base, x: some(2) }).weights.filter((w) => w === 0.5).length, 2);
  // Two bits want more: here 5.7 is not enough, and 8 is not above 8.
  assertEquals(learn({ ...base, x: some(2), format: "codebook2" }).weights, base.weights);
});

Deno.test("the noise of its place says whether a small step is taken", () => {
  let taken = 0;
  for (let step = 0; step < 400; step += 4) {
    const word = noise({ seed: 7, step, unit: UNIT, matrix: 0 }, 0, 9);
    const centroids = [0, 1];
    // 32 times the term is 0.3 of the distance.
    const d = [0.3 / 32];
    const moved = loudOf(learn({ weights: new Array(64).fill(0), centroids, d, x: LOUD, step }));
    const want = 0.3 > (word >>> 8) / 2 ** 24 ? 1 : 0;
    assertEquals(moved, want, `step ${step}`);
    taken += want;
  }
  assert(taken > 15 && taken < 45, `${taken}`);
});

Deno.test("momentum is not kept: a term counts as often as it would with it", () => {
  const base = { weights: new Array(64).fill(0), centroids: [0, 1], x: LOUD, mu: 0.5 };
  let differ = 0;
  for (let step = 0; step < 400; step += 4) {
    const slow = learn({ ...base, d: [0.1 / 32], step });
    assertEquals(slow, learn({ ...base, mu: 0, rate: 2, d: [0.1 / 32], step }));
    differ += loudOf(slow) === loudOf(learn({ ...base, mu: 0, d: [0.1 / 32], step })) ? 0 : 1;
  }
  assert(differ > 0);
});

Deno.test("at one step in four a centroid moves by the mean of its members' terms", () => {
  const base = { weights: [0, 0, 0.5, -1], centroids: BOOK, d: [0.01], x: [1, 2, 3, 4] };
  const moves = [...Array(12).keys()].filter((step) =>
    learn({ ...base, step }).centroids[0] !== -1
  );
  assertEquals(moves, [3, 7, 11]);
  const { weights, centroids } = learn({ ...base, step: MOVES });
  for (const [k, want] of [-1 + 0.04, -0.5, 0.015, 0.5 + 0.03].entries()) {
    assertAlmostEquals(centroids[k]!, want, 1e-7);
  }
  assertEquals(weights, [2, 2, 3, 0].map((k) => centroids[k]));
});

Deno.test("members are those before the moves, and weights follow their centroids", () => {
  const { weights, centroids } = learn({
    weights: new Array(64).fill(0),
    centroids: BOOK,
    d: [0.64],
    x: LOUD,
    step: MOVES,
  });
  assertAlmostEquals(centroids[2]!, 0.01, 1e-7);
  assertEquals(centroids[3], 0.5);
  assertEquals([weights[9], weights[0]], [0.5, centroids[2]]);
});

Deno.test("centroids stay in order", () => {
  const { centroids } = learn({
    weights: [0, 0.5, 1, 1],
    centroids: [0, 0.5, 1, 2],
    d: [1],
    x: [0.75, -0.5, 0, 0],
    step: MOVES,
  });
  assertEquals(centroids, [0.75, nextAbove(0.75), 1, 2]);
});

Deno.test("terms that are no numbers teach nothing", () => {
  const weights = [0, 0, 0.5, -1];
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const step of [STAYS, MOVES]) {
      const x = [bad, 1, 1, 1];
      const got = learn({ weights, centroids: BOOK, d: [0], x, step });
      assertEquals(got, { weights, centroids: BOOK }, `${bad}`);
    }
  }
});

Deno.test("what is pruned is not read, and counts for no mean", () => {
  const weights = [0, NaN, 0.5, NaN];
  const mask = [1, 0, 1, 0];
  const got = learn({ weights, centroids: BOOK, d: [0.01], x: [1, 50, 2, 9], mask, step: MOVES });
  assertEquals(got.centroids, [-1, -0.5, Math.fround(0.01), Math.fround(0.52)]);
  assertEquals(got.weights, [got.centroids[2], NaN, got.centroids[3], NaN]);
});
