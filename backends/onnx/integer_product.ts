/**
 * Products of 8-bit whole numbers, for graphs that only predict.
 *
 * @module
 */
import { ELEMENT, type Graph, type Value } from "./graph.ts";
import type { Range } from "./passes.ts";

/** How many matrices, their rows and columns. */
type Dims = readonly [count: number, rows: number, columns: number];

/** What stands for 0 among unsigned bytes where values may be negative. */
const MIDDLE = 128;

/**
 * A row vector times a matrix of each unit, by MatMulInteger.
 *
 * Inputs are rounded to fixed scales, those of the bounds of their columns; these scales are part of the weights, of which every
 * output of every unit has a scale of its own. Both are unsigned bytes: signed weights overflow in kernels that add pairs of products
 * in 16 bits (AVX2 without VNNI), unsigned ones are exact everywhere.
 *
 * @param graph where nodes are added
 * @param row the inputs, [units, 1, rows]
 * @param weights [units, rows, columns]
 * @param dims of the weights
 * @param ranges of the inputs
 * @returns [units, 1, columns]
 */
export function integerProduct(
  graph: Graph,
  row: Value,
  weights: Float32Array,
  dims: Dims,
  ranges: readonly Range[],
): Value {
  const [units, rows, columns] = dims;
  const positive = ranges.every(({ low }) => low >= 0);
  const scales = ranges.flatMap(({ columns, low, high }) => {
    const scale = positive ? high / 255 : Math.max(-low, high) / 127;
    return new Array<number>(columns).fill(scale);
  });
  const { bytes, steps } = quantise(weights, dims, scales);
  const zero = graph.constant("uint8", [], Uint8Array.of(positive ? 0 : MIDDLE));
  const middle = graph.constant("uint8", [], Uint8Array.of(MIDDLE));
  const inverse = graph.float(scales.map((scale) => 1 / scale), [rows]);
  const scaled = graph.op("Mul", [row, inverse]);
  const input = graph.op("QuantizeLinear", [scaled, graph.float(1), zero]);
  const matrix = graph.constant("uint8", [units, rows, columns], bytes);
  const sums = graph.op("MatMulInteger", [input, matrix, zero, middle]);
  const unit = graph.constant("float", [units, 1, columns], steps);
  return graph.op("Mul", [graph.op("Cast", [sums], { to: ELEMENT.float }), unit]);
}

/**
 * Weights with rows and columns exchanged.
 *
 * @param weights [units, rows, columns]
 * @param dims of the weights
 * @returns [units, columns, rows]
 */
export function transposedWeights(
  weights: Float32Array,
  [, rows, columns]: Dims,
): Float32Array {
  return weights.map((_, i) => {
    const unit = Math.floor(i / (rows * columns));
    const [column, row] = [Math.floor(i / rows) % columns, i % rows];
    return weights[(unit * rows + row) * columns + column]!;
  });
}

/** Weights times the scales of their inputs, in 255 steps for each output of each unit. */
function quantise(
  weights: Float32Array,
  [units, rows, columns]: Dims,
  scales: readonly number[],
): { bytes: Uint8Array; steps: Float32Array } {
  const bytes = new Uint8Array(weights.length);
  const steps = new Float32Array(units * columns);
  for (let unit = 0; unit < units; unit++) {
    for (let column = 0; column < columns; column++) {
      const at = (row: number) => (unit * rows + row) * columns + column;
      let most = 0;
      for (let row = 0; row < rows; row++) {
        most = Math.max(most, Math.abs(weights[at(row)]! * scales[row]!));
      }
      // A row of zeros stays one.
      const step = most === 0 ? 1 : most / 127;
      steps[unit * columns + column] = step;
      for (let row = 0; row < rows; row++) {
        bytes[at(row)] = MIDDLE + Math.round(weights[at(row)]! * scales[row]! / step);
      }
    }
  }
  return { bytes, steps };
}
