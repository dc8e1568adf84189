/**
 * The three weight passes as operators.
 *
 * A row vector times a matrix, and an outer product whose row is short, are what ONNX Runtime has good kernels for: they read a
 * matrix as it lies. A matrix times a column takes twice as long, and outer products with long rows do where a cache cannot hold them.
 * So encoders lie transposed, inputs outermost, and decoders as they are.
 *
 * @module
 */
import type { Graph, Value } from "./graph.ts";
import { integerProduct, transposedWeights } from "./integer_product.ts";

/**
 * How a pass is written. `standard`: matrix products and sums, for any runtime. `fused`: grouped convolutions, for an update with a
 * sum ("FusedConv", ONNX Runtime only), which writes no intermediate and may write the sum over its input: half the time.
 */
export type UpdateForm = "standard" | "fused";

/** Columns of the inputs of a product, and between what bounds their values lie. */
export interface Range {
  readonly columns: number;
  readonly low: number;
  readonly high: number;
}

/** Matrices of as many columns, in blocks one after another. */
export interface Matrices {
  readonly columns: number;
  readonly blocks: readonly MatrixBlock[];
}

/** Matrices of one shape in one tensor and, under rule 2016, their momentum. */
export interface MatrixBlock {
  readonly count: number;
  readonly rows: number;
  readonly weights: Value;
  readonly momentum?: Value;
  /** The numbers of the weights, where products are to be of whole numbers. */
  readonly quantise?: Float32Array;
}

/** What the rows of matrices get: [count, rows] where all have as many rows, or this of each block. */
export type Rows = Value | readonly Value[];

/** What momentum does in a step. */
export interface Momentum {
  /** mu, or 1 where momentum rests: a column. None where momentum is stored so that it needs no decay. */
  readonly decay: Value | null;
  /** What the momentum is multiplied with, or 0 where weights rest: a column. */
  readonly gain: Value;
}

/** How many matrices, their rows and columns. */
type Dims = readonly [count: number, rows: number, columns: number];

/** What a convolution is to find in the place of matrices: rows that are channels, or images. */
type Use = "channels" | "images";

function dimsFor(use: Use, [count, rows, columns]: Dims): number[] {
  return use === "channels" ? [1, count * rows, 1, columns] : [1, count, rows, columns];
}

/**
 * The shape in which matrices enter and leave the graph: that of the convolution which writes them, for a change of shape behind it
 * would be a copy.
 *
 * @param form how passes are written
 * @param dims count, rows and columns
 * @param by what the update adds: an outer product, or the momentum
 */
export function storedDims(form: UpdateForm, dims: Dims, by: "outer" | "momentum"): number[] {
  return form === "standard" ? [...dims] : dimsFor(by === "outer" ? "channels" : "images", dims);
}

/** The weight passes over a graph. */
export class Passes {
  readonly #graph: Graph;
  readonly #form: UpdateForm;

  /**
   * @param graph where nodes are added
   * @param form how passes are written
   */
  constructor(graph: Graph, form: UpdateForm) {
    this.#graph = graph;
    this.#form = form;
  }

  /**
   * Rows times matrices.
   *
   * @param matrices the weights
   * @param inputs what they are multiplied with
   * @param ranges of the columns of the inputs, one after another, if they have as many
   * @returns [count, columns]
   */
  product(
    matrices: Matrices,
    inputs: Rows,
    ranges: (rows: number) => readonly Range[] = () => [],
  ): Value {
    const { columns, blocks } = matrices;
    const fused = this.#form === "fused";
    const rows = this.#rows(
      matrices,
      inputs,
      ({ count, rows }) => fused ? [count, rows, 1, 1] : [count, 1, rows],
    );
    const products = blocks.map((block, i) => {
      const { count, rows: length, weights, quantise } = block;
      const dims = [count, length, columns] as const;
      const row = rows[i]!;
      if (quantise !== undefined) {
        return integerProduct(this.#graph, row, quantise, dims, ranges(length));
      }
      if (!fused) return this.#graph.op("MatMul", [row, weights]);
      const image = this.#image(block, dims, "channels");
      return this.#graph.op("Conv", [image, row], { group: count, kernel_shape: [1, 1] });
    });
    return this.#shape(this.#join(products, fused ? 1 : 0), [countOf(matrices), columns]);
  }

