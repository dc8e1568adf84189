/**
 * The pairs of deferred updates in linear memory (`kernels/src/pairs.rs`).
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { ringLength } from "../../model/defer.ts";
import { PAIR_STATE, pairLengths, pairStateOf } from "../../model/pairs.ts";
import { type Plan, unitCount } from "../../model/plan.ts";
import type { UnitState } from "../deferred_cost.ts";
import { pack, paddedColumns, type Shape, unpack } from "./panels.ts";
import { hiddenColumns } from "./placement.ts";
import { UNIT, UNIT_WORDS, type UnitField } from "./records.ts";

/** The words of a unit record that count pairs, in the order of `pairs.state`. */
const COUNTS = [
  UNIT.pairNext,
  UNIT.pairCount,
  UNIT.pairPending,
  UNIT.pairDue,
  UNIT.pairCarried,
] as const;

/** Reads and writes the pairs of all units. */
export class PairMemory {
  readonly #plan: Plan;
  readonly #buffer: ArrayBufferLike;
  readonly #units: Uint32Array;
  /** The counts of all units when they were last marked, in the order of `pairs.state`. */
  readonly #marked: Uint32Array;

  /**
   * @param plan a model that defers
   * @param buffer the memory
   * @param units the unit records in it
   */
  constructor(plan: Plan, buffer: ArrayBufferLike, units: Uint32Array) {
    this.#plan = plan;
    this.#buffer = buffer;
    this.#units = units;
    this.#marked = new Uint32Array(PAIR_STATE * unitCount(plan));
  }

  /** Notes the counts of all units. */
  mark(): void {
    for (let u = 0, at = 0; at < this.#marked.length; u++) {
      for (let i = 0; i < PAIR_STATE; i++) {
        this.#marked[at++] = this.#units[u * UNIT_WORDS + COUNTS[i]!]!;
      }
    }
  }

  /** Updates since a momentum was loaded, of the unit that made fewest. */
  carried(): number {
    let least = Infinity;
    for (let at = UNIT.pairCarried; at < this.#units.length; at += UNIT_WORDS) {
      least = Math.min(least, this.#units[at]!);
    }
    return least;
  }

  /** The counts of a unit as they were marked, in a record that is used again. */
  states(): (unit: number) => UnitState {
    const state = { next: 0, count: 0, pending: 0, due: 0, carried: 0, momentum: false };
    const momentum = UNIT.encoderMomentum;
    return (unit) => {
      const at = unit * PAIR_STATE;
      state.next = this.#marked[at]!;
      state.count = this.#marked[at + 1]!;
      state.pending = this.#marked[at + 2]!;
      state.due = this.#marked[at + 3]!;
      state.carried = this.#marked[at + 4]!;
      state.momentum = this.#units[unit * UNIT_WORDS + momentum] !== 0;
      return state;
    };
  }

  /**
   * Writes the pairs of a checkpoint.
   *
   * @param tensors those of the checkpoint; null when nothing is deferred in it
   */
  write(tensors: Readonly<Record<string, Tensor>> | null): void {
    const { every } = this.#plan.defer;
    for (let u = 0; u < unitCount(this.#plan); u++) {
      const state = tensors === null
        // Staggered, so that every step has its share of the writing.
        ? { next: 0, count: 0, pending: 0, due: every - u % every, carried: 0 }
        : pairStateOf(tensors["pairs.state"]!, u);
      const { next, count, pending, due, carried } = state;
      const counts = [next, count, pending, due, carried];
      for (const [i, word] of COUNTS.entries()) this.#units[u * UNIT_WORDS + word] = counts[i]!;
    }
    if (tensors === null) return;
    this.#eachRing((name, part, shape, memory) => {
      pack(tensors[name]!.subarray(...part), shape, memory);
    });
  }

  /** The tensors of a checkpoint. */
  read(): Record<string, Float32Array> {
    const lengths = Object.entries(pairLengths(this.#plan, this.#plan.defer));
    const out = Object.fromEntries(lengths.map(([name, n]) => [name, new Float32Array(n)]));
    for (let u = 0; u < unitCount(this.#plan); u++) {
      const counts = COUNTS.map((word) => this.#units[u * UNIT_WORDS + word]!);
      out["pairs.state"]!.set(counts, u * PAIR_STATE);
    }
    this.#eachRing((name, part, shape, memory) => {
      unpack(memory, shape, out[name]!.subarray(...part));
    });
    return out;
  }

  /** Pairs the rings of all units with their parts of the tensors. */
  #eachRing(
    visit: (
      name: string,
      part: readonly [number, number],
      shape: Shape,
      memory: Float32Array,
    ) => void,
  ): void {
    const { hidden, inputs, outputs, defer } = this.#plan;
    const rows = ringLength(defer);
    const padded = hiddenColumns(this.#plan);
    const rings: [string, UnitField, (u: number) => number, number?][] = [
      ["pairs.inputs", "pairInputs", (u) => inputs[u]!],
      ["pairs.deltas", "pairDeltas", () => hidden, padded],
      ["pairs.hidden", "pairHidden", () => hidden + 1, padded],
      ["pairs.errors", "pairErrors", (u) => outputs[u]!],
    ];
    for (const [name, field, columnsOf, stored] of rings) {
      let begin = 0;
      for (let u = 0; u < unitCount(this.#plan); u++) {
        const columns = columnsOf(u);
        const shape = {
          rows,
          columns,
          transposed: false,
          ...(stored === undefined ? {} : { padded: stored }),
        };
        const length = rows * (stored ?? paddedColumns(columns));
        const at = this.#units[u * UNIT_WORDS + UNIT[field]]!;
        const end = begin + rows * columns;
        visit(name, [begin, end], shape, new Float32Array(this.#buffer, at, length));
        begin = end;
      }
    }
  }
}
