/**
 * The only three places where a step touches weights, as plain loops.
 *
 * Shapes: encoder [H, n], decoder [m, H + 1], x [n], h [H], e and z [m]. With `momentum` mu and momentum matrices M an update
 * is M = rate * outer + mu * M, W += M (pvm-spec 2); without, W += rate * outer. A weight that is pruned is neither read nor written.
 * Narrow weights learn as `rounding.ts` says, and those of i8 are multiplied as `bytes.ts` says.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { offsetsOf, type Plan, unitCount } from "../../model/plan.ts";
import { unitOffsets } from "../../model/unit_tensors.ts";
import { formatOf } from "../../model/weight_format.ts";
import { isOfBytes, productBytes, transposedBytes } from "./bytes.ts";
import { openCodebook } from "./codebook_learning.ts";
import { type Clock, type Rounding, updateNarrow, visibleWeights } from "./rounding.ts";

/** A weight matrix and, under rule 2016, its momentum. */
export interface Matrix {
  readonly weights: Tensor;
  readonly momentum?: Tensor;
  /** 1 where a weight is kept; all are where there is none. */
  readonly mask?: Uint8Array;
  /** How they learn, where they are narrow. */
  readonly rounding?: Rounding;
  /** What products read instead of the weights: bytes of i8 (`bytes.ts`), centroids of codebooks. */
  readonly visible?: Tensor;
}

/** The matrices of a unit. */
export interface Matrices {
  /** [H, n]. */
  readonly encoder: Matrix;
  /** [m, H + 1]. */
  readonly decoder: Matrix;
}

/**
 * Cuts the matrices of a model into those of its units.
 *
 * @param plan the model
 * @param tensors its state; written to by what learns
 * @param clock says when it learns
 */
export function makeMatrices(
  plan: Plan,
  tensors: Readonly<Record<string, Tensor>>,
  clock: Clock,
): Matrices[] {
  const at = offsetsOf(plan);
  const offsets = unitOffsets(plan);
  const format = formatOf(plan);
  const roundingOf = (
    name: "encoder" | "decoder",
    unit: number,
    { weights, mask }: Matrix,
  ): Rounding | undefined => {
    if (format === "f32") return undefined;
    const partOf = (tensor: string) => {
      const begin = offsets[tensor]!;
      return tensors[tensor]?.subarray(begin[unit], begin[unit + 1]);
    };
    const scale = partOf(`${name}.scale`);
    const centroids = partOf(`${name}.codebook`);
    return {
      format,
      clock,
      unit,
      matrix: name === "encoder" ? 0 : 1,
      ...(scale === undefined ? {} : { scale }),
      ...(centroids === undefined
        ? {}
        : { codebook: openCodebook(weights, centroids, scale!, mask) }),
    };
  };
  const matrix = (name: "encoder" | "decoder", u: number): Matrix => {
    const cut = (tensor: Tensor) => tensor.subarray(at[name][u], at[name][u + 1]);
    const weights = cut(tensors[name]!);
    const momentum = tensors[`${name}.momentum`];
    const mask = plan.mask?.[name].subarray(at[name][u], at[name][u + 1]);
    const plain: Matrix = { weights, ...(mask === undefined ? {} : { mask }) };
    const rounding = roundingOf(name, u, plain);
    const columns = name === "encoder" ? plan.inputs[u]! : plan.hidden + 1;
    return {
      ...plain,
      ...(rounding === undefined ? {} : { rounding }),
      ...visibleOf(weights, columns, rounding),
      ...(momentum === undefined ? {} : { momentum: cut(momentum) }),
    };
  };
  return Array.from(
    { length: unitCount(plan) },
    (_, u) => ({ encoder: matrix("encoder", u), decoder: matrix("decoder", u) }),
  );
}

function visibleOf(
  weights: Tensor,
  columns: number,
  rounding: Rounding | undefined,
): Pick<Matrix, "visible"> {
  if (rounding?.codebook !== undefined) return { visible: rounding.codebook.visible };
  if (rounding?.format !== "i8") return {};
  return { visible: visibleWeights(weights, rounding, columns) };
}

/** The passes, for a step to be made of: ours, or those of somebody who has faster ones. */
export interface Passes {
  /** See {@linkcode transposed}. */
  readonly transposed: typeof transposed;
  /** See {@linkcode update}. */
  readonly update: typeof update;
  /** See {@linkcode product}. */
  readonly product: typeof product;
  /** Whether they heed masks; plans with one are refused otherwise. */
  readonly masks?: true;
  /** Whether they heed formats; plans of narrow weights are refused otherwise. */
  readonly formats?: true;
}

/** The definition. */
export const PASSES: Passes = { transposed, update, product, masks: true, formats: true };

/** Pass 1a: what the decoder sends back, dh = W2[:, 0..H-1]' e, with the decoder as it is. */
export function transposed(decoder: Matrix, e: Tensor, dh: Tensor): void {
  if (isOfBytes(decoder)) return transposedBytes(decoder, e, dh);
  const H = dh.length;
  const { mask, visible: weights = decoder.weights } = decoder;
  dh.fill(0);
  for (let i = 0; i < e.length; i++) {
    for (let j = 0; j < H; j++) {
      const at = i * (H + 1) + j;
      if (mask?.[at] !== 0) dh[j]! += weights[at]! * e[i]!;
    }
  }
}

/** Passes 1b and 2a: one rank-1 term, rows [d] times columns [x; bias]. */
export function update(
  matrix: Matrix,
  rate: number,
  mu: number,
  d: Tensor,
  x: Tensor,
  bias?: number,
): void {
  const { weights, momentum, mask, rounding } = matrix;
  if (rounding !== undefined) return updateNarrow({ ...matrix, rounding }, rate, mu, d, x, bias);
  const columns = x.length + (bias === undefined ? 0 : 1);
  for (let i = 0; i < d.length; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      if (mask?.[at] === 0) continue;
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
export function product(matrix: Matrix, x: Tensor, out: Tensor, bias?: number): void {
  if (isOfBytes(matrix)) return productBytes(matrix, x, out, bias);
  const { mask, visible: weights = matrix.weights } = matrix;
  const columns = x.length + (bias === undefined ? 0 : 1);
  for (let i = 0; i < out.length; i++) {
    const last = i * columns + x.length;
    let sum = bias === undefined || mask?.[last] === 0 ? 0 : weights[last]! * bias;
    for (let j = 0; j < x.length; j++) {
      const at = i * columns + j;
      if (mask?.[at] !== 0) sum += weights[at]! * x[j]!;
    }
    out[i] = sum;
  }
}
