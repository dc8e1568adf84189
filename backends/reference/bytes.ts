/**
 * The products of i8 weights: bytes times levels (`levels.ts`), summed as whole numbers.
 *
 * With b the bytes of a matrix, S = 256 * scale of a hidden unit's row and everything else of f32:
 *
 *     encoder, product:       x to levels l and scale s        out[i] = sum(b[i][j] l[j]) * (s * S[i])
 *     decoder, sends back:    e to levels l and scale s        dh[j]  = sum(b[i][j] l[i]) * (s * S[j])
 *     decoder, product:       h[j] * S[j] to l and s           out[i] = sum(b[i][j] l[j]) * s
 *
 * The bias is one of the x, and of the h. What is pruned has no part.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { levelsOf } from "./levels.ts";
import type { Matrix } from "./passes.ts";
import type { Rounding } from "./rounding.ts";

/** A matrix of i8 weights. */
export interface Bytes extends Matrix {
  readonly visible: Tensor;
  readonly rounding: Rounding;
}

/** Whether a matrix is one of i8 weights. */
export function isOfBytes(matrix: Matrix): matrix is Bytes {
  return matrix.rounding?.format === "i8";
}

/** 256 steps of a hidden unit's row. */
function unitOf({ rounding: { scale } }: Bytes, row: number): number {
  return 256 * scale![row]!;
}

/** See {@linkcode product} of the passes. */
export function productBytes(matrix: Bytes, x: Tensor, out: Tensor, bias?: number): void {
  const { visible, mask, rounding } = matrix;
  const isDecoder = rounding.matrix === 1;
  const columns = x.length + (bias === undefined ? 0 : 1);
  const vector = new Float32Array(columns).fill(bias ?? 0);
  vector.set(x);
  if (isDecoder) vector.forEach((value, j) => vector[j] = value * unitOf(matrix, j));
  const levels = new Float32Array(columns);
  const scale = levelsOf(vector, levels);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      if (mask?.[at] !== 0) sum += visible[at]! * levels[j]!;
    }
    const unit = isDecoder ? scale : Math.fround(scale * unitOf(matrix, i));
    out[i] = Math.fround(Math.fround(sum) * unit);
  }
}

/** See {@linkcode transposed} of the passes. */
export function transposedBytes(decoder: Bytes, e: Tensor, dh: Tensor): void {
  const { visible, mask } = decoder;
  const columns = dh.length + 1;
  const levels = new Float32Array(e.length);
  const scale = levelsOf(e, levels);
  for (let j = 0; j < dh.length; j++) {
    let sum = 0;
    for (let i = 0; i < e.length; i++) {
      const at = i * columns + j;
      if (mask?.[at] !== 0) sum += visible[at]! * levels[i]!;
    }
    dh[j] = Math.fround(Math.fround(sum) * Math.fround(scale * unitOf(decoder, j)));
  }
}
