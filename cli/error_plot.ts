/**
 * Errors over time as a picture: a small SVG that every browser shows.
 *
 * @module
 */

/** A curve. */
export interface Curve {
  /** What it shows. */
  readonly name: string;
  /** CSS colour. */
  readonly colour: string;
  /** A value a step; NaN where there is none. */
  readonly values: readonly number[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 360, 70, 20, 50, 40];
/** Points of a curve at most: each is the mean over as many steps as it takes. */
const POINTS = 240;

/** Means over equal runs of steps, without what is no number. */
function means(values: readonly number[], each: number): number[] {
  return Array.from({ length: Math.ceil(values.length / each) }, (_, i) => {
    const run = values.slice(i * each, (i + 1) * each).filter(Number.isFinite);
    return run.length === 0 ? NaN : run.reduce((a, b) => a + b, 0) / run.length;
  });
}

const escaped = (text: string) =>
  text.replace(/[<>&"]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[c] ?? "&quot;");

/**
 * Draws curves over the same steps, from 0 up.
 *
 * @param title above them
 * @param curves as many values each
 * @returns a whole SVG file
 */
export function errorPlot(title: string, curves: readonly Curve[]): string {
  const steps = Math.max(...curves.map(({ values }) => values.length), 1);
  const each = Math.ceil(steps / POINTS);
  const lines = curves.map((curve) => ({ ...curve, points: means(curve.values, each) }));
  const finite = lines.flatMap(({ points }) => points).filter(Number.isFinite);
  const most = finite.reduce((a, b) => Math.max(a, b), 0) || 1;
  const x = (step: number) => LEFT + (WIDTH - LEFT - RIGHT) * step / steps;
  const y = (value: number) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most;
  const text = (at: number, down: number, words: string, more = "") =>
    `<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" ${more}>${escaped(words)}</text>`;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(LEFT, 18, title, 'font-weight="bold"'),
  ];
  for (let i = 0; i <= 4; i++) {
    const value = most * i / 4;
    out.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`,
      text(LEFT - 6, y(value) + 4, value.toExponential(1), 'text-anchor="end"'),
      text(x(steps * i / 4), HEIGHT - 22, `${Math.round(steps * i / 4)}`, 'text-anchor="middle"'),
    );
  }
  out.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "step", 'text-anchor="middle"'));
  for (const [i, { name, colour, points }] of lines.entries()) {
    // A point stands in the middle of its steps; the curve begins anew behind a gap.
    let path = "";
    let open = false;
    for (const [k, value] of points.entries()) {
      if (!Number.isFinite(value)) {
        open = false;
        continue;
      }
      const middle = (k * each + Math.min((k + 1) * each, steps)) / 2;
      path += `${open ? "L" : "M"}${x(middle).toFixed(1)} ${y(value).toFixed(1)}`;
      open = true;
    }
    const left = LEFT + i * 170;
    out.push(
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      `<line x1="${left}" x2="${left + 18}" y1="34" y2="34" stroke="${colour}" stroke-width="3"/>`,
      text(left + 24, 38, name),
    );
  }
  return `${out.join("\n")}\n</svg>\n`;
}