  /**
   * Matrices of equally many rows times columns: [count, columns] to [count, rows].
   *
   * @param matrices the weights
   * @param inputs what they are multiplied with
   * @param ranges of the columns of the inputs, one after another
   */
  transposed(matrices: Matrices, inputs: Value, ranges: readonly Range[]): Value {
    const { columns, blocks } = matrices;
    const count = countOf(matrices);
    const fused = this.#form === "fused";
    const shaped = this.#shape(inputs, fused ? [count, 1, 1, columns] : [count, 1, columns]);
    const pieces = this.#cut(shaped, blocks.map(({ count }) => count), 0);
    const products = blocks.map((block, i) => {
      const { count, rows, weights, quantise } = block;
      const dims = [count, rows, columns] as const;
      const row = pieces[i]!;
      if (quantise !== undefined) {
        const turned = transposedWeights(quantise, dims);
        return integerProduct(this.#graph, row, turned, [count, columns, rows], ranges);
      }
      if (!fused) {
        const turned = this.#graph.op("Transpose", [weights], { perm: [0, 2, 1] });
        return this.#graph.op("MatMul", [row, turned]);
      }
      const image = this.#image(block, dims, "images");
      return this.#graph.op("Conv", [image, row], { group: count, kernel_shape: [1, columns] });
    });
    return this.#shape(this.#join(products, fused ? 1 : 0), [count, blocks[0]!.rows]);
  }

  /**
   * One rank-1 term a matrix: with momentum M' = term + decay M and W' = W + gain M', without W' = W + term.
   *
   * @param matrices before
   * @param inputs of the rows
   * @param delta of the columns, [count, columns]; one of the two with the rate
   * @param momentum where there is some
   * @returns the matrices after
   */
  update(matrices: Matrices, inputs: Rows, delta: Value, momentum?: Momentum): Matrices {
    const { columns, blocks } = matrices;
    const count = countOf(matrices);
    const fused = this.#form === "fused";
    const counts = blocks.map(({ count }) => count);
    const column = (value: Value) =>
      this.#cut(this.#shape(value, fused ? [count, 1, 1, 1] : [count, 1, 1]), counts, 0);
    // A group a matrix: its image is delta, one row high, and each of its inputs is a filter with one weight.
    const xs = this.#rows(
      matrices,
      inputs,
      ({ count, rows }) => fused ? [count * rows, 1, 1, 1] : [count, rows, 1],
    );
    const sent = this.#shape(delta, fused ? [1, count, 1, columns] : [count, 1, columns]);
    const ds = this.#cut(sent, counts, fused ? 1 : 0);
    const gains = momentum === undefined ? [] : column(momentum.gain);
    const decays = momentum === undefined || momentum.decay === null ? [] : column(momentum.decay);
    const after = blocks.map((block, i) => {
      const dims = [block.count, block.rows, columns] as const;
      const add = (to: Value) => this.#addOuter(dims, to, xs[i]!, ds[i]!);
      if (block.momentum === undefined || momentum === undefined) {
        return { ...block, weights: add(block.weights) };
      }
      return this.#withMomentum(block, dims, add, gains[i]!, decays[i]);
    });
    return { columns, blocks: after };
  }

  /**
   * Makes a column wait for another value: a matrix that is written in place must have been read before.
   *
   * @param column what is to wait
   * @param other what it waits for, of as many rows
   */
  after(column: Value, other: Value): Value {
    if (this.#form === "standard") return column;
    const graph = this.#graph;
    const both = graph.op("Concat", [column, other], { axis: 1 });
    return graph.op("Slice", [both, graph.ints(0), graph.ints(1), graph.ints(1)]);
  }

  #withMomentum(
    block: MatrixBlock,
    dims: Dims,
    add: (to: Value) => Value,
    gain: Value,
    decay: Value | undefined,
  ): MatrixBlock {
    const graph = this.#graph;
    const before = block.momentum!;
    if (this.#form === "standard") {
      const momentum = add(decay === undefined ? before : graph.op("Mul", [before, decay]));
      const moved = graph.op("Mul", [momentum, gain]);
      return { ...block, weights: graph.op("Add", [block.weights, moved]), momentum };
    }
    let decayed = before;
    if (decay !== undefined) {
      const mu = this.#shape(decay, [1, dims[0], 1, 1]);
      let product = graph.op("Mul", [this.#shape(before, dimsFor("images", dims)), mu]);
      // To a single row the kernel adds the bare product: -0 could stay, and become 0 where nothing is learned. A constant 0 is left out.
      if (dims[1] === 1) product = graph.op("Add", [product, graph.op("Sub", [mu, mu])]);
      decayed = this.#shape(product, dimsFor("channels", dims));
    }
    const momentum = add(decayed);
    // A group a matrix with one weight, its gain: the image is the momentum, the sum the weights.
    const image = this.#shape(momentum, dimsFor("images", dims));
    const inputs = [image, gain, "", block.weights];
    const weights = graph.op("FusedConv", inputs, { group: block.count, kernel_shape: [1, 1] });
    return { ...block, weights, momentum };
  }

  /** The weights of a block in a certain shape; `storedDims` says which one they have. */
  #image({ weights, momentum }: MatrixBlock, dims: Dims, use: Use): Value {
    const stored = momentum === undefined ? "channels" : "images";
    return use === stored ? weights : this.#shape(weights, dimsFor(use, dims));
  }

  /** W + inputs' delta. */
  #addOuter([count]: Dims, to: Value, inputs: Value, delta: Value): Value {
    const graph = this.#graph;
    if (this.#form === "standard") {
      return graph.op("Add", [to, graph.op("MatMul", [inputs, delta])]);
    }
    return graph.op("FusedConv", [delta, inputs, "", to], { group: count, kernel_shape: [1, 1] });
  }

  /** What the rows of each block get, in the shape that its product or update takes. */
  #rows({ blocks }: Matrices, given: Rows, shape: (block: MatrixBlock) => number[]): Value[] {
    if (typeof given !== "string") {
      return blocks.map((block, i) => this.#shape(given[i]!, shape(block)));
    }
    const shapes = blocks.map(shape);
    const all = shapes.reduce((sum, [first]) => sum + first!, 0);
    const whole = this.#shape(given, [all, ...shapes[0]!.slice(1)]);
    return this.#cut(whole, shapes.map(([first]) => first!), 0);
  }

  /** Pieces along an axis. */
  #cut(value: Value, sizes: readonly number[], axis: number): Value[] {
    return sizes.length === 1
      ? [value]
      : this.#graph.ops("Split", [value, this.#graph.ints(...sizes)], sizes.length, { axis });
  }

  #join(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? values[0]! : this.#graph.op("Concat", values, { axis });
  }

  #shape(value: Value, dims: readonly number[]): Value {
    return this.#graph.op("Reshape", [value, this.#graph.ints(...dims)]);
  }
}

function countOf({ blocks }: Matrices): number {
  return blocks.reduce((sum, { count }) => sum + count, 0);
}
