/**
 * Several results of the same thing as one cell of a table.
 *
 * @module
 */

/**
 * The mean, and behind it the largest less the smallest where there are several.
 *
 * @param values results, of a seed each
 * @param text how a number is written; the sign of a spread is left out
 */
export function meanAndSpread(
  values: readonly number[],
  text: (value: number) => string,
): string {
  const mean = text(values.reduce((a, b) => a + b, 0) / values.length);
  if (values.length === 1) return mean;
  return `${mean} (${text(Math.max(...values) - Math.min(...values)).replace("+", "")})`;
}
