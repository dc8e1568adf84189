/**
 * Colour pictures from brightness and colour difference (BT.601), as video stores them.
 *
 * @module
 */
import type { Chroma } from "./y4m_header.ts";
import type { Size } from "./source.ts";

/**
 * Bytes of a planar 8 bit picture: all of Y, then U, then V.
 *
 * @param size the size of the picture
 * @param chroma how many pixels share a colour sample
 * @returns how many bytes it takes
 */
export function yuvLength(size: Size, chroma: Chroma): number {
  const { columns, rows } = chromaSize(size, chroma);
  return size.width * size.height + 2 * columns * rows;
}

/**
 * Prepares the conversion of many pictures; converting one then allocates nothing.
 *
 * @param size the size of the pictures
 * @param chroma how many pixels share a colour sample
 * @param fullRange whether Y uses 0 to 255 (and U, V likewise), not 16 to 235 (16 to 240)
 * @returns a function from planar YUV to rows, columns, channels R G B
 */
export function createYuvConverter(
  size: Size,
  chroma: Chroma,
  fullRange: boolean,
): (source: Uint8Array, into: Uint8Array) => void {
  const { width, height } = size;
  const { columns, rows } = chromaSize(size, chroma);
  const lumaGain = fullRange ? 1 : 255 / 219;
  const colourGain = fullRange ? 1 : 255 / 224;
  const luma = table((value) => (value - (fullRange ? 0 : 16)) * lumaGain + 0.5);
  const redFromV = table((value) => (value - 128) * colourGain * 1.402);
  const greenFromU = table((value) => (value - 128) * colourGain * -0.344136);
  const greenFromV = table((value) => (value - 128) * colourGain * -0.714136);
  const blueFromU = table((value) => (value - 128) * colourGain * 1.772);
  const planeU = width * height;
  const planeV = planeU + columns * rows;
  const shiftAcross = chroma.across === 2 ? 1 : 0;
  const shiftDown = chroma.down === 2 ? 1 : 0;

  return (source, into) => {
    let pixel = 0;
    for (let y = 0; y < height; y++) {
      const row = (y >> shiftDown) * columns;
      for (let x = 0; x < width; x++, pixel++) {
        const light = luma[source[pixel]!]!;
        let red = light, green = light, blue = light;
        if (columns > 0) {
          const sample = row + (x >> shiftAcross);
          const u = source[planeU + sample]!, v = source[planeV + sample]!;
          red += redFromV[v]!;
          green += greenFromU[u]! + greenFromV[v]!;
          blue += blueFromU[u]!;
        }
        into[pixel * 3] = red < 0 ? 0 : red > 255 ? 255 : red;
        into[pixel * 3 + 1] = green < 0 ? 0 : green > 255 ? 255 : green;
        into[pixel * 3 + 2] = blue < 0 ? 0 : blue > 255 ? 255 : blue;
      }
    }
  };
}

function chromaSize(size: Size, chroma: Chroma): { columns: number; rows: number } {
  if (chroma.across === 0 || chroma.down === 0) return { columns: 0, rows: 0 };
  return {
    columns: Math.ceil(size.width / chroma.across),
    rows: Math.ceil(size.height / chroma.down),
  };
}

function table(of: (value: number) => number): Float64Array {
  return Float64Array.from({ length: 256 }, (_, value) => of(value));
}
