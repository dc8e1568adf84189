/**
 * How the units of a plan are batched, and how their state lies in tensors that one operator can work on.
 *
 * Units with equally long vectors make a group, units of a group with equal matrices a batch. Rows are in *graph order*: group
 * after group, batch after batch, so that what is computed for a group splits into its batches without being moved about.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import {
  frameLength,
  layerOf,
  lengths,
  offsetsOf,
  type Plan,
  signalLengths,
  unitCount,
} from "../../model/plan.ts";
import { stateLengths, WEIGHT_TENSORS } from "../../model/state.ts";

/** Units whose encoders have the same shape. */
export interface Batch {
  /** Its number, over all groups. */
  readonly index: number;
  /** The plan's numbers of its units. */
  readonly units: readonly number[];
  /** Columns of the encoder. */
  readonly inputs: number;
}

/** Units whose vectors have the same lengths. */
export interface Group {
  /** Its number. */
  readonly index: number;
  /** The plan's numbers of its units, in graph order. */
  readonly units: readonly number[];
  /** Whether they see the frame: layer 0. */
  readonly ground: boolean;
  /** Entries of the signal. */
  readonly signal: number;
  /** Entries of one signal block. */
  readonly block: number;
  /** Entries of the prediction. */
  readonly outputs: number;
  /** Rule saccade, layer 0: entries of the window, 0 elsewhere. */
  readonly window: number;
  /** Rule saccade, layer 0: entries of the motion candidate, 0 where there is none. */
  readonly motion: number;
  /** Its units by the shape of their encoders. */
  readonly batches: readonly Batch[];
}

/** A piece of a tensor: rows x columns from an index on, stored transposed in the graph. */
interface Piece {
  readonly at: number;
  readonly rows: number;
  readonly columns: number;
}

/** What one tensor of the graph holds of a tensor of the checkpoint. */
export interface Part {
  /** Its name in the graph. */
  readonly name: string;
  /** The tensor of the checkpoint. */
  readonly tensor: string;
  /** Its shape. */
  readonly dims: readonly number[];
  /** The plan's numbers of the units it holds, in order; none for the frame. */
  readonly units: readonly number[];
  /** Where its values lie in the checkpoint, in the order of the graph. */
  readonly pieces: readonly Piece[];
}

/** A plan, batched. */
export interface Layout {
  readonly plan: Plan;
  readonly groups: readonly Group[];
  /** The plan's numbers of all units, in graph order. */
  readonly order: readonly number[];
  /** The row of each unit in graph order. */
  readonly row: Uint32Array;
  /** All state: every value of a checkpoint is in exactly one part. */
  readonly parts: readonly Part[];
}

/** Bytes of an encoder batch above which it is cut, so that two passes over it find it in a cache. */
const BATCH_BYTES = 8 * 2 ** 20;

/**
 * Batches a plan.
 *
 * @param plan a compiled model
 */
export function layoutOf(plan: Plan): Layout {
  const groups = groupUnits(plan);
  const order = groups.flatMap(({ units }) => units);
  const row = new Uint32Array(order.length);
  for (const [i, unit] of order.entries()) row[unit] = i;
  return { plan, groups, order, row, parts: partsOf(plan, groups, order) };
}

function groupUnits(plan: Plan): Group[] {
  const layers = layerOf(plan);
  const signal = signalLengths(plan);
  const window = lengths(plan.window);
  const motion = lengths(plan.motion);
  const shapes = new Map<
    string,
    { units: number[]; shape: Omit<Group, "index" | "units" | "batches"> }
  >();
  for (let u = 0; u < unitCount(plan); u++) {
    const shape = {
      ground: layers[u] === 0,
      signal: signal[u]!,
      block: plan.block[u]!,
      outputs: plan.outputs[u]!,
      window: window[u]!,
      motion: motion[u]!,
    };
    const key = JSON.stringify(shape);
    if (!shapes.has(key)) shapes.set(key, { units: [], shape });
    shapes.get(key)!.units.push(u);
  }
  let batches = 0;
  return [...shapes.values()].map(({ units, shape }, index) => {
    units.sort((a, b) => plan.inputs[a]! - plan.inputs[b]! || a - b);
    const list = batchUnits(plan, units).map((batch) => ({ index: batches++, ...batch }));
    return { index, units, ...shape, batches: list };
  });
}

