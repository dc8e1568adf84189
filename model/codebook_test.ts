/** The few values that weights have. */
import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import fc from "fast-check";
import { makeCodebook, nearestCentroid } from "./codebook.ts";
import { weightSource } from "./initialise.ts";

const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });

Deno.test("a codebook is ascending, whatever the weights, and the same for any order of them", () =>
  fc.assert(
    fc.property(
      fc.array(finite, { maxLength: 60 }),
      fc.constantFrom(16, 4),
      (weights, size) => {
        const centroids = makeCodebook(Float32Array.from(weights), size);
        assertEquals(centroids.length, size);
        for (let k = 1; k < size; k++) assert(centroids[k]! >= centroids[k - 1]!, `${centroids}`);
        assertEquals(makeCodebook(Float32Array.from(weights).reverse(), size), centroids);
      },
    ),
  ));

Deno.test("weights of few values keep them, and what is to spare lies outside", () => {
  const weights = Float32Array.of(0.3, -0.1, 0.3, 0, -0);
  const centroids = makeCodebook(weights, 16);
  for (const weight of weights) assert(centroids.includes(weight), `${weight}`);
  assertEquals(makeCodebook(new Float32Array(9), 4), Float32Array.of(-0.25, 0, 0.25, 0.5));
  assertEquals(makeCodebook(new Float32Array(0), 4), Float32Array.of(-0.25, 0, 0.25, 0.5));
  assertEquals(makeCodebook(Float32Array.of(8, 2), 4), Float32Array.of(1.75, 2, 8, 8.25));
});

Deno.test("k-means rests where every centroid is the mean of the weights nearest to it", () => {
  const draw = weightSource(5);
  const weights = Float32Array.from({ length: 500 }, () => draw() + draw() + draw());
  const centroids = makeCodebook(weights, 4);
  const sums = new Float64Array(4);
  const members = new Float64Array(4);
  for (const weight of weights) {
    const distances = [...centroids].map((centroid) => Math.abs(centroid - weight));
    const k = distances.indexOf(Math.min(...distances));
    assertEquals(nearestCentroid(centroids, weight), k);
    sums[k]! += weight;
    members[k]!++;
  }
  for (const [k, centroid] of centroids.entries()) {
    // 50 rounds may end a little before it rests.
    assertAlmostEquals(sums[k]! / members[k]!, centroid, 2e-3);
    assert(members[k]! > 50);
  }
});

Deno.test("many zeros take one centroid, not all", () => {
  const draw = weightSource(6);
  const weights = Float32Array.from({ length: 4000 }, (_, i) => i < 200 ? draw() : 0);
  const centroids = makeCodebook(weights, 16);
  const used = new Set(Array.from(weights, (weight) => nearestCentroid(centroids, weight)));
  assertEquals(used.size, 16);
});

Deno.test("a million weights take a moment", () => {
  const draw = weightSource(7);
  const weights = Float32Array.from({ length: 1_000_000 }, () => draw());
  const centroids = makeCodebook(weights, 16);
  // Uniform weights: steps that are alike, but for what 50 rounds leave.
  for (let k = 1; k < 16; k++) assertAlmostEquals(centroids[k]! - centroids[k - 1]!, 1 / 16, 2e-3);
});

Deno.test("of two centroids as near, a weight goes to the lower", () => {
  assertEquals(nearestCentroid([0, 1, 2], 0.5), 0);
  assertEquals(nearestCentroid([0, 1, 2], 1.5), 1);
});
