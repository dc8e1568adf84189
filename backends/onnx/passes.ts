/**
 * The three weight passes as operators.
 *
 * Matrices lie transposed, inputs outermost, [units, rows, columns]: a row vector times a matrix is the one product that ONNX
 * Runtime has a good kernel for, which reads the matrix as it lies (four to five times faster than a matrix times a column).
 *
 * @module
 */
import type { Graph, Value } from "./graph.ts";
import { integerProduct } from "./integer_product.ts";

/**
 * How an update is written. `standard`: an outer product and a sum, for any runtime. `fused`: a grouped 1 x 1 convolution with a sum
 * ("FusedConv", ONNX Runtime only), which writes no intermediate and may write the sum over its input: half the time.
 */
export type UpdateForm = "standard" | "fused";

/** Columns of the inputs of a product, and between what bounds their values lie. */
export interface Range {
  readonly columns: number;
  readonly low: number;
  readonly high: number;
}

/** A weight matrix of some units and, under rule 2016, its momentum. */
export interface Matrix {
  readonly weights: Value;
  readonly momentum?: Value;
  /** The numbers of the weights, where products are to be of whole numbers. */
  readonly quantise?: Float32Array;
  /** Units, rows (inputs), columns (outputs). */
  readonly dims: readonly [units: number, rows: number, columns: number];
}

/** What momentum does in a step. */
export interface Momentum {
  /** mu, or 1 where momentum rests: a column. None where momentum is stored so that it needs no decay. */
  readonly decay: Value | null;
  /** What the momentum is multiplied with, or 0 where weights rest: a column. */
  readonly gain: Value;
}

/**
 * The shape in which a matrix enters and leaves the graph: that of the convolution which writes it, for a change of shape behind it
 * would be a copy.
 *
 * @param form how it is updated
 * @param dims units, rows and columns
 * @param by what the update adds: an outer product, or the momentum
 */
export function storedDims(
  form: UpdateForm,
  [units, rows, columns]: Matrix["dims"],
  by: "outer" | "momentum",
): number[] {
  if (form === "standard") return [units, rows, columns];
  return by === "outer" ? [1, units * rows, 1, columns] : [1, units, rows, columns];
}

/** The weight passes over a graph. */
export class Passes {
  readonly #graph: Graph;
  readonly #form: UpdateForm;

  /**
   * @param graph where nodes are added
   * @param form how updates are written
   */
  constructor(graph: Graph, form: UpdateForm) {
    this.#graph = graph;
    this.#form = form;
  }

  /** What the rows get back of what the columns send: [units, columns] to [units, rows]. */
  transposed(matrix: Matrix, sent: Value): Value {
    const { dims: [units, rows, columns] } = matrix;
    const turned = this.#graph.op("Transpose", [this.#stack(matrix.weights, matrix.dims)], {
      perm: [0, 2, 1],
    });
    const row = this.#shape(sent, [units, 1, columns]);
    return this.#shape(this.#graph.op("MatMul", [row, turned]), [units, rows]);
  }

  /**
   * Inputs times a matrix: [units, rows] to [units, columns].
   *
   * @param matrix the weights
   * @param inputs what they are multiplied with
   * @param ranges of the columns of the inputs, one after another
   */
  product(matrix: Matrix, inputs: Value, ranges: readonly Range[]): Value {
    const { dims: [units, rows, columns], quantise } = matrix;
    const row = this.#shape(inputs, [units, 1, rows]);
    if (quantise !== undefined) {
      const product = integerProduct(this.#graph, row, quantise, matrix.dims, ranges);
      return this.#shape(product, [units, columns]);
    }
    return this.#shape(
      this.#graph.op("MatMul", [row, this.#stack(matrix.weights, matrix.dims)]),
      [units, columns],
    );
  }

  /**
   * One rank-1 term a unit: with momentum M' = term + decay M and W' = W + gain M', without W' = W + term.
   *
   * @param matrix before
   * @param inputs [units, rows]
   * @param delta [units, columns], rate included
   * @param momentum where there is some
   * @returns the matrix after
   */
  update(matrix: Matrix, inputs: Value, delta: Value, momentum?: Momentum): Matrix {
    const { dims, weights } = matrix;
    if (matrix.momentum === undefined || momentum === undefined) {
      return { dims, weights: this.#addOuter(dims, weights, inputs, delta) };
    }
    const [units] = dims;
    const graph = this.#graph;
    const column = (value: Value) => this.#shape(value, [units, 1, 1]);
    const { decay, gain } = momentum;
    let decayed = matrix.momentum;
    if (decay !== null) {
      const product = graph.op("Mul", [this.#stack(decayed, dims), column(decay)]);
      decayed = this.#fusedShape(product, storedDims(this.#form, dims, "outer"));
    }
    const next = this.#addOuter(dims, decayed, inputs, delta);
    if (this.#form === "standard") {
      const moved = graph.op("Mul", [next, column(gain)]);
      return { dims, weights: graph.op("Add", [weights, moved]), momentum: next };
    }
    // A convolution a unit with one weight, its gain: the image is the momentum, the sum the weights.
    const image = this.#shape(next, storedDims(this.#form, dims, "momentum"));
    const sum = graph.op(
      "FusedConv",
      [image, this.#shape(gain, [units, 1, 1, 1]), "", weights],
      { group: units, kernel_shape: [1, 1] },
    );
    return { dims, weights: sum, momentum: next };
  }

  /**
   * Makes a value wait for another: a matrix that is written in place must have been read before.
   *
   * @param value what is to wait
   * @param other what it waits for
   * @param widths of both
   */
  after(value: Value, other: Value, widths: readonly [number, number]): Value {
    if (this.#form === "standard") return value;
    const both = this.#graph.op("Concat", [value, other], { axis: 1 });
    return this.#graph.ops("Split", [both, this.#graph.ints(...widths)], 2, { axis: 1 })[0]!;
  }

  /** W + inputs' delta. */
  #addOuter(dims: Matrix["dims"], to: Value, inputs: Value, delta: Value): Value {
    const [units, rows, columns] = dims;
    const graph = this.#graph;
    if (this.#form === "standard") {
      const column = this.#shape(inputs, [units, rows, 1]);
      const row = this.#shape(delta, [units, 1, columns]);
      return graph.op("Add", [to, graph.op("MatMul", [column, row])]);
    }
    // A group a unit: its image is delta, one row high, and each of its inputs is a filter with one weight.
    const image = this.#shape(delta, [1, units, 1, columns]);
    const filters = this.#shape(inputs, [units * rows, 1, 1, 1]);
    return graph.op("FusedConv", [image, filters, "", to], { group: units, kernel_shape: [1, 1] });
  }

  /** A matrix a unit, for products. */
  #stack(weights: Value, dims: Matrix["dims"]): Value {
    return this.#fusedShape(weights, dims);
  }

  #fusedShape(value: Value, dims: readonly number[]): Value {
    return this.#form === "fused" ? this.#shape(value, dims) : value;
  }

  #shape(value: Value, dims: readonly number[]): Value {
    return this.#graph.op("Reshape", [value, this.#graph.ints(...dims)]);
  }
}
