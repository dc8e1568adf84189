/**
 * The matrices of a unit in linear memory, in the model's format and without what is pruned (`kernels/src/stored.rs`).
 *
 * @module
 */
import { fromBfloat, toBfloat } from "../../model/bfloat.ts";
import type { Tensor } from "../../model/checkpoint.ts";
import { fromHalf, toHalf } from "../../model/half.ts";
import type { Plan } from "../../model/plan.ts";
import {
  codebookSize,
  formatOf,
  isCodebookFormat,
  stepsOf,
  type WeightFormat,
} from "../../model/weight_format.ts";
import { eachKept } from "./kept.ts";
import { eachInPanels, paddedColumns, paddedRows, type Shape } from "./panels.ts";
import { placeCells } from "./places.ts";
import { UNIT } from "./records.ts";

/** How the kernels number formats. */
export const FORMAT_CODES: Readonly<Record<WeightFormat, number>> = {
  f32: 0,
  bf16: 1,
  f16: 2,
  i16: 3,
  i8: 4,
  codebook4: 5,
  codebook2: 6,
};

/** One of the two matrices of a unit. */
export type MatrixName = "encoder" | "decoder";

/** A matrix of a unit as it is stored: hidden-major. */
export function shapeOf(plan: Plan, unit: number, name: MatrixName): Shape {
  const format = formatOf(plan);
  const wholePanels = format === "i8" || isCodebookFormat(format);
  return name === "encoder"
    ? { rows: plan.hidden, columns: plan.inputs[unit]!, transposed: false, wholePanels }
    : { rows: plan.hidden + 1, columns: plan.outputs[unit]!, transposed: true, wholePanels };
}

/** Rows of a matrix that there is room for: those of bytes and of codebooks lie in whole panels. */
export function storedRows(plan: Plan, { rows, wholePanels = false }: Shape): number {
  return wholePanels && plan.mask === undefined ? paddedRows(rows) : rows;
}

/** Reads and writes weights where they are stored. */
export interface Cells {
  get(place: number, row: number): number;
  set(place: number, row: number, value: number): void;
  /** Of i8 the byte that products read. */
  upper?(place: number): number;
}

function cellsOf(
  format: WeightFormat,
  buffer: ArrayBufferLike,
  at: { readonly values: number; readonly lower: number; readonly scale: Float32Array },
  length: number,
): Cells {
  const { values, lower, scale } = at;
  switch (format) {
    case "bf16":
    case "f16": {
      const words = new Uint16Array(buffer, values, length);
      const [to, from] = format === "f16" ? [toHalf, fromHalf] : [toBfloat, fromBfloat];
      return {
        get: (place) => from(words[place]!),
        set: (place, _, value) => words[place] = to(value),
      };
    }
    case "i16": {
      const steps = new Int16Array(buffer, values, length);
      return {
        get: (place, row) => steps[place]! * scale[row]!,
        set: (place, row, value) => steps[place] = stepsOf(value, scale[row]!),
      };
    }
    case "i8": {
      const upper = new Int8Array(buffer, values, length);
      const rest = new Uint8Array(buffer, lower, length);
      // The bytes are those of q + 128, so that the upper one is rounded.
      return {
        get: (place, row) => (256 * upper[place]! + rest[place]! - 128) * scale[row]!,
        set(place, row, value) {
          const sum = stepsOf(value, scale[row]!) + 128;
          upper[place] = sum >> 8;
          rest[place] = sum;
        },
        upper: (place) => upper[place]!,
      };
    }
    default: {
      const floats = new Float32Array(buffer, values, length);
      return {
        get: (place) => floats[place]!,
        set: (place, _, value) => floats[place] = value,
      };
    }
  }
}

/** A matrix or its momentum. */
export class WeightMemory {
  readonly #shape: Shape;
  readonly #cells: Cells;
  readonly #sums: Int32Array | undefined;
  readonly #kept: Parameters<typeof eachKept>[0] | undefined;

  /**
   * @param plan the model
   * @param unit whose
   * @param tensor `encoder`, `decoder` or the momentum of one
   * @param record the unit's record, with pointers into the memory
   * @param memory the memory, and whether what is kept of a pruned model lies in octs
   */
  constructor(
    plan: Plan,
    unit: number,
    tensor: MatrixName | `${MatrixName}.momentum`,
    record: Uint32Array,
    { buffer, inOcts }: { readonly buffer: ArrayBufferLike; readonly inOcts: boolean },
  ) {
    const name = tensor.startsWith("encoder") ? "encoder" : "decoder";
    const shape = this.#shape = shapeOf(plan, unit, name);
    const { rows, columns } = shape;
    let length = storedRows(plan, shape) * paddedColumns(columns);
    if (plan.mask !== undefined) {
      const starts = new Uint32Array(buffer, record[UNIT[`${name}Starts`]]!, rows + 1);
      const quads = starts[rows]!;
      const index = new Uint16Array(buffer, record[UNIT[`${name}Index`]]!, quads);
      this.#kept = { starts, index, inOcts };
      length = 4 * quads;
    }
    const format = formatOf(plan);
    const sumsAt = record[UNIT[`${name}Sums`]]!;
    if (sumsAt !== 0 && tensor === name) this.#sums = new Int32Array(buffer, sumsAt, rows);
    const scaleAt = record[UNIT[`${name}Scale`]]!;
    const scale = new Float32Array(buffer, scaleAt, scaleAt === 0 ? 0 : rows);
    const [values, lower] = [record[UNIT[name]]!, record[UNIT[`${name}Lower`]]!];
    if (isCodebookFormat(format)) {
      const centroidsAt = record[UNIT[`${name}Centroids`]]!;
      this.#cells = placeCells(format, {
        places: new Uint8Array(buffer, values),
        rests: new Int8Array(buffer, lower, length),
        centroids: new Float32Array(buffer, centroidsAt, codebookSize(format)),
        scale: new Float32Array(buffer, scaleAt, 1),
      });
      return;
    }
    // Where it is pruned the bytes of i8 lie together.
    const stored = format === "i8" && plan.mask !== undefined ? "i16" : format;
    this.#cells = tensor === name
      ? cellsOf(stored, buffer, { values, lower, scale }, length)
      : cellsOf(
        "f32",
        buffer,
        { values: record[UNIT[`${name}Momentum`]]!, lower: 0, scale },
        length,
      );
  }

  #each(visit: (place: number, at: number, row: number) => void): void {
    if (this.#kept === undefined) eachInPanels(this.#shape, visit);
    else eachKept(this.#kept, this.#shape, visit);
  }

  /** Stores what is kept of a unit's part of a tensor. */
  write(part: Tensor): void {
    const cells = this.#cells;
    this.#each((place, at, row) => cells.set(place, row, part[at]!));
    const sums = this.#sums;
    if (sums === undefined) return;
    sums.fill(0);
    this.#each((place, _, row) => sums[row]! += cells.upper!(place));
  }

  /** Copies what is stored to a unit's part of a tensor; what is pruned is 0. */
  read(part: Tensor): void {
    const cells = this.#cells;
    if (this.#kept !== undefined) part.fill(0);
    this.#each((place, at, row) => part[at] = cells.get(place, row));
  }
}
