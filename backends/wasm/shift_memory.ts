/**
 * The shift candidates of a model in linear memory (`kernels/src/shift.rs`).
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { copyCount, type Plan, SHIFT_REACH, shiftOf, signalLengths } from "../../model/plan.ts";
import { SHIFT_WORDS } from "./records.ts";

/** Lanes of a vector: one for each memory, used or not. */
const LANES = 4;
/** Values behind the end of a patch. */
const SLACK = 4 * LANES;

const upTo = (count: number, step: number) => Math.ceil(count / step) * step;

/** Pixels along a side of a unit's tile. */
const tileOf = (signal: number) => Math.sqrt(signal / 3);

/** Values between a candidate and the next: its own, and what a vector that begins behind them has. */
const candidateStride = (signal: number) => upTo(signal + LANES, LANES);

/** Vectors of evidence: products of each two of the copies and the change. */
const evidenceCount = (copies: number) => (copies + 1) * (copies + 2) / 2;

/** The signals of the units of layer 0. */
const groundSignals = (plan: Plan) => signalLengths(plan).subarray(0, plan.layerStart[1]!);

/**
 * Places what the units of layer 0 have.
 *
 * @param plan a model with shift candidates
 * @param floats hands out room for a number of values
 * @param runs where the runs of a unit's patch are, and how many
 * @returns the records, with pointers from the start
 */
export function placeShift(
  plan: Plan,
  floats: (count: number) => number,
  runs: (unit: number) => readonly [number, number],
): Uint32Array {
  const { memories } = shiftOf(plan)!;
  const records = Array.from(groundSignals(plan), (signal, u) => [
    tileOf(signal),
    floats(memories.length * candidateStride(signal)),
    floats(LANES * evidenceCount(copyCount(plan))),
    ...runs(u),
  ]);
  return Uint32Array.from(records.flat());
}

/**
 * Values of the vectors of a thread (`Shape::room`), for the largest tile.
 *
 * @param plan any model
 * @returns of patches, mosaics, samples and system; 0 without shift candidates
 */
export function shiftRoom(plan: Plan): readonly [number, number, number, number] {
  const shift = shiftOf(plan);
  if (shift === undefined) return [0, 0, 0, 0];
  const window = tileOf(Math.max(0, ...groundSignals(plan))) + 2 * SHIFT_REACH;
  const pixels = (window + 2 * shift.radius) ** 2;
  const copies = copyCount(plan);
  return [
    2 * (3 * pixels + SLACK),
    3 * (pixels + SLACK),
    (copies + 1) * (upTo(window ** 2, LANES) + LANES),
    (LANES + 1) * upTo(evidenceCount(copies), LANES),
  ];
}

/** Views of the shift candidates of a placed model. */
export class ShiftMemory {
  readonly #buffer: ArrayBufferLike;
  readonly #records: Uint32Array;
  readonly #memories: number;
  readonly #copies: number;
  readonly #signals: Uint32Array;

  /**
   * Of a placed model.
   *
   * @param plan a model with shift candidates
   * @param buffer the memory
   * @param records as they lie there
   */
  constructor(plan: Plan, buffer: ArrayBufferLike, records: Uint32Array) {
    this.#buffer = buffer;
    this.#records = records;
    this.#memories = shiftOf(plan)!.memories.length;
    this.#copies = copyCount(plan);
    this.#signals = groundSignals(plan);
  }

  /** Writes a tensor to the memory. */
  write(name: string, tensor: Tensor): void {
    this.#each(name, (values, i, at) => values[i] = tensor[at]!);
  }

  /** Reads a tensor from the memory. */
  read(name: string, into: Tensor): void {
    this.#each(name, (values, i, at) => into[at] = values[i]!);
  }

  /** Pairs every value of a tensor with its place. */
  #each(name: string, visit: (values: Float32Array, i: number, at: number) => void): void {
    let at = 0;
    for (let u = 0; u < this.#signals.length; u++) {
      for (let memory = 0; memory < this.#memories; memory++) {
        const { values, step, count } = this.#part(name, u, memory);
        for (let i = 0; i < count; i++) visit(values, i * step, at++);
      }
    }
  }

  /** Where a memory's part of a tensor lies: every `step`-th of some values. */
  #part(name: string, u: number, memory: number) {
    const [, candidates, evidence] = this.#records.subarray(u * SHIFT_WORDS);
    const view = (at: number, length: number) => new Float32Array(this.#buffer, at, length);
    if (name === "shift") {
      const count = this.#signals[u]!;
      return {
        values: view(candidates! + 4 * memory * candidateStride(count), count),
        step: 1,
        count,
      };
    }
    const K = this.#copies;
    const triangle = K * (K + 1) / 2;
    const [first, count] = name === "shift.moments"
      ? [0, triangle] as const
      : name === "shift.products"
      ? [triangle, K] as const
      : [triangle + K, 1] as const;
    const values = view(evidence! + 4 * (LANES * first + memory), LANES * (count - 1) + 1);
    return { values, step: LANES, count };
  }
}
