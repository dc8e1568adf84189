/**
 * Small symmetric systems of a unit.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";

/**
 * Solves (A + ridge 1) x = b by Cholesky's decomposition, in f64.
 *
 * @param moments A, positive semidefinite: its lower triangle, packed row by row
 * @param ridge above 0
 * @param products b
 * @returns x
 */
export function solveRidge(
  moments: Tensor,
  ridge: number,
  products: ArrayLike<number>,
): Float64Array {
  const n = products.length;
  const L = Float64Array.from(moments);
  const row = (i: number) => i * (i + 1) / 2;
  for (let i = 0; i < n; i++) {
    L[row(i) + i]! += ridge;
    for (let j = 0; j <= i; j++) {
      let sum = L[row(i) + j]!;
      for (let k = 0; k < j; k++) sum -= L[row(i) + k]! * L[row(j) + k]!;
      L[row(i) + j] = i === j ? Math.sqrt(sum) : sum / L[row(j) + j]!;
    }
  }
  const x = Float64Array.from(products);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= L[row(i) + k]! * x[k]!;
    x[i]! /= L[row(i) + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= L[row(k) + i]! * x[k]!;
    x[i]! /= L[row(i) + i]!;
  }
  return x;
}
