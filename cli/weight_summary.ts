/**
 * What the weights of a checkpoint look like: how many there are, and how large.
 *
 * @module
 */
import { densityOf } from "../compress/prune.ts";
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { nearestCentroid } from "../model/codebook.ts";
import type { Plan } from "../model/plan.ts";
import { codebookSize, formatOf, matricesOf } from "../model/weight_format.ts";

/** Bars of a histogram. */
const BINS = 24;
const BARS = " ▁▂▃▄▅▆▇█";

/** The weights of one kind of matrix. */
export interface WeightSummary {
  /** How many there are. */
  readonly weights: number;
  /** How many of them are kept. */
  readonly kept: number;
  /** Of what is kept: the largest without its sign, the root mean square, and how many are exactly 0. */
  readonly largest: number;
  readonly rms: number;
  readonly zeros: number;
  /** Of what is kept: counts over equal parts of -largest to largest. */
  readonly histogram: readonly number[];
  /** Fixed point: the least and the largest scale of a row. */
  readonly scales?: readonly [number, number];
  /** Formats of codebooks: the codebooks. */
  readonly codebooks?: CodebookSummary;
}

/** The codebooks of one kind of matrix. */
export interface CodebookSummary {
  /** That of each unit, ascending. */
  readonly ofUnits: readonly (readonly number[])[];
  /** The mean of each place in them. */
  readonly means: readonly number[];
  /** The weights that are kept at each place. */
  readonly members: readonly number[];
  /** Centroids of all units that no weight has. */
  readonly spare: number;
}

/** The weights of a checkpoint. */
export interface WeightSummaries {
  /** The share that is kept. */
  readonly density: number;
  readonly encoder: WeightSummary;
  readonly decoder: WeightSummary;
}

/**
 * Sums up the weights of a checkpoint.
 *
 * @param plan the model, with its mask
 * @param checkpoint its state
 */
export function summarise(plan: Plan, { tensors }: Checkpoint): WeightSummaries {
  const of = (name: "encoder" | "decoder"): WeightSummary => {
    const weights = tensors[name]!;
    const mask = plan.mask?.[name];
    let [kept, largest, squares, zeros] = [0, 0, 0, 0];
    for (let i = 0; i < weights.length; i++) {
      if (mask?.[i] === 0) continue;
      kept++;
      largest = Math.max(largest, Math.abs(weights[i]!));
      squares += weights[i]! ** 2;
      if (weights[i] === 0) zeros++;
    }
    const histogram = new Array<number>(BINS).fill(0);
    for (let i = 0; i < weights.length && largest > 0; i++) {
      if (mask?.[i] === 0) continue;
      const bin = Math.floor((weights[i]! / largest + 1) / 2 * BINS);
      histogram[Math.min(bin, BINS - 1)]!++;
    }
    const scales = tensors[`${name}.scale`];
    let [least, most] = [Infinity, 0];
    for (const scale of scales ?? []) {
      [least, most] = [Math.min(least, scale), Math.max(most, scale)];
    }
    return {
      weights: weights.length,
      kept,
      largest,
      rms: kept === 0 ? 0 : Math.sqrt(squares / kept),
      zeros,
      histogram,
      ...(scales === undefined ? {} : { scales: [least, most] as const }),
      ...(codebookSize(formatOf(plan)) === 0 ? {} : {
        codebooks: summariseCodebooks(plan, name, tensors),
      }),
    };
  };
  return { density: densityOf(plan), encoder: of("encoder"), decoder: of("decoder") };
}

function summariseCodebooks(
  plan: Plan,
  name: "encoder" | "decoder",
  tensors: Readonly<Record<string, Tensor>>,
): CodebookSummary {
  const size = codebookSize(formatOf(plan));
  const ofUnits: number[][] = [];
  const members = new Array<number>(size).fill(0);
  let spare = 0;
  for (const place of matricesOf(plan)) {
    if (place.name !== name) continue;
    const begin = place.unit * size;
    const centroids = tensors[`${name}.codebook`]!.subarray(begin, begin + size);
    const own = new Array<number>(size).fill(0);
    for (let at = place.begin; at < place.begin + place.rows * place.columns; at++) {
      if (plan.mask?.[name][at] !== 0) own[nearestCentroid(centroids, tensors[name]![at]!)]!++;
    }
    ofUnits.push([...centroids]);
    for (const [k, count] of own.entries()) members[k]! += count;
    spare += own.filter((count) => count === 0).length;
  }
  const means = members.map((_, k) =>
    ofUnits.reduce((sum, centroids) => sum + centroids[k]!, 0) / ofUnits.length
  );
  return { ofUnits, means, members, spare };
}

/**
 * A histogram as a line of text; what is there at all is seen.
 *
 * @param counts of each bar
 */
export function bars(counts: readonly number[]): string {
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  return counts.map((count) => BARS[most === 0 ? 0 : Math.ceil(8 * count / most)]).join("");
}
