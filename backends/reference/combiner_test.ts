import { assert } from "../../std_assert.ts";
import { combine } from "./combiner.ts";

const CONSTANTS = { forget: 0.9, ridge: 1 };
const make = (candidates: number) => ({
  moments: new Float64Array(candidates * (candidates + 1) / 2),
  products: new Float64Array(candidates),
  weights: new Float64Array(candidates),
});

Deno.test("combine() finds the weights that a change was made with", () => {
  const truth = [0.3, -0.8, 1.2, 0.5];
  for (const candidates of [2, 3, 4]) {
    const combiner = make(candidates);
    for (let t = 0; t < 400; t++) {
      const F = truth.slice(0, candidates).map((_, a) => (i: number) =>
        Math.sin((a + 1) * 1.7 * (t * 10 + i) + a)
      );
      const D = (i: number) => F.reduce((sum, f, a) => sum + truth[a]! * f(i), 0);
      combine(combiner, F, D, 10, truth.map(() => 0), CONSTANTS);
    }
    for (const [a, w] of combiner.weights.entries()) {
      assert(Math.abs(w - truth[a]!) < 0.06, `${candidates} candidates, ${a}: ${w}`);
    }
  }
});

Deno.test("combine() with a third candidate that is 0 is combine() with two", () => {
  const [two, three] = [make(2), make(3)];
  for (let t = 0; t < 20; t++) {
    const F = [(i: number) => Math.sin(t + i), (i: number) => Math.cos(2 * t - i)];
    const D = (i: number) => Math.sin(3 * t + 2 * i);
    combine(two, F, D, 5, [0, 0.7], CONSTANTS);
    combine(three, [...F, () => 0], D, 5, [0, 0.7, 0.4], CONSTANTS);
    assert(Math.abs(three.weights[0]! - two.weights[0]!) < 1e-12);
    assert(Math.abs(three.weights[1]! - two.weights[1]!) < 1e-12);
    assert(Math.abs(three.weights[2]! - 0.4) < 1e-12, "nothing speaks against its prior");
  }
});
