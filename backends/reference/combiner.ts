/**
 * The combiner of rule saccade: how much of each candidate a unit believes, by ridge regression on what they were worth.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { solveRidge } from "./solve_ridge.ts";

/** What a step leaves of the sums, and how strongly weights are held at what they start with. */
export interface CombinerConstants {
  /** Multiplies the sums in every step. */
  readonly forget: number;
  /** Added to the squares. */
  readonly ridge: number;
}

/** The state of a combiner of N candidates. */
export interface Combiner {
  /** A: the lower triangle of N x N sums of products of candidates, packed row by row. */
  readonly moments: Tensor;
  /** B: N sums of products with the change. */
  readonly products: Tensor;
  /** w. */
  readonly weights: Tensor;
}

/**
 * A = forget A + F F', B = forget B + F D, w = (A + ridge)^-1 (B + ridge prior).
 *
 * @param combiner two candidates or more
 * @param F the candidates, each as long as D
 * @param D the change
 * @param count values in D
 * @param prior what each weight is held at
 * @param constants of the rule
 */
export function combine(
  { moments: A, products: B, weights: w }: Combiner,
  F: readonly ((i: number) => number)[],
  D: (i: number) => number,
  count: number,
  prior: readonly number[],
  { forget, ridge }: CombinerConstants,
): void {
  let at = 0;
  for (let a = 0; a < F.length; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += F[a]!(i) * F[b]!(i);
      A[at] = forget * A[at]! + sum;
      at++;
    }
    let sum = 0;
    for (let i = 0; i < count; i++) sum += F[a]!(i) * D(i);
    B[a] = forget * B[a]! + sum;
  }
  const held = F.map((_, a) => B[a]! + ridge * prior[a]!);
  if (F.length > 2) {
    w.set(solveRidge(A, ridge, held));
    return;
  }
  const [a11, a12, a22] = [A[0]! + ridge, A[1]!, A[2]! + ridge];
  const [b1, b2] = [held[0]!, held[1]!];
  const determinant = a11 * a22 - a12 * a12;
  w[0] = (b1 * a22 - a12 * b2) / determinant;
  w[1] = (a11 * b2 - a12 * b1) / determinant;
}
