/**
 * Pictures in a terminal: half blocks, two pixels a character.
 *
 * @module
 */

/** A picture: rows, columns, channels R G B, one byte each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/** How a terminal shows colour. */
export type Colour = "true" | "256" | "none";

const RAMP = " .:-=+*#%@";

/** The nearest of the 216 colours of the cube, whose levels are 0, 95, 135, 175, 215 and 255. */
function cube(r: number, g: number, b: number): number {
  const level = (value: number) => value < 48 ? 0 : value < 115 ? 1 : Math.floor((value - 35) / 40);
  return 16 + 36 * level(r) + 6 * level(g) + level(b);
}

/**
 * Pictures side by side, as lines of text.
 *
 * @param pictures of equal height
 * @param options characters a picture may be wide, and how colour is shown
 */
export function blocks(
  pictures: readonly Pixels[],
  options: { readonly columns: number; readonly colour: Colour },
): string[] {
  const { columns, colour } = options;
  const [first] = pictures;
  if (first === undefined) return [];
  const scale = Math.max(first.width / columns, 1);
  const rows = Math.ceil(Math.floor(first.height / scale) / 2);
  return Array.from({ length: rows }, (_, row) =>
    pictures.map((picture) => {
      const width = Math.floor(picture.width / scale);
      let line = "";
      for (let column = 0; column < width; column++) {
        const pixel = (half: number): [number, number, number] => {
          const y = Math.min(Math.floor((2 * row + half) * scale), picture.height - 1);
          const at = (y * picture.width + Math.floor(column * scale)) * 3;
          return [picture.bytes[at]!, picture.bytes[at + 1]!, picture.bytes[at + 2]!];
        };
        line += cell(pixel(0), pixel(1), colour);
      }
      return line + (colour === "none" ? "" : "\x1b[0m");
    }).join("  "));
}

function cell(
  top: [number, number, number],
  bottom: [number, number, number],
  colour: Colour,
): string {
  if (colour === "true") {
    return `\x1b[38;2;${top.join(";")};48;2;${bottom.join(";")}m▀`;
  }
  if (colour === "256") return `\x1b[38;5;${cube(...top)};48;5;${cube(...bottom)}m▀`;
  const light = [...top, ...bottom].reduce((sum, value) => sum + value) / (6 * 256);
  return RAMP[Math.floor(light * RAMP.length)]!;
}

/**
 * What colour the terminal shows, by the usual variables.
 *
 * @param env the environment
 */
export function colourOf(env: Readonly<Record<string, string | undefined>>): Colour {
  if (env["NO_COLOR"] || env["TERM"] === "dumb") return "none";
  return /truecolor|24bit/.test(env["COLORTERM"] ?? "") ? "true" : "256";
}
