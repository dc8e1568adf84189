/**
 * The order in which the f32 kernels keep a matrix (`kernels/src/format_f32.rs`): panels of four rows, four columns at a time.
 *
 * @module
 */

const LANES = 4;
const PANEL = 4;
/** Columns are padded to a multiple of this. */
const COLUMNS = 8;

/** Columns as stored. */
export function paddedColumns(columns: number): number {
  return Math.ceil(columns / COLUMNS) * COLUMNS;
}

/** Rows in whole panels. */
export function paddedRows(rows: number): number {
  return Math.ceil(rows / PANEL) * PANEL;
}

/** A matrix of the plan: rows x columns, stored as it is or transposed. */
export interface Shape {
  /** Rows as stored. */
  readonly rows: number;
  /** Columns as stored, without padding. */
  readonly columns: number;
  /** Whether the checkpoint has it columns x rows. */
  readonly transposed: boolean;
  /** Columns as stored, where the padding is that of a longer vector. */
  readonly padded?: number;
  /** Whether rows that are left over lie in a panel, too. */
  readonly wholePanels?: boolean;
}

/**
 * Visits every weight.
 *
 * @param shape of the matrix
 * @param each given its place as stored, its place in the checkpoint and its row as stored
 */
export function eachInPanels(
  { rows, columns, transposed, padded = paddedColumns(columns), wholePanels = false }: Shape,
  each: (place: number, at: number, row: number) => void,
): void {
  const whole = wholePanels ? rows : rows - rows % PANEL;
  for (let row = 0; row < rows; row++) {
    const inPanel = row < whole;
    const begin = inPanel ? (row - row % PANEL) * padded + (row % PANEL) * LANES : row * padded;
    const stride = inPanel ? PANEL * LANES : LANES;
    for (let column = 0; column < columns; column++) {
      const lane = column % LANES;
      const at = transposed ? column * rows + row : row * columns + column;
      each(begin + (column - lane) / LANES * stride + lane, at, row);
    }
  }
}

/** Checkpoint order to panels. */
export function pack(from: ArrayLike<number>, shape: Shape, to: Float32Array): void {
  eachInPanels(shape, (place, at) => to[place] = from[at]!);
}

/** Panels to checkpoint order. */
export function unpack(from: Float32Array, shape: Shape, to: Float32Array): void {
  eachInPanels(shape, (place, at) => to[at] = from[place]!);
}
