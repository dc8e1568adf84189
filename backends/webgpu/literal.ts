/**
 * Numbers as WGSL writes them.
 *
 * @module
 */

/**
 * A literal of type f32.
 *
 * @param value a finite number; rounded to f32
 */
export function float(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
