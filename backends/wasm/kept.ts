/**
 * What is kept of a pruned matrix, in the order of the kernels (`kernels/src/sparse.rs`, `octs.rs`): of each row the quads of columns
 * in which anything is kept.
 *
 * @module
 */
import type { Shape } from "./panels.ts";

const LANES = 4;
/** Of an entry of the index, the bits that are the quad's number in its row; the four above say which of its weights are kept. */
const COLUMN_BITS = 12;

/** The longest row that the index reaches. */
export const MOST_COLUMNS: number = LANES * 2 ** COLUMN_BITS;

/** The quads of a matrix; an entry in which nothing is kept fills the last group of a row. */
export interface Kept {
  /** rows + 1 places in the index. */
  readonly starts: Uint32Array;
  /** One entry a quad; where quads come in octs, two entries an oct: its first column and its row. */
  readonly index: Uint16Array;
  /** Whether quads are kept in part; what is behind the last column does not count. */
  readonly partial: boolean;
}

/** What a format wants to have together. */
export interface Together {
  /**
   * Whether quads are to come in octs, pairs that begin at each eighth column, which must suit the mask; one that has only padding
   * may then be among them.
   */
  readonly inOcts?: boolean;
  /** Quads that are stored together, and never of two rows; 1 unless stated. */
  readonly group?: number;
}

/** Which of the weights from a column on are kept, a bit each; and that of all. */
function bitsOf(
  mask: Uint8Array,
  { rows, columns, transposed }: Shape,
  [row, first, length]: readonly [number, number, number],
): [bits: number, all: number] {
  let bits = 0;
  const last = Math.min(first + length, columns);
  for (let column = first; column < last; column++) {
    const at = transposed ? column * rows + row : row * columns + column;
    bits |= mask[at]! << (column - first);
  }
  return [bits, 2 ** Math.max(0, last - first) - 1];
}

/**
 * Whether eight neighbours, from each eighth column on, are always kept or pruned together.
 *
 * @param mask of the matrix, in the order of a checkpoint: 1 is kept
 * @param shape of the matrix
 */
export function isInOcts(mask: Uint8Array, shape: Shape): boolean {
  for (let row = 0; row < shape.rows; row++) {
    for (let first = 0; first < shape.columns; first += 2 * LANES) {
      const [bits, all] = bitsOf(mask, shape, [row, first, 2 * LANES]);
      if (bits !== 0 && bits !== all) return false;
    }
  }
  return true;
}

/**
 * Finds the quads.
 *
 * @param mask of the matrix, in the order of a checkpoint: 1 is kept
 * @param shape of the matrix
 * @param options what is stored together
 */
export function keptOf(mask: Uint8Array, shape: Shape, options: Together = {}): Kept {
  const { inOcts = false, group = 1 } = options;
  const starts = new Uint32Array(shape.rows + 1);
  const index: number[] = [];
  let partial = false;
  const width = inOcts ? 2 * LANES : LANES;
  for (let row = 0; row < shape.rows; row++) {
    for (let first = 0; first < shape.columns; first += width) {
      const [bits, all] = bitsOf(mask, shape, [row, first, width]);
      if (bits === 0) continue;
      partial ||= bits !== all;
      if (inOcts) index.push(first, row);
      else index.push(bits << COLUMN_BITS | first / LANES);
    }
    while (index.length % group !== 0) index.push(0);
    starts[row + 1] = index.length;
  }
  return { starts, index: Uint16Array.from(index), partial };
}

/**
 * Visits every weight that is kept.
 *
 * @param kept the quads, and whether they come in octs
 * @param shape of the matrix
 * @param each given its place as stored, its place in the checkpoint and its row as stored
 */
export function eachKept(
  { starts, index, inOcts }: Pick<Kept, "starts" | "index"> & Pick<Together, "inOcts">,
  { rows, columns, transposed }: Shape,
  each: (place: number, at: number, row: number) => void,
): void {
  if (inOcts) {
    for (let oct = 0; oct < index.length / 2; oct++) {
      const [first, row] = [index[2 * oct]!, index[2 * oct + 1]!];
      const last = Math.min(first + 2 * LANES, columns);
      for (let column = first; column < last; column++) {
        const at = transposed ? column * rows + row : row * columns + column;
        each(2 * LANES * oct + column - first, at, row);
      }
    }
    return;
  }
  for (let row = 0; row < rows; row++) {
    for (let quad = starts[row]!; quad < starts[row + 1]!; quad++) {
      const entry = index[quad]!;
      const first = (entry & (2 ** COLUMN_BITS - 1)) * LANES;
      for (let lane = 0; lane < LANES; lane++) {
        if ((entry >> (COLUMN_BITS + lane) & 1) === 0) continue;
        const column = first + lane;
        each(quad * LANES + lane, transposed ? column * rows + row : row * columns + column, row);
      }
    }
  }
}
