/**
 * Numbers for people.
 *
 * @module
 */

const PREFIXES = ["", "k", "M", "G", "T"];
const SMALL = ["", "m", "µ", "n", "p"];

/** Three digits that count. */
function digits(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/**
 * A quantity with a prefix of the SI: `1.20 mJ`, `12.5 M`.
 *
 * @param value the quantity, null when it is unknown
 * @param unit its unit
 */
export function quantity(value: number | null, unit: string): string {
  if (value === null) return "unknown";
  let size = Math.abs(value);
  let step = 0;
  while (size >= 999.5 && step < PREFIXES.length - 1) {
    size /= 1000;
    step++;
  }
  while (size > 0 && size < 0.9995 && step > 1 - SMALL.length) {
    size *= 1000;
    step--;
  }
  const prefix = step >= 0 ? PREFIXES[step]! : SMALL[-step]!;
  return `${value < 0 ? "-" : ""}${digits(size)} ${prefix}${unit}`.trimEnd();
}

/**
 * A skill: `+0.231`, or `unknown`.
 *
 * @param value 1 - MSE / MSE of copying the last frame
 */
export function signed(value: number | null): string {
  return value === null ? "unknown" : `${value >= 0 ? "+" : ""}${value.toFixed(3)}`;
}

/**
 * A small number: `1.23e-4`, or `unknown`.
 *
 * @param value the number
 */
export function small(value: number | null): string {
  return value === null ? "unknown" : value.toExponential(2);
}

/**
 * Lines of a table, columns side by side; the first to the left, the others to the right.
 *
 * @param rows the cells
 */
export function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map((row) =>
      row.map((cell, i) => i === 0 ? cell.padEnd(width(0)) : cell.padStart(width(i)))
        .join("  ").trimEnd()
    )
    .join("\n");
}
