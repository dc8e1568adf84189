/**
 * How the units of a plan are grouped, and their matrices cut into blocks that one operator can work on.
 *
 * Units with equally long vectors make a group. Encoders of a group are as wide as their contexts are many, so each is cut by its
 * columns: features and bias, equally many for all units of the group, and contexts, of which units with equally many stand
 * together. Rows are in *graph order*: group after group.
 *
 * @module
 */
import { layerOf, lengths, type Plan, signalLengths, unitCount } from "../../model/plan.ts";

/** Matrices of one shape that lie in one tensor of the graph. */
export interface Block {
  /** Its number, over all stacks. */
  readonly index: number;
  /** How many. */
  readonly count: number;
  /** Rows of each: inputs of an encoder, outputs of a decoder. */
  readonly rows: number;
}

/** A matrix for each of some units, cut into blocks. */
export interface Stack {
  /** The plan's numbers of the units. */
  readonly units: readonly number[];
  /** One after another. */
  readonly blocks: readonly Block[];
}

/** Units whose vectors have the same lengths. */
export interface Group {
  /** Its number. */
  readonly index: number;
  /** The plan's numbers of its units, in graph order: those with the fewest contexts first. */
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
  /** Entries of the features: what the encoder sees but contexts and bias. */
  readonly features: number;
  /** Of each encoder the columns of features and bias; all of equally many rows. */
  readonly own: Stack;
  /** Of the encoders of the last units the columns of contexts, as many rows as those are; the first units may have none. */
  readonly contexts: Stack;
  /** The decoders; all of equally many rows. */
  readonly decoder: Stack;
}

/** The shape of the contexts of some units that have equally many values: [runs, length] where runs are equally long, or [values]. */
export function contextShape({ context }: Plan, units: readonly number[]): number[] {
  const lengthsOf = (unit: number) =>
    context.length.subarray(context.start[unit], context.start[unit + 1]);
  const length = lengthsOf(units[0]!)[0]!;
  const runs = context.start[units[0]! + 1]! - context.start[units[0]!]!;
  const equal = units.every((unit) => lengthsOf(unit).every((other) => other === length));
  const values = lengthsOf(units[0]!).reduce((sum, other) => sum + other, 0);
  return equal ? [runs, length] : [values];
}

/** The units of each block of a stack. */
export function unitsOfBlocks({ units, blocks }: Stack): number[][] {
  let begin = 0;
  return blocks.map(({ count }) => units.slice(begin, begin += count));
}

/** Bytes of a block: small enough that a cache still holds what one pass has written when the next reads it. */
const BLOCK_BYTES = 2 * 2 ** 20;

type Shape = Omit<Group, "index" | "units" | "own" | "contexts" | "decoder">;

/**
 * The groups of a plan, in graph order.
 *
 * @param plan a compiled model
 */
export function groupUnits(plan: Plan): Group[] {
  const layers = layerOf(plan);
  const signal = signalLengths(plan);
  const window = lengths(plan.window);
  const motion = lengths(plan.motion);
  const context = lengths(plan.context);
  const shapes = new Map<string, { units: number[]; shape: Shape }>();
  for (let u = 0; u < unitCount(plan); u++) {
    const shape = {
      ground: layers[u] === 0,
      signal: signal[u]!,
      block: plan.block[u]!,
      outputs: plan.outputs[u]!,
      window: window[u]!,
      motion: motion[u]!,
      features: plan.inputs[u]! - context[u]! - 1,
    };
    const key = JSON.stringify(shape);
    if (!shapes.has(key)) shapes.set(key, { units: [], shape });
    shapes.get(key)!.units.push(u);
  }
  const stack = stacker();
  return [...shapes.values()].map(({ units, shape }, index) => {
    units.sort((a, b) => context[a]! - context[b]! || a - b);
    return {
      index,
      units,
      ...shape,
      own: stack(units, () => shape.features + 1, plan.hidden),
      contexts: stack(units.filter((u) => context[u]! > 0), (u) => context[u]!, plan.hidden),
      decoder: stack(units, () => shape.outputs, plan.hidden + 1),
    };
  });
}

/** Cuts a list where a number changes. */
function equal(units: readonly number[], of: (unit: number) => number): number[][] {
  const runs: number[][] = [];
  for (const unit of units) {
    const last = runs.at(-1);
    if (last !== undefined && of(last[0]!) === of(unit)) last.push(unit);
    else runs.push([unit]);
  }
  return runs;
}

/** Makes stacks and numbers their blocks. */
function stacker() {
  let blocks = 0;
  return (units: readonly number[], rowsOf: (unit: number) => number, columns: number): Stack => ({
    units,
    blocks: equal(units, rowsOf).flatMap((units) => {
      const rows = rowsOf(units[0]!);
      const most = Math.max(1, Math.floor(BLOCK_BYTES / (4 * rows * columns)));
      const parts = Math.ceil(units.length / most);
      const begin = (part: number) => Math.round(part * units.length / parts);
      return Array.from(
        { length: parts },
        (_, part) => ({ index: blocks++, count: begin(part + 1) - begin(part), rows }),
      );
    }),
  });
}
