/**
 * The only three places where a step touches weights, as plain loops.
 *
 * Shapes: encoder [H, n], decoder [m, H + 1], x [n], h [H], e and z [m]. With `momentum` mu and momentum matrices M an update
 * is M = rate * outer + mu * M, W += M (pvm-spec 2); without, W += rate * outer.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { offsetsOf, type Plan, unitCount } from "../../model/plan.ts";

/** A weight matrix and, under rule 2016, its momentum. */
export interface Matrix {
  readonly weights: Tensor;
  readonly momentum?: Tensor;
}

/** The matrices of a unit. */
export interface Matrices {
  /** [H, n]. */
  readonly encoder: Matrix;
  /** [m, H + 1]. */
  readonly decoder: Matrix;
}

/** Cuts the matrices of a model into those of its units. */
export function makeMatrices(plan: Plan, tensors: Readonly<Record<string, Tensor>>): Matrices[] {
  const at = offsetsOf(plan);
  const matrix = (name: "encoder" | "decoder", u: number): Matrix => {
    const cut = (tensor: Tensor) => tensor.subarray(at[name][u], at[name][u + 1]);
    const weights = cut(tensors[name]!);
    const momentum = tensors[`${name}.momentum`];
    return momentum === undefined ? { weights } : { weights, momentum: cut(momentum) };
  };
  return Array.from(
    { length: unitCount(plan) },
    (_, u) => ({ encoder: matrix("encoder", u), decoder: matrix("decoder", u) }),
  );
}

/** The passes, for a step to be made of: ours, or those of somebody who has faster ones. */
export interface Passes {
  /** See {@linkcode transposed}. */
  readonly transposed: typeof transposed;
  /** See {@linkcode update}. */
  readonly update: typeof update;
  /** See {@linkcode product}. */
  readonly product: typeof product;
}

/** Pass 1a: what the decoder sends back, dh = W2[:, 0..H-1]' e, with the decoder as it is. */
export function transposed(decoder: Matrix, e: Tensor, dh: Tensor): void {
  const H = dh.length;
  dh.fill(0);
  for (let i = 0; i < e.length; i++) {
    for (let j = 0; j < H; j++) dh[j]! += decoder.weights[i * (H + 1) + j]! * e[i]!;
  }
}

/** Passes 1b and 2a: one rank-1 term, rows [d] times columns [x; bias]. */
export function update(
  { weights, momentum }: Matrix,
  rate: number,
  mu: number,
  d: Tensor,
  x: Tensor,
  bias?: number,
): void {
  const columns = x.length + (bias === undefined ? 0 : 1);
  for (let i = 0; i < d.length; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      const term = rate * (j < x.length ? x[j]! : bias!) * d[i]!;
      if (momentum === undefined) {
        weights[at]! += term;
      } else {
        momentum[at] = term + mu * momentum[at]!;
        weights[at]! += momentum[at]!;
      }
    }
  }
}

/** Passes 2b and 3: rows times [x; bias]. */
export function product({ weights }: Matrix, x: Tensor, out: Tensor, bias?: number): void {
  const columns = x.length + (bias === undefined ? 0 : 1);
  for (let i = 0; i < out.length; i++) {
    let sum = bias === undefined ? 0 : weights[i * columns + x.length]! * bias;
    for (let j = 0; j < x.length; j++) sum += weights[i * columns + j]! * x[j]!;
    out[i] = sum;
  }
}
