/**
 * Weights of codebooks as a file holds them: the place of each weight in the codebook of its matrix, 4 or 2 bits, the lowest bits of
 * a byte first, and what its master has beside that centroid, a signed byte of steps. Both follow each other in the order of the whole
 * tensor, without a gap between matrices; those of pruned weights are left out. What is left of the last byte of places is 0. Where no
 * master has anything beside its centroid the bytes are left out.
 *
 * @module
 */
import { badCodebook } from "./check_codebooks.ts";
import type { Tensor } from "./checkpoint.ts";
import { nearestCentroid } from "./codebook.ts";
import { type Grid, gridOf, masterOf } from "./codebook_grid.ts";
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

/** Codebooks of all units, and their steps. */
export interface Codebooks {
  /** [units, 16 or 4]. */
  readonly centroids: Tensor;
  /** [units]. */
  readonly scales: Tensor;
}

/** Places, and what masters have beside them. */
export interface PackedPlaces {
  /** 4 or 2 bits each. */
  readonly places: Uint8Array<ArrayBuffer>;
  /** A byte each; none where all are 0. */
  readonly rests?: Int8Array<ArrayBuffer>;
}

/** Visits every weight that is kept, with the grid of its matrix. */
function eachKept(
  { plan, format, name }: PlacesOf,
  { centroids, scales }: Codebooks,
  visit: (at: number, grid: Grid) => void,
): void {
  const size = codebookSize(format);
  for (const { name: of, unit, begin, rows, columns } of matricesOf(plan)) {
    if (of !== name) continue;
    const grid = gridOf(centroids.subarray(unit * size, (unit + 1) * size), scales[unit]!);
    for (let at = begin; at < begin + rows * columns; at++) {
      if (plan.mask?.[name][at] !== 0) visit(at, grid);
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
export function packPlaces(of: PlacesOf, weights: Tensor, codebooks: Codebooks): PackedPlaces {
  const bits = placeBits(of.format);
  const { kept } = countOf(of);
  const places = new Uint8Array(Math.ceil(kept * bits / 8));
  const rests = new Int8Array(kept);
  let next = 0;
  eachKept(of, codebooks, (at, grid) => {
    const steps = weights[at]! / grid.scale;
    if (masterOf(grid, steps) !== steps) {
      throw new RangeError(
        `Weight ${at} of the ${of.name} is ${
          weights[at]
        }, which is not within its codebook: round the checkpoint first (quantise)`,
      );
    }
    const place = nearestCentroid(grid.centroids, steps);
    rests[next] = steps - grid.centroids[place]!;
    places[next * bits >> 3]! |= place << (next * bits & 7);
    next++;
  });
  return rests.some((rest) => rest !== 0) ? { places, rests } : { places };
}

/** What a file holds of the weights of codebooks. */
export interface StoredPlaces {
  readonly places: StoredTensor | undefined;
  readonly rests: StoredTensor | undefined;
  readonly centroids: StoredTensor | undefined;
  readonly scales: StoredTensor | undefined;
}

function numbersOf(name: string, tensor: StoredTensor | undefined, length: number): Tensor {
  const isNumbers = tensor instanceof Float32Array || tensor instanceof Float64Array;
  if (isNumbers && tensor.length === length) return tensor;
  throw new SyntaxError(
    `tensor "${name}" should have ${length} numbers, not ${isNumbers ? tensor.length : "none"}`,
  );
}

/**
 * Unpacks weights.
 *
 * @param of which
 * @param stored what {@linkcode packPlaces} made, and the codebooks of all units
 * @returns all weights, 0 where they are pruned
 * @throws {SyntaxError} where it is not that of the model
 */
export function unpackPlaces(of: PlacesOf, stored: StoredPlaces): Tensor {
  const { plan, format, name } = of;
  const { places, rests } = stored;
  const bits = placeBits(format);
  const size = codebookSize(format);
  const { all, kept } = countOf(of);
  const units = plan.inputs.length;
  const centroids = numbersOf(`${name}.codebook`, stored.centroids, size * units);
  const scales = numbersOf(`${name}.scale`, stored.scales, units);
  const length = Math.ceil(kept * bits / 8);
  if (!(places instanceof Uint8Array) || places.length !== length) {
    throw new SyntaxError(
      `tensor "${name}" should have ${length} bytes of ${bits} bits a weight, not ${
        places instanceof Uint8Array ? places.length : "none"
      }`,
    );
  }
  if (rests !== undefined && !(rests instanceof Int8Array && rests.length === kept)) {
    throw new SyntaxError(`tensor "${name}.rest" should have ${kept} bytes`);
  }
  for (const place of matricesOf(plan)) {
    const { unit } = place;
    const bad = place.name === name
      ? badCodebook(place, centroids.subarray(unit * size, (unit + 1) * size), scales[unit]!)
      : undefined;
    if (bad !== undefined) throw new SyntaxError(bad);
  }
  const weights = new Float32Array(all);
  let next = 0;
  eachKept(of, { centroids, scales }, (at, grid) => {
    const place = (places[next * bits >> 3]! >> (next * bits & 7)) & (size - 1);
    const steps = grid.centroids[place]! + (rests?.[next] ?? 0);
    if (masterOf(grid, steps) !== steps || nearestCentroid(grid.centroids, steps) !== place) {
      throw new SyntaxError(
        `tensor "${name}.rest" has ${rests![next]} where another place is nearer`,
      );
    }
    weights[at] = steps * grid.scale;
    next++;
  });
  if (next * bits % 8 !== 0 && places.at(-1)! >> (next * bits % 8) !== 0) {
    throw new SyntaxError(`tensor "${name}" goes on behind its last weight`);
  }
  return weights;
}
