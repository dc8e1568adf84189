/**
 * A mask as a file holds it: a bit a block, of the largest blocks that are kept or pruned as one.
 *
 * The bits of all encoders, and those of all decoders, follow each other in unit order without a gap, in the order of
 * `weight_blocks.ts`, the lowest bit of a byte first; 1 is kept.
 *
 * @module
 */
import type { Mask, Plan } from "./plan.ts";
import { type Blocks, eachBlock, eachWeight, weightAt } from "./weight_blocks.ts";
import { matricesOf } from "./weight_format.ts";

const MATRICES = ["encoder", "decoder"] as const;

/** Sides that are tried, the largest blocks first. */
const SIDES = [8, 4, 2, 1];
const CANDIDATES: readonly Blocks[] = SIDES
  .flatMap((rows) => SIDES.map((columns) => ({ rows, columns })))
  .sort((a, b) => b.rows * b.columns - a.rows * a.columns || b.rows - a.rows);

/** A packed mask. */
export interface PackedMask {
  /** The blocks, as in `4x1`. */
  readonly blocks: string;
  /** The bits of the encoders. */
  readonly encoder: Uint8Array;
  /** The bits of the decoders. */
  readonly decoder: Uint8Array;
}

/**
 * Packs a mask.
 *
 * @param plan the model
 * @param mask which weights there are
 */
export function packMask(plan: Plan, mask: Mask): PackedMask {
  const blocks = CANDIDATES.find((blocks) => fits(plan, mask, blocks))!;
  const bits = { encoder: [] as number[], decoder: [] as number[] };
  const counts = { encoder: 0, decoder: 0 };
  for (const place of matricesOf(plan)) {
    const { name } = place;
    eachBlock(place, blocks, (row, column) => {
      const count = counts[name]++;
      const kept = mask[name][weightAt(place, row, column)]!;
      if (count % 8 === 0) bits[name].push(0);
      bits[name][count >> 3]! |= kept << (count & 7);
    });
  }
  return {
    blocks: `${blocks.rows}x${blocks.columns}`,
    encoder: Uint8Array.from(bits.encoder),
    decoder: Uint8Array.from(bits.decoder),
  };
}

/** Whether no block is kept in part. */
function fits(plan: Plan, mask: Mask, blocks: Blocks): boolean {
  if (blocks.rows * blocks.columns === 1) return true;
  let whole = true;
  for (const place of matricesOf(plan)) {
    const bits = mask[place.name];
    eachBlock(place, blocks, (row, column) => {
      if (!whole) return;
      let first = -1;
      eachWeight(place, blocks, row, column, (at) => {
        if (first < 0) first = bits[at]!;
        else if (first !== bits[at]) whole = false;
      });
    });
    if (!whole) return false;
  }
  return true;
}

/**
 * Unpacks a mask.
 *
 * @param plan the model
 * @param packed what {@linkcode packMask} made
 * @throws {SyntaxError} where it is not of the plan
 */
export function unpackMask(plan: Plan, { blocks: text, encoder, decoder }: PackedMask): Mask {
  const [, rows, columns] = text.match(/^([1-9]\d{0,3})x([1-9]\d{0,3})$/) ?? [];
  if (rows === undefined) throw new SyntaxError(`its mask has blocks of "${text}"`);
  const blocks = { rows: Number(rows), columns: Number(columns) };
  const packed = { encoder, decoder };
  const lengths = { encoder: 0, decoder: 0 };
  for (const { name, rows, columns } of matricesOf(plan)) lengths[name] += rows * columns;
  const mask = {
    encoder: new Uint8Array(lengths.encoder),
    decoder: new Uint8Array(lengths.decoder),
  };
  const counts = { encoder: 0, decoder: 0 };
  for (const place of matricesOf(plan)) {
    const { name } = place;
    eachBlock(place, blocks, (row, column) => {
      const count = counts[name]++;
      const kept = (packed[name][count >> 3]! >> (count & 7)) & 1;
      if (kept === 1) eachWeight(place, blocks, row, column, (at) => mask[name][at] = 1);
    });
  }
  for (const name of MATRICES) {
    if (packed[name].length !== Math.ceil(counts[name] / 8)) {
      throw new SyntaxError("its mask is not that of its model");
    }
  }
  return mask;
}