/** Cuts units that are sorted by the width of their encoders. */
function batchUnits(plan: Plan, units: readonly number[]): Omit<Batch, "index">[] {
  const batches: { units: number[]; inputs: number }[] = [];
  for (const unit of units) {
    const inputs = plan.inputs[unit]!;
    const last = batches.at(-1);
    const fits = 4 * inputs * plan.hidden * ((last?.units.length ?? 0) + 1) <= BATCH_BYTES;
    if (last?.inputs === inputs && fits) last.units.push(unit);
    else batches.push({ units: [unit], inputs });
  }
  return batches;
}

function partsOf(plan: Plan, groups: readonly Group[], order: readonly number[]): Part[] {
  const at = offsetsOf(plan);
  const H = plan.hidden;
  const motion = lengths(plan.motion);
  const has = stateLengths(plan);
  const parts: Part[] = [];
  const add = (
    tensor: string,
    index: number,
    units: readonly number[],
    [rows, columns]: readonly [number, number],
    begin: (unit: number) => number,
  ) => {
    if (has[tensor] === undefined) return;
    const pieces = units.map((unit) => ({ at: begin(unit), rows, columns }));
    const dims = WEIGHT_TENSORS.includes(tensor)
      ? [units.length, columns, rows]
      : [units.length, columns];
    parts.push({ name: `${tensor}.${index}`, tensor, dims, units, pieces });
  };
  const batches = groups.flatMap((group) => group.batches);
  for (const { index, units, inputs } of batches) {
    for (const name of ["encoder", "encoder.momentum"]) {
      add(name, index, units, [H, inputs], (u) => at.encoder[u]!);
    }
    for (const name of ["input", "lag.input"]) {
      add(name, index, units, [1, inputs], (u) => at.input[u]!);
    }
  }
  for (const { index, units, signal, outputs, ground } of groups) {
    for (const name of ["decoder", "decoder.momentum"]) {
      add(name, index, units, [outputs, H + 1], (u) => at.decoder[u]!);
    }
    for (const name of ["hidden", "lag.hidden", "minimum", "maximum"]) {
      add(name, index, units, [1, H], (u) => u * H);
    }
    for (const name of ["prediction", "lag.prediction"]) {
      add(name, index, units, [1, outputs], (u) => at.output[u]!);
    }
    for (const name of ["signal", "signal.previous", "integral", "change"]) {
      add(name, index, units, [1, signal], (u) => at.signal[u]!);
    }
    for (const name of ["scale", "variance", "power"]) add(name, index, units, [1, 1], (u) => u);
    add("combiner.moments", index, units, [1, 3], (u) => 3 * u);
    for (const name of ["combiner.products", "combiner.weights"]) {
      add(name, index, units, [1, 2], (u) => 2 * u);
    }
    if (ground && motion[units[0]!]! > 0) {
      add("motion", index, units, [1, signal], (u) => at.signal[u]!);
    }
  }
  const whole = { at: 0, rows: 1, columns: frameLength(plan) };
  parts.push({
    name: "last_frame",
    tensor: "frame",
    dims: [whole.columns],
    units: [],
    pieces: [whole],
  });
  const published = Array.from(
    { length: plan.maxDelay },
    (_, delay) =>
      order.map((unit) => ({ at: (delay * order.length + unit) * H, rows: 1, columns: H })),
  );
  parts.push({
    name: "published",
    tensor: "published",
    dims: [plan.maxDelay, order.length, H],
    units: order,
    pieces: published.flat(),
  });
  return parts;
}

/** Values in a part. */
export function partLength({ dims }: Part): number {
  return dims.reduce((product, size) => product * size, 1);
}

/**
 * Copies a part out of a checkpoint.
 *
 * @param part which
 * @param tensors those of the checkpoint
 * @param into as many values as the part has
 */
export function packPart(part: Part, tensors: Checkpoint["tensors"], into: Float32Array): void {
  const from = tensors[part.tensor]!;
  let to = 0;
  for (const { at, rows, columns } of part.pieces) {
    if (rows === 1) {
      into.set(from.subarray(at, at + columns), to);
      to += columns;
      continue;
    }
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) into[to++] = from[at + row * columns + column]!;
    }
  }
}

/**
 * Copies a part into a tensor of a checkpoint.
 *
 * @param part which
 * @param values the part's
 * @param tensor the whole tensor of the checkpoint
 */
export function unpackPart(part: Part, values: Float32Array, tensor: Tensor): void {
  let from = 0;
  for (const { at, rows, columns } of part.pieces) {
    if (rows === 1) {
      tensor.set(values.subarray(from, from + columns), at);
      from += columns;
      continue;
    }
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) tensor[at + row * columns + column] = values[from++]!;
    }
  }
}
