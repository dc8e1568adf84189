import { assert } from "../../std_assert.ts";
import { solveRidge } from "./solve_ridge.ts";

Deno.test("solveRidge() solves what it is given, also where the moments are of lower rank", () => {
  let x = 7;
  const draw = () => (x = (x * 16807) % 2147483647) / 2147483647 - 0.5;
  for (const samples of [1, 3, 40]) {
    const n = 5;
    const rows = Array.from({ length: samples }, () => Array.from({ length: n }, draw));
    const moments: number[] = [];
    for (let a = 0; a < n; a++) {
      for (let b = 0; b <= a; b++) moments.push(rows.reduce((sum, r) => sum + r[a]! * r[b]!, 0));
    }
    const products = Array.from({ length: n }, draw);
    const ridge = 0.01;
    const solution = solveRidge(Float64Array.from(moments), ridge, products);
    for (let a = 0; a < n; a++) {
      let left = ridge * solution[a]!;
      for (let b = 0; b < n; b++) {
        const [i, j] = [Math.max(a, b), Math.min(a, b)];
        left += moments[i * (i + 1) / 2 + j]! * solution[b]!;
      }
      assert(Math.abs(left - products[a]!) < 1e-9, `${samples} samples, row ${a}: ${left}`);
    }
  }
});
