/** The golden files, and the frames and weights they were made of (pvm-spec 17). */

/** A golden file as JSON. */
// deno-lint-ignore no-explicit-any
export function golden(name: string): any {
  return JSON.parse(Deno.readTextFileSync(new URL(`./golden/${name}.json`, import.meta.url)));
}

/** Frame n of the golden sequence, side x side x 3 bytes. */
export function goldenFrame(n: number, side: number): Uint8Array {
  const frame = new Uint8Array(side * side * 3);
  const put = (rows: number, columns: number, size: number, colour: readonly number[]) => {
    for (let r = rows; r < rows + size; r++) {
      for (let c = columns; c < columns + size; c++) frame.set(colour, (r * side + c) * 3);
    }
  };
  for (let r = 0; r < side; r++) {
    for (let c = 0; c < side; c++) {
      frame.set([
        (Math.floor(255 * c / (side - 1)) + 3 * n) % 256,
        (Math.floor(255 * r / (side - 1)) + 5 * n) % 256,
        (Math.floor(((c * r * 7 + 11 * n + 13) % 256) / 2) + 40) % 256,
      ], (r * side + c) * 3);
    }
  }
  const q = Math.max(2, Math.floor(side / 4));
  const column = (2 * n + 1) % (side - q);
  put((3 * n + 2) % (side - q), column, q, [20, 230, 60]);
  put((side - q) - n % (side - q), column, Math.floor(q / 2) + 1, [240, 30, 200]);
  return frame;
}
