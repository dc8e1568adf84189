/**
 * How the state of a plan lies in the tensors of a graph.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { frameLength, lengths, offsetsOf, type Plan } from "../../model/plan.ts";
import { contextShape, type Group, groupUnits, type Stack, unitsOfBlocks } from "./groups.ts";
import { stateLengths } from "../../model/state.ts";

/**
 * A piece of a tensor: values of a row that stand together, or such of several rows at equal distances, stored columns outermost in
 * the graph.
 */
export interface Piece {
  readonly at: number;
  readonly columns: number;
  readonly rows: number;
  /** From one row to the next. */
  readonly stride: number;
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

/** A plan, grouped. */
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

/**
 * Groups the units of a plan, and lays out their state.
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

/** Where columns stand in the encoder of a unit: the first, and how many. */
type Columns = readonly [first: number, count: number];

/**
 * Features and bias of a unit. Features of a signal block stand together in an encoder; in the graph those of a kind do.
 */
function ownColumns(plan: Plan, { features, signal, block }: Group, unit: number): Columns[] {
  const bias: Columns = [plan.inputs[unit]! - 1, 1];
  if (plan.rule.name !== "2016") return [[0, features], bias];
  const kinds = features / signal;
  const columns: Columns[] = [];
  for (let kind = 0; kind < kinds; kind++) {
    for (let at = 0; at < signal; at += block) columns.push([at * kinds + kind * block, block]);
  }
  return [...columns, bias];
}

/** Tensors that have some numbers a unit, and how many. */
const UNIT_ROWS: Readonly<Record<string, number>> = {
  "scale": 1,
  "variance": 1,
  "power": 1,
  "combiner.moments": 3,
  "combiner.products": 2,
  "combiner.weights": 2,
};

function partsOf(plan: Plan, groups: readonly Group[], order: readonly number[]): Part[] {
  const at = offsetsOf(plan);
  const H = plan.hidden;
  const motion = lengths(plan.motion);
  const context = lengths(plan.context);
  const has = stateLengths(plan);
  const parts: Part[] = [];
  const add = (
    tensor: string,
    index: number,
    units: readonly number[],
    dims: readonly number[],
    pieces: readonly Piece[],
  ) => {
    if (has[tensor] === undefined) return;
    parts.push({
      name: `${tensor}.${index}`,
      tensor,
      dims: [units.length, ...dims],
      units,
      pieces,
    });
  };
  const plain = (
    tensor: string,
    index: number,
    units: readonly number[],
    columns: number,
    begin: (unit: number) => number,
  ) => {
    const pieces = units.map((unit) => ({ at: begin(unit), columns, rows: 1, stride: columns }));
    add(tensor, index, units, [columns], pieces);
  };
  const blocksOf = (stack: Stack) => {
    const units = unitsOfBlocks(stack);
    return stack.blocks.map((block, i) => ({ ...block, units: units[i]! }));
  };
  const inputs = (
    index: number,
    units: readonly number[],
    dims: readonly number[],
    columns: (unit: number) => readonly Columns[],
  ) => {
    const pieces = units.flatMap((unit) =>
      columns(unit).map(([first, count]) => (
        { at: at.input[unit]! + first, columns: count, rows: 1, stride: count }
      ))
    );
    for (const tensor of ["input", "lag.input"]) add(tensor, index, units, dims, pieces);
  };
  const encoders = (stack: Stack, columns: (unit: number) => readonly Columns[]) => {
    for (const { index, rows, units } of blocksOf(stack)) {
      const pieces = units.flatMap((unit) =>
        columns(unit).map(([first, count]) => (
          { at: at.encoder[unit]! + first, columns: count, rows: H, stride: plan.inputs[unit]! }
        ))
      );
      for (const tensor of ["encoder", "encoder.momentum"]) {
        add(tensor, index, units, [rows, H], pieces);
      }
    }
  };
  for (const group of groups) {
    const own = (unit: number) => ownColumns(plan, group, unit);
    encoders(group.own, own);
    inputs(group.own.blocks[0]!.index, group.units, [group.features + 1], own);
    for (const { index, rows, units } of blocksOf(group.contexts)) {
      inputs(index, units, contextShape(plan, units), () => [[group.features, rows]]);
    }
    encoders(group.contexts, (unit) => [[group.features, context[unit]!]]);
    const { index, units, signal, outputs, ground } = group;
    for (const block of blocksOf(group.decoder)) {
      const columns = outputs * (H + 1);
      const pieces = block.units.map((unit) => (
        { at: at.decoder[unit]!, columns, rows: 1, stride: columns }
      ));
      for (const tensor of ["decoder", "decoder.momentum"]) {
        add(tensor, block.index, block.units, [outputs, H + 1], pieces);
      }
    }
    for (const name of ["hidden", "lag.hidden", "minimum", "maximum"]) {
      plain(name, index, units, H, (u) => u * H);
    }
    for (const name of ["prediction", "lag.prediction"]) {
      plain(name, index, units, outputs, (u) => at.output[u]!);
    }
    for (const name of ["signal", "signal.previous", "integral", "change"]) {
      plain(name, index, units, signal, (u) => at.signal[u]!);
    }
    if (ground && motion[units[0]!]! > 0) {
      plain("motion", index, units, signal, (u) => at.signal[u]!);
    }
  }
  // A row for each number of the units (`unit_rows.ts`).
  for (const [tensor, rows] of Object.entries(UNIT_ROWS)) {
    const pieces = Array.from(
      { length: rows },
      (_, row) => order.map((unit) => ({ at: rows * unit + row, columns: 1, rows: 1, stride: 1 })),
    );
    if (has[tensor] === undefined) continue;
    const dims = [rows, order.length];
    parts.push({ name: tensor, tensor, dims, units: order, pieces: pieces.flat() });
  }
  const frame = frameLength(plan);
  parts.push({
    name: "last_frame",
    tensor: "frame",
    dims: [frame],
    units: [],
    pieces: [{ at: 0, columns: frame, rows: 1, stride: frame }],
  });
  const published = Array.from(
    { length: plan.maxDelay },
    (_, delay) =>
      order.map((unit) => (
        { at: (delay * order.length + unit) * H, columns: H, rows: 1, stride: H }
      )),
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
  for (const { at, rows, columns, stride } of part.pieces) {
    if (rows === 1) {
      into.set(from.subarray(at, at + columns), to);
      to += columns;
      continue;
    }
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) into[to++] = from[at + row * stride + column]!;
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
  for (const { at, rows, columns, stride } of part.pieces) {
    if (rows === 1) {
      tensor.set(values.subarray(from, from + columns), at);
      from += columns;
      continue;
    }
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) tensor[at + row * stride + column] = values[from++]!;
    }
  }
}
