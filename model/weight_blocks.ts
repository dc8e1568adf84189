/**
 * Blocks of weights: rectangles of hidden units by inputs in an encoder [H, inputs], of hidden units by outputs in a decoder taken
 * hidden-major, [H + 1, outputs]. Those at the end of a matrix are as small as what is left of it.
 *
 * @module
 */
import type { MatrixPlace } from "./weight_format.ts";

/** The sides of blocks. */
export interface Blocks {
  /** Hidden units that follow each other. */
  readonly rows: number;
  /** Inputs, or outputs, that follow each other. */
  readonly columns: number;
}

/** Where a matrix's weight of a hidden unit and an input or output stands in the flat tensor. */
export function weightAt(
  { name, begin, columns }: MatrixPlace,
  hidden: number,
  other: number,
): number {
  return begin + (name === "encoder" ? hidden * columns + other : other * columns + hidden);
}

/** Hidden units of a matrix, and its inputs or outputs. */
export function hiddenMajor({ name, rows, columns }: MatrixPlace): readonly [number, number] {
  return name === "encoder" ? [rows, columns] : [columns, rows];
}

/**
 * Visits the blocks of a matrix, hidden units outermost.
 *
 * @param place the matrix
 * @param blocks their sides
 * @param visit given the first hidden unit and input or output of each
 */
export function eachBlock(
  place: MatrixPlace,
  { rows, columns }: Blocks,
  visit: (row: number, column: number) => void,
): void {
  const [height, width] = hiddenMajor(place);
  for (let row = 0; row < height; row += rows) {
    for (let column = 0; column < width; column += columns) visit(row, column);
  }
}

/**
 * Visits the weights of a block.
 *
 * @param place the matrix
 * @param blocks the sides of its blocks
 * @param row the block's first hidden unit
 * @param column its first input or output
 * @param visit given where each weight stands in the flat tensor
 */
export function eachWeight(
  place: MatrixPlace,
  { rows, columns }: Blocks,
  row: number,
  column: number,
  visit: (at: number) => void,
): void {
  const [height, width] = hiddenMajor(place);
  for (let i = row; i < Math.min(row + rows, height); i++) {
    for (let j = column; j < Math.min(column + columns, width); j++) visit(weightAt(place, i, j));
  }
}
