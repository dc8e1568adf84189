/**
 * Weights of codebooks as a file holds them: the place of each weight in the codebook of its matrix, 4 or 2 bits, the lowest bits of
 * a byte first. Places follow each other in the order of the whole tensor, without a gap between matrices; those of pruned weights
 * are left out. What is left of the last byte is 0.
 *
 * @module
 */
import { badCodebook } from "./check_codebooks.ts";
import type { Tensor } from "./checkpoint.ts";
import { placeOf } from "./codebook.ts";
import type { Plan } from "./plan.ts";
import type { StoredTensor } from "./safetensors.ts";
import { type CodebookFormat, codebookSize, matricesOf, placeBits } from "./weight_format.ts";

/** Which weights: all encoders, or all decoders. */
export interface PlacesOf {
  /** The model; its mask counts. */
  readonly plan: Plan;
  /** Its format. */
  readonly format: CodebookFormat;
  /** Which matrices. */
  readonly name: "encoder" | "decoder";
}

/** Visits every weight that is kept, with the codebook of its matrix. */
function eachKept(
  { plan, format, name }: PlacesOf,
  codebooks: Tensor,
  visit: (at: number, centroids: Tensor) => void,
): void {
  const size = codebookSize(format);
  for (const place of matricesOf(plan)) {
    if (place.name !== name) continue;
    const centroids = codebooks.subarray(place.unit * size, (place.unit + 1) * size);
    const end = place.begin + place.rows * place.columns;
    for (let at = place.begin; at < end; at++) {
      if (plan.mask?.[name][at] !== 0) visit(at, centroids);
    }
  }
}

/** How many weights there are, and how many of them are kept. */
function countOf({ plan, name }: PlacesOf): { readonly all: number; readonly kept: number } {
  let all = 0;
  for (const place of matricesOf(plan)) {
    if (place.name === name) all += place.rows * place.columns;
  }
  return { all, kept: plan.mask?.[name].reduce((sum, bit) => sum + bit, 0) ?? all };
}

/**
 * Packs weights.
 *
 * @param of which
 * @param weights all of them
 * @param codebooks those of all units
 * @throws {RangeError} for a weight that is not in its codebook: packing loses nothing
 */
export function packPlaces(
  of: PlacesOf,
  weights: Tensor,
  codebooks: Tensor,
): Uint8Array<ArrayBuffer> {
  const bits = placeBits(of.format);
  const bytes = new Uint8Array(Math.ceil(countOf(of).kept * bits / 8));
  let next = 0;
  eachKept(of, codebooks, (at, centroids) => {
    const place = placeOf(centroids, weights[at]!);
    if (place < 0) {
      throw new RangeError(
        `Weight ${at} of the ${of.name} is ${
          weights[at]
        }, which is not in its codebook: round the checkpoint first (quantise)`,
      );
    }
    bytes[next >> 3]! |= place << (next & 7);
    next += bits;
  });
  return bytes;
}

/**
 * Unpacks weights.
 *
 * @param of which
 * @param places what {@linkcode packPlaces} made
 * @param codebooks those of all units
 * @returns all weights, 0 where they are pruned
 * @throws {SyntaxError} where it is not that of the model
 */
export function unpackPlaces(
  of: PlacesOf,
  places: StoredTensor | undefined,
  codebooks: StoredTensor | undefined,
): Tensor {
  const { plan, format, name } = of;
  const bits = placeBits(format);
  const { all, kept } = countOf(of);
  const isNumbers = codebooks instanceof Float32Array || codebooks instanceof Float64Array;
  const wanted = codebookSize(format) * plan.inputs.length;
  if (!isNumbers || codebooks.length !== wanted) {
    throw new SyntaxError(
      `tensor "${name}.codebook" should have ${wanted} numbers, not ${
        isNumbers ? codebooks.length : "none"
      }`,
    );
  }
  const length = Math.ceil(kept * bits / 8);
  if (!(places instanceof Uint8Array) || places.length !== length) {
    throw new SyntaxError(
      `tensor "${name}" should have ${length} bytes of ${bits} bits a weight, not ${
        places instanceof Uint8Array ? places.length : "none"
      }`,
    );
  }
  for (const place of matricesOf(plan)) {
    const first = place.unit * 2 ** bits;
    const bad = place.name === name
      ? badCodebook(place, codebooks.subarray(first, first + 2 ** bits))
      : undefined;
    if (bad !== undefined) throw new SyntaxError(bad);
  }
  const weights = new Float32Array(all);
  let next = 0;
  eachKept(of, codebooks, (at, centroids) => {
    weights[at] = centroids[(places[next >> 3]! >> (next & 7)) & (2 ** bits - 1)]!;
    next += bits;
  });
  if (next % 8 !== 0 && places.at(-1)! >> (next % 8) !== 0) {
    throw new SyntaxError(`tensor "${name}" goes on behind its last weight`);
  }
  return weights;
}
