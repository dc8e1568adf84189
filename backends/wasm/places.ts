/**
 * Weights of a codebook in linear memory: the place of each in the codebook of its matrix, packed in groups of four quads
 * (`kernels/src/tables.rs`), and elsewhere a byte each of what its master has beside that centroid.
 *
 * @module
 */
import { nearestCentroid } from "../../model/codebook.ts";
import { gridOf } from "../../model/codebook_grid.ts";
import type { Tensor } from "../../model/checkpoint.ts";
import { type CodebookFormat, placeBits } from "../../model/weight_format.ts";
import type { Cells } from "./weight_memory.ts";

const LANES = 4;
/** Quads of a group. */
export const GROUP = 4;

/** Where the weights of a matrix are. */
export interface PlacesAt {
  /** Packed places. */
  readonly places: Uint8Array;
  /** Bytes beside them. */
  readonly rests: Int8Array;
  /** The codebook, written before the weights are; and its step, [1]. */
  readonly centroids: Tensor;
  readonly scale: Tensor;
}

/**
 * Reads and writes the weights of a matrix.
 *
 * @param format of the matrix
 * @param at where it is
 */
export function placeCells(format: CodebookFormat, at: PlacesAt): Cells {
  const { places, rests } = at;
  const bits = placeBits(format);
  const most = 2 ** bits - 1;
  const scale = at.scale[0]!;
  const { centroids } = gridOf(at.centroids, scale);
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
      return (centroids[places[byte]! >> shift & most]! + rests[place]!) * scale;
    },
    set(place, _, value) {
      const [byte, shift] = cellOf(place);
      const steps = value / scale;
      const k = nearestCentroid(centroids, steps);
      places[byte] = places[byte]! & ~(most << shift) | k << shift;
      rests[place] = steps - centroids[k]!;
    },
  };
}
