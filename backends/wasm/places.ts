/**
 * Weights of a codebook in linear memory: the place of each in the codebook of its matrix, packed in groups of four quads
 * (`kernels/src/tables.rs`).
 *
 * @module
 */
import { placeOf } from "../../model/codebook.ts";
import { type CodebookFormat, codebookSize, placeBits } from "../../model/weight_format.ts";
import type { Cells } from "./weight_memory.ts";

const LANES = 4;
/** Quads of a group. */
export const GROUP = 4;

/** The share of its bytes that a step writes which learns, measured on models of both rules: few weights move. */
const WRITTEN: Readonly<Record<CodebookFormat, number>> = {
  codebook4: 1 / 200,
  codebook2: 1 / 2000,
};
/** Steps between two moves of a unit's centroids. */
const CENTROIDS_EVERY = 4;

/**
 * Bytes that a step writes to the matrices of a unit.
 *
 * @param format of the weights
 * @param bytes what the matrices take
 */
export function writtenBytes(
  format: CodebookFormat,
  { encoder, decoder }: { readonly encoder: number; readonly decoder: number },
): number {
  return WRITTEN[format] * (encoder + decoder) + 2 * 4 * codebookSize(format) / CENTROIDS_EVERY;
}

/**
 * Reads and writes the weights of a matrix.
 *
 * @param format of the matrix
 * @param bytes where its places begin
 * @param centroids its codebook, written before the weights are
 * @param members how many weights each centroid has, for the kernels
 */
export function placeCells(
  format: CodebookFormat,
  bytes: Uint8Array,
  centroids: Float32Array,
  members: Uint32Array,
): Cells {
  const bits = placeBits(format);
  const most = 2 ** bits - 1;
  const counts = new Uint32Array(centroids.length);
  // Of four bits a byte has a lane of the first two quads below one of the others; of two bits it has a lane of all four.
  const cellOf = (place: number): readonly [byte: number, shift: number] => {
    const lane = place % LANES;
    const quad = (place - lane) / LANES % GROUP;
    const group = (place - lane - quad * LANES) / (GROUP * LANES);
    return bits === 4
      ? [8 * group + quad % 2 * LANES + lane, 4 * (quad >> 1)]
      : [4 * group + lane, 2 * quad];
  };
  return {
    get(place) {
      const [byte, shift] = cellOf(place);
      return centroids[bytes[byte]! >> shift & most]!;
    },
    set(place, _, value) {
      const [byte, shift] = cellOf(place);
      const k = placeOf(centroids, value);
      bytes[byte] = bytes[byte]! & ~(most << shift) | k << shift;
      counts[k]!++;
    },
    count: () => members.set(counts),
  };
}
