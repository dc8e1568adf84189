/**
 * The operators of the rules, as functions.
 *
 * @module
 */
import type { Graph, Value } from "./graph.ts";

/** A tensor, or a number that becomes a constant. */
export type Operand = Value | number;

/** Functions that add nodes to a graph; tensors have a row for each unit. */
export interface Arithmetic {
  add(a: Operand, b: Operand): Value;
  sub(a: Operand, b: Operand): Value;
  mul(a: Operand, b: Operand): Value;
  div(a: Operand, b: Operand): Value;
  max(a: Operand, b: Operand): Value;
  min(a: Operand, b: Operand): Value;
  abs(a: Value): Value;
  sqrt(a: Value): Value;
  square(a: Value): Value;
  /** a / (1 + |a|). */
  softsign(a: Value): Value;
  clip(a: Value, low: number, high: number): Value;
  /** yes where the condition holds, otherwise no. */
  where(condition: Value, yes: Operand, no: Operand): Value;
  /** The sum of each row, as a vector. */
  sum(a: Value): Value;
  /** The sum of the squares of each row, as a vector; rows may have more dimensions than one. */
  sumOfSquares(a: Value, dimensions?: number): Value;
  /** Rows put behind each other. */
  columns(values: readonly Value[]): Value;
  /** The first columns of each row. */
  first(a: Value, columns: number): Value;
}

/**
 * The operators, on a graph.
 *
 * @param graph where nodes are added
 */
export function arithmetic(graph: Graph): Arithmetic {
  const value = (a: Operand) => typeof a === "number" ? graph.float(a) : a;
  const binary = (type: string) => (a: Operand, b: Operand) => graph.op(type, [value(a), value(b)]);
  const unary = (type: string) => (a: Value) => graph.op(type, [a]);
  const mul = binary("Mul");
  const sum = (a: Value) => graph.op("ReduceSum", [a, graph.ints(1)], { keepdims: 0 });
  return {
    add: binary("Add"),
    sub: binary("Sub"),
    mul,
    div: binary("Div"),
    max: binary("Max"),
    min: binary("Min"),
    abs: unary("Abs"),
    sqrt: unary("Sqrt"),
    square: (a) => mul(a, a),
    softsign: unary("Softsign"),
    clip: (a, low, high) => graph.op("Clip", [a, graph.float(low), graph.float(high)]),
    where: (condition, yes, no) => graph.op("Where", [condition, value(yes), value(no)]),
    sum,
    sumOfSquares: (a, dimensions = 1) => {
      const axes = Array.from({ length: dimensions }, (_, i) => i + 1);
      return graph.op("ReduceSumSquare", [a], { axes, keepdims: 0 });
    },
    columns: (values) => values.length === 1 ? values[0]! : graph.op("Concat", values, { axis: 1 }),
    first: (a, columns) =>
      graph.op("Slice", [a, graph.ints(0), graph.ints(columns), graph.ints(1)]),
  };
}
