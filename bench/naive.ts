/**
 * What someone would write first: plain loops over typed arrays, one thread, one pass after another. The honest peer of the
 * kernels; its vectors are those of the reference.
 *
 * @module
 */
import type { Backend } from "../backends/backend.ts";
import { referenceBackend } from "../backends/reference/backend.ts";
import type { Matrix } from "../backends/reference/passes.ts";
import type { Tensor } from "../model/checkpoint.ts";

function transposed({ weights }: Matrix, e: Tensor, dh: Tensor): void {
  const H = dh.length;
  dh.fill(0);
  for (let i = 0; i < e.length; i++) {
    const row = i * (H + 1);
    const ei = e[i]!;
    for (let j = 0; j < H; j++) dh[j]! += weights[row + j]! * ei;
  }
}

function update(
  { weights, momentum }: Matrix,
  rate: number,
  mu: number,
  d: Tensor,
  x: Tensor,
  bias?: number,
): void {
  const columns = x.length + (bias === undefined ? 0 : 1);
  for (let i = 0; i < d.length; i++) {
    const row = i * columns;
    const di = rate * d[i]!;
    if (momentum === undefined) {
      for (let j = 0; j < x.length; j++) weights[row + j]! += di * x[j]!;
      if (bias !== undefined) weights[row + x.length]! += di * bias;
      continue;
    }
    for (let j = 0; j < x.length; j++) {
      const step = di * x[j]! + mu * momentum[row + j]!;
      momentum[row + j] = step;
      weights[row + j]! += step;
    }
    if (bias !== undefined) {
      const step = di * bias + mu * momentum[row + x.length]!;
      momentum[row + x.length] = step;
      weights[row + x.length]! += step;
    }
  }
}

function product({ weights }: Matrix, x: Tensor, out: Tensor, bias?: number): void {
  const columns = x.length + (bias === undefined ? 0 : 1);
  for (let i = 0; i < out.length; i++) {
    const row = i * columns;
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += weights[row + j]! * x[j]!;
    out[i] = bias === undefined ? sum : sum + weights[row + x.length]! * bias;
  }
}

/** Plain loops behind the contract. */
export const backend: Backend = referenceBackend("naive", { transposed, update, product });
