/**
 * How a rung stores a matrix.
 *
 * @module
 */

/** The choices, each off on the first rung. */
export interface Layout {
  /** Rows are padded with zeros to a multiple of eight. */
  readonly padded: boolean;
  /** The decoder has a row for each hidden value instead of one for each output. */
  readonly hiddenMajor: boolean;
  /** Four rows lie together, four columns of each at a time. */
  readonly panels: boolean;
}

const LANES = 4;
const PANEL = 4;

/** A row's length as stored. */
export function paddedTo(layout: Layout, columns: number): number {
  return layout.padded ? Math.ceil(columns / 8) * 8 : columns;
}

/**
 * Visits every weight of a matrix.
 *
 * @param layout how it is stored
 * @param rows as stored
 * @param columns as stored, without padding
 * @param each called with the place in memory, the row and the column
 */
export function eachWeight(
  layout: Layout,
  rows: number,
  columns: number,
  each: (place: number, row: number, column: number) => void,
): void {
  const padded = paddedTo(layout, columns);
  const inPanels = layout.panels ? rows - rows % PANEL : 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const lane = column % LANES;
      const place = row < inPanels
        ? (row - row % PANEL) * padded + (column - lane) * PANEL + (row % PANEL) * LANES + lane
        : row * padded + column;
      each(place, row, column);
    }
  }
}
