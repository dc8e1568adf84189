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

/** Visits every weight: its place as stored, its row and its column. */
function visit(
  rows: number,
  columns: number,
  padded: number,
  each: (place: number, row: number, column: number) => void,
): void {
  const whole = rows - rows % PANEL;
  for (let row = 0; row < rows; row++) {
    const inPanel = row < whole;
    const begin = inPanel ? (row - row % PANEL) * padded + (row % PANEL) * LANES : row * padded;
    const stride = inPanel ? PANEL * LANES : LANES;
    for (let column = 0; column < columns; column++) {
      const lane = column % LANES;
      each(begin + (column - lane) / LANES * stride + lane, row, column);
    }
  }
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
}

/** Checkpoint order to panels. */
export function pack(from: ArrayLike<number>, shape: Shape, to: Float32Array): void {
  const { rows, columns, transposed, padded = paddedColumns(columns) } = shape;
  visit(rows, columns, padded, (place, row, column) => {
    to[place] = from[transposed ? column * rows + row : row * columns + column]!;
  });
}

/** Panels to checkpoint order. */
export function unpack(from: Float32Array, shape: Shape, to: Float32Array): void {
  const { rows, columns, transposed, padded = paddedColumns(columns) } = shape;
  visit(rows, columns, padded, (place, row, column) => {
    to[transposed ? column * rows + row : row * columns + column] = from[place]!;
  });
}
