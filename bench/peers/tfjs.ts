/**
 * TensorFlow.js on its WebAssembly backend, and the weight passes in it.
 *
 * Two things of the library decide its speed. Its operators never write in place, so an update makes new matrices. And of
 * its products only those of two plain matrices go to XNNPACK, batches and sums run in plain loops: so a batch of products with
 * vectors is done as a product element by element and one plain product with a column of ones: 1.2 times the steps a second.
 *
 * Threads: the library turns them off where it sees Node, which Deno resembles; its workers are started from blobs, which
 * Deno's `node:worker_threads` refuses; and it takes half as many threads as there are cores, one of two.
 *
 * @module
 */
// deno-lint-ignore no-import-prefix
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
// deno-lint-ignore no-import-prefix
import { setWasmPaths, version_wasm } from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { fileURLToPath } from "node:url";
import type { Group } from "./export.ts";

const { gather, matMul, mul, reshape, slice } = tf;

export { tf };

/** Tensors of a group, by name; a step replaces most of them. */
export type State = Record<string, tf.Tensor>;

/** The same, for names that are known to be there. */
export type Tensors =
  & { readonly [name: string]: tf.Tensor }
  & Record<
    | "lagX"
    | "lagH"
    | "lagP"
    | "last"
    | "rate"
    | "s"
    | "z"
    | "m"
    | "x"
    | "h"
    | "p"
    | "variance"
    | "power",
    tf.Tensor
  >;

/** What all units read in one step. */
export interface Arriving {
  /** [frame | external]. */
  readonly frame: tf.Tensor;
  /** Hidden outputs of the step before: [units, H], group after group. */
  readonly published: tf.Tensor;
}

/** What a rule is to the runner: tensors to begin with, and a step that makes the next ones. */
export interface Steps {
  /** The state before the first frame: with `published` and `squares`. */
  start(state: State): State;
  step(state: State, arriving: Arriving, t: number): State;
}

/**
 * Starts the backend.
 *
 * @returns the version of the library
 * @throws {Error} where there is no SIMD
 */
export async function startWasm(): Promise<string> {
  const binary = "npm:@tensorflow/tfjs-backend-wasm@4.22.0/dist/tfjs-backend-wasm-simd.wasm";
  setWasmPaths(fileURLToPath(new URL("./", import.meta.resolve(binary))));
  await tf.setBackend("wasm");
  if (!await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) throw new Error("There is no SIMD here");
  return version_wasm;
}

const ones = new Map<number, tf.Tensor2D>();

/** The signals of a group: [g, q]. */
export function signalOf(state: State, { frame, published }: Arriving, group: Group): tf.Tensor {
  const from = group.ground ? frame : published;
  return reshape(gather(from, state["signalIndex"]!), [group.units.length, group.signal]);
}

/** The contexts of a group: [g, contexts * H]. */
export function contextOf(state: State, { published }: Arriving, group: Group): tf.Tensor {
  const index = state["contextIndex"];
  const g = group.units.length;
  return index === undefined
    ? tf.zeros([g, 0])
    : reshape(gather(published, index), [g, group.context]);
}

/** W x of a batch: [g, rows, columns] times [g, columns]. */
export function product(weights: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const [g, rows, columns] = weights.shape as [number, number, number];
  if (!ones.has(columns)) ones.set(columns, tf.keep(tf.ones([columns, 1])));
  const terms = mul(weights, reshape(x, [g, 1, columns]));
  const flat = reshape(terms, [g * rows, columns]) as tf.Tensor2D;
  return reshape(matMul(flat, ones.get(columns)!), [g, rows]);
}

/** The first H entries of W' e of a batch. */
export function transposed(weights: tf.Tensor, e: tf.Tensor, hidden: number): tf.Tensor {
  const [g, rows] = weights.shape as [number, number];
  const all = matMul(reshape(e, [g, 1, rows]) as tf.Tensor3D, weights as tf.Tensor3D);
  return reshape(slice(all, [0, 0, 0], [g, 1, hidden]), [g, hidden]);
}

export function outer(d: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const g = d.shape[0]!;
  return mul(reshape(d, [g, d.shape[1]!, 1]), reshape(x, [g, 1, x.shape[1]!]));
}
