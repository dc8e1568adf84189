/** Masters of codebooks, and centroids that follow them. */
import { assert, assertEquals } from "../std_assert.ts";
import fc from "fast-check";
import { makeCodebook, nearestCentroid } from "./codebook.ts";
import { followMasters, gridFault, gridOf, masterOf, snap } from "./codebook_grid.ts";

const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e4, max: 1e4 });

/** Centroids of f32. */
const numbersOf = ({ centroids, scale }: ReturnType<typeof snap>) =>
  Float32Array.from(centroids, (C) => C * scale);

/** A matrix whose weights are some numbers of steps. */
function matrix(centroids: readonly number[], steps: readonly number[], scale = 2 ** -10) {
  const grid = { centroids: Int32Array.from(centroids), scale };
  const places = Uint8Array.from(steps, (q) => nearestCentroid(centroids, q));
  return { grid, steps: Int32Array.from(steps), places };
}

const never = () => 0;

Deno.test("every codebook has a grid, and is on it", () =>
  fc.assert(
    fc.property(fc.array(finite, { maxLength: 60 }), fc.constantFrom(16, 4), (weights, size) => {
      const centroids = makeCodebook(Float32Array.from(weights), size);
      const grid = snap(centroids);
      assertEquals(gridFault(numbersOf(grid), grid.scale), undefined);
      assertEquals(gridOf(numbersOf(grid), grid.scale), grid);
      const widest = Math.max(...centroids.slice(1).map((c, k) => c - centroids[k]!));
      const largest = Math.max(...centroids.map(Math.abs));
      // Not finer than it must be, but for rounding and for what had to be kept apart.
      assert(grid.scale <= Math.max(2 ** -20, widest / 120, largest / 15000), `${grid.scale}`);
    }),
  ));

Deno.test("centroids that are nearer than a step stay apart", () => {
  const grid = snap([0, 2 ** -30, 1, 1 + 2 ** -20]);
  assertEquals(grid, { centroids: Int32Array.of(0, 1, 128, 129), scale: 2 ** -7 });
});

Deno.test("masterOf() is the nearest step within the codebook's reach", () => {
  const grid = { centroids: Int32Array.of(-10, 0, 5, 20), scale: 1 };
  const cases = [[3.4, 3], [-9.6, -10], [147, 147], [148, 147], [1e9, 147], [-138, -138]];
  for (const [steps, want] of [...cases, [-139, -138], [-0.2, 0]]) {
    assert(Object.is(masterOf(grid, steps!), want), `${steps}`);
  }
});

Deno.test("gridFault() says what is wrong", () => {
  const good = [-2, -1, 0, 1];
  assertEquals(gridFault(good, 2 ** -3), undefined);
  const cases: [number[], number, string][] = [
    [[0, 1, NaN, 2], 1, "is not finite and ascending (0, 1, NaN, 2)"],
    [[0, 1, 1, 2], 1, "is not finite and ascending (0, 1, 1, 2)"],
    [good, 0.3, "has a step of 0.3, which is no power of two"],
    [good, 0, "has a step of 0, which is no power of two"],
    [good, NaN, "has a step of NaN, which is no power of two"],
    [good, 2 ** -21, `has a step of ${2 ** -21}, which is no power of two`],
    [[0, 0.5, 1, 2], 1, "is not on a grid of 1 (0, 0.5, 1, 2)"],
    [[0, 1, 2, 256], 1, "is not on a grid of 1 (0, 1, 2, 256)"],
    [[32000, 32001, 32002, 32003], 1, "is not on a grid of 1 (32000, 32001, 32002, 32003)"],
  ];
  for (const [centroids, scale, says] of cases) {
    assertEquals(gridFault(centroids, scale), says);
  }
});

Deno.test("a centroid goes to the mean of its members, halves upwards", () => {
  const masters = matrix([-150, 0, 40, 160], [-151, -152, 0, 1, 2, 39, 160]);
  const { centroids, scale } = followMasters(masters, never);
  // -151.5, 1, 39, 160.
  assertEquals([...centroids], [-151, 1, 39, 160]);
  assertEquals(scale, 2 ** -10);
  assertEquals([...masters.steps], [-151, -152, 0, 1, 2, 39, 160]);
});

Deno.test("a centroid without members comes halfway to its neighbour, towards most members", () => {
  const masters = matrix([-200, 0, 100, 220], [0, 0, 1]);
  assertEquals([...followMasters(masters, never).centroids], [-100, 0, 50, 160]);
  // They end beside each other, in order.
  let grid = masters.grid;
  for (let i = 0; i < 40; i++) {
    const places = Uint8Array.from(masters.steps, (q) => nearestCentroid(grid.centroids, q));
    grid = followMasters({ grid, steps: masters.steps, places }, never);
    assertEquals(gridFault(numbersOf(grid), grid.scale), undefined);
  }
  assertEquals(new Set(masters.steps).size, 2, "what differs stays apart");
});

Deno.test("the step doubles where gaps are too wide, and masters are rounded by their noise", () => {
  const steps = [-160, 0, 1, 120, 121, 380];
  const masters = matrix([-120, 0, 120, 330], steps);
  const { centroids, scale } = followMasters(masters, (at) => at % 2);
  // -160, 1 (0.5), 121 (120.5) and 380: 380 - 121 is above 253.
  assertEquals(scale, 2 ** -9);
  assertEquals([...centroids], [-80, 1, 61, 190]);
  assertEquals([...masters.steps], [-80, 0, 0, 60, 60, 190]);
});

Deno.test("the step is halved while no gap is wide, and nothing is lost by it", () => {
  const steps = [-10, 0, 3, 24, 30];
  const masters = matrix([-10, 0, 9, 27], steps);
  const { centroids, scale } = followMasters(masters, never);
  assertEquals(scale, 2 ** -13);
  assertEquals([...centroids], [-80, 16, 32, 216]);
  assertEquals([...masters.steps], steps.map((q) => 8 * q));
  const least = followMasters(matrix([-10, 0, 9, 27], steps, 2 ** -20), never);
  assertEquals(least.scale, 2 ** -20);
});

Deno.test("what is pruned has no part", () => {
  const masters = matrix([-100, 0, 100, 200], [-101, 0, 250, 101, 200]);
  const grid = followMasters({ ...masters, mask: Uint8Array.of(1, 1, 0, 1, 1) }, never);
  assertEquals([...grid.centroids], [-101, 0, 101, 200]);
  assertEquals(masters.steps[2], 250);
});
