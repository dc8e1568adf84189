/**
 * The pairs of deferred updates in linear memory (`kernels/src/pairs.rs`).
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { ringLength } from "../../model/defer.ts";
import { PAIR_STATE, pairLengths, pairStateOf } from "../../model/pairs.ts";
import { type Plan, unitCount } from "../../model/plan.ts";
import { hiddenColumns } from "./placement.ts";
import { UNIT, UNIT_WORDS } from "./records.ts";

/** Reads and writes the rings of all units. */
export class PairMemory {
  readonly #plan: Plan;
  readonly #buffer: ArrayBufferLike;
  readonly #units: Uint32Array;

  /**
   * Points each place of the rings of inputs at a vector of its own.
   *
   * @param plan a model that defers
   * @param buffer the memory
   * @param units the unit records in it
   */
  constructor(plan: Plan, buffer: ArrayBufferLike, units: Uint32Array) {
    this.#plan = plan;
    this.#buffer = buffer;
    this.#units = units;
    const ring = ringLength(plan.defer);
    for (let u = 0; u < unitCount(plan); u++) {
      const pointers = this.#pointers(u);
      // Whatever is placed starts a cache line.
      const lines = (values: number) => Math.ceil(4 * values / 64) * 64;
      const first = pointers.byteOffset + lines(ring);
      const bytes = lines(this.#record(u)[UNIT.inputColumns]!);
      for (let place = 0; place < ring; place++) pointers[place] = first + place * bytes;
    }
  }

  #record(u: number): Uint32Array {
    return this.#units.subarray(u * UNIT_WORDS, (u + 1) * UNIT_WORDS);
  }

  #pointers(u: number): Uint32Array {
    const at = this.#record(u)[UNIT.pairInputs]!;
    return new Uint32Array(this.#buffer, at, ringLength(this.#plan.defer));
  }

  /** Updates since a momentum was loaded, of the unit that made fewest. */
  carried(): number {
    let least = Infinity;
    for (let at = UNIT.pairCarried; at < this.#units.length; at += UNIT_WORDS) {
      least = Math.min(least, this.#units[at]!);
    }
    return least;
  }

  /**
   * Writes the pairs of a checkpoint.
   *
   * @param tensors those of the checkpoint; null when nothing is deferred in it
   */
  write(tensors: Readonly<Record<string, Tensor>> | null): void {
    const { every } = this.#plan.defer;
    for (let u = 0; u < unitCount(this.#plan); u++) {
      const record = this.#record(u);
      // Staggered, so that every step has its share of the writing.
      let state = { count: 0, pending: 0, due: every - u % every, carried: 0 };
      if (tensors !== null) state = pairStateOf(tensors["pairs.state"]!, u);
      record[UNIT.pairNext] = state.count % ringLength(this.#plan.defer);
      record[UNIT.pairCount] = state.count;
      record[UNIT.pairPending] = state.pending;
      record[UNIT.pairDue] = state.due;
      record[UNIT.pairCarried] = state.carried;
      if (tensors === null) continue;
      this.#each(u, (name, part, memory) => memory.set(tensors[name]!.subarray(...part)));
    }
  }

  /** The tensors of a checkpoint. */
  read(): Record<string, Float32Array> {
    const { defer } = this.#plan;
    const out = Object.fromEntries(
      Object.entries(pairLengths(this.#plan, defer)).map(([name, length]) => [
        name,
        new Float32Array(length),
      ]),
    );
    for (let u = 0; u < unitCount(this.#plan); u++) {
      const record = this.#record(u);
      out["pairs.state"]!.set(
        [UNIT.pairCount, UNIT.pairPending, UNIT.pairDue, UNIT.pairCarried].map((word) =>
          record[word]!
        ),
        u * PAIR_STATE,
      );
      this.#each(u, (name, part, memory) => out[name]!.subarray(...part).set(memory));
    }
    return out;
  }

  /** Pairs the vectors of a unit, newest first, with their parts of the tensors. */
  #each(
    u: number,
    visit: (name: string, part: readonly [number, number], memory: Float32Array) => void,
  ): void {
    const { inputs, outputs, hidden, defer } = this.#plan;
    const ring = ringLength(defer);
    const record = this.#record(u);
    const pointers = this.#pointers(u);
    const before = (lengths: Uint32Array) => this.#sumBefore(lengths, u);
    const H = hiddenColumns(this.#plan);
    const rings = [
      { name: "pairs.deltas", length: hidden, before: u * hidden, stride: H, at: "pairDeltas" },
      {
        name: "pairs.hidden",
        length: hidden + 1,
        before: u * (hidden + 1),
        stride: H,
        at: "pairHidden",
      },
      {
        name: "pairs.errors",
        length: outputs[u]!,
        before: before(outputs),
        stride: record[UNIT.outputColumns]!,
        at: "pairErrors",
      },
    ] as const;
    for (let age = 0; age < record[UNIT.pairCount]!; age++) {
      const place = (record[UNIT.pairNext]! + 2 * ring - 1 - age) % ring;
      for (const { name, length, before, stride, at } of rings) {
        const begin = ring * before + age * length;
        const memory = new Float32Array(
          this.#buffer,
          record[UNIT[at]]! + 4 * place * stride,
          length,
        );
        visit(name, [begin, begin + length], memory);
      }
      const begin = ring * before(inputs) + age * inputs[u]!;
      const memory = new Float32Array(this.#buffer, pointers[place]!, inputs[u]!);
      visit("pairs.inputs", [begin, begin + inputs[u]!], memory);
    }
  }

  #sumBefore(lengths: Uint32Array, unit: number): number {
    let sum = 0;
    for (let u = 0; u < unit; u++) sum += lengths[u]!;
    return sum;
  }
}
