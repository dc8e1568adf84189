/**
 * A model without some of its contexts: what was found to contribute nothing is neither gathered nor multiplied.
 *
 * Units above layer 0 that nobody reads any more go with them, as nothing that layer 0 predicts depends on them; and layers that have no
 * unit left.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "./checkpoint.ts";
import { hiddenBase, layerOf, lengths, type Mask, type Plan, type Sources } from "./plan.ts";
import type { Rates } from "./schedule.ts";
import { unitOffsets } from "./unit_tensors.ts";

/** What is left of a model. */
interface Cut {
  /** The units. */
  readonly units: readonly number[];
  /** Of each of them, the columns of its encoder. */
  readonly columns: readonly Uint32Array[];
}

/** Tensors with a value for each column of an encoder, as many rows of them as it has hidden units, or one. */
const BY_COLUMN: Readonly<Record<string, "hidden" | "one">> = {
  encoder: "hidden",
  "encoder.momentum": "hidden",
  input: "one",
  "lag.input": "one",
};

/**
 * The units that layer 0 depends on, itself included.
 *
 * @param plan a model
 * @param kept of each run of its contexts 1 where it is kept
 * @returns them in ascending order
 */
export function unitsRead(plan: Plan, kept: Uint8Array): number[] {
  const base = hiddenBase(plan);
  const read = new Set<number>();
  const open = Array.from({ length: plan.layerStart[1]! }, (_, unit) => unit);
  const see = (sources: Sources, unit: number, isKept: (run: number) => boolean) => {
    for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
      const [first, length] = [sources.index[run]! - base, sources.length[run]!];
      if (first < 0 || !isKept(run)) continue;
      for (let at = first; at < first + length; at += plan.hidden) {
        open.push(Math.floor(at / plan.hidden));
      }
    }
  };
  for (let unit = open.pop(); unit !== undefined; unit = open.pop()) {
    if (read.has(unit)) continue;
    read.add(unit);
    see(plan.signal, unit, () => true);
    see(plan.context, unit, (run) => kept[run] === 1);
  }
  return [...read].sort((a, b) => a - b);
}

/**
 * The contexts that are left when some are dropped: not those of units that nobody reads any more either.
 *
 * @param plan a model
 * @param kept of each run of its contexts 1 where it is to be kept
 */
export function contextsLeft(plan: Plan, kept: Uint8Array): Uint8Array {
  const left = new Uint8Array(kept.length);
  const { start } = plan.context;
  for (const unit of unitsRead(plan, kept)) {
    left.set(kept.subarray(start[unit], start[unit + 1]), start[unit]);
  }
  return left;
}

function cutOf(plan: Plan, kept: Uint8Array): Cut {
  if (kept.length !== plan.contextKind.length) {
    throw new RangeError(
      `The model has ${plan.contextKind.length} contexts, not ${kept.length}: it is another one`,
    );
  }
  const units = unitsRead(plan, kept);
  const contexts = lengths(plan.context);
  const columns = units.map((unit) => {
    const features = plan.inputs[unit]! - contexts[unit]! - 1;
    const out = Array.from({ length: features }, (_, column) => column);
    let at = features;
    for (let run = plan.context.start[unit]!; run < plan.context.start[unit + 1]!; run++) {
      for (let i = 0; i < plan.context.length[run]!; i++, at++) if (kept[run] === 1) out.push(at);
    }
    // The bias.
    out.push(at);
    return Uint32Array.from(out);
  });
  return { units, columns };
}

/**
 * A plan without some of its contexts.
 *
 * @param plan the model
 * @param kept of each run of its contexts 1 where it is kept
 * @throws {RangeError} where these are the contexts of another model
 */
export function cutPlan(plan: Plan, kept: Uint8Array): Plan {
  const cut = cutOf(plan, kept);
  const { units, columns } = cut;
  const base = hiddenBase(plan);
  const place = new Map(units.map((unit, i) => [unit, i]));
  const choose = (sources: Sources, isKept: (run: number) => boolean): Sources => {
    const [start, index, length, delay]: number[][] = [[0], [], [], []];
    for (const unit of units) {
      for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
        if (!isKept(run)) continue;
        const at = sources.index[run]! - base;
        const from = Math.floor(at / plan.hidden);
        index!.push(at < 0 ? base + at : base + place.get(from)! * plan.hidden + at % plan.hidden);
        length!.push(sources.length[run]!);
        delay!.push(sources.delay[run]!);
      }
      start!.push(index!.length);
    }
    const [s, i, n, d] = [start, index, length, delay].map((list) => Uint32Array.from(list!));
    return { start: s!, index: i!, length: n!, delay: d! };
  };
  const all = (sources: Sources) => choose(sources, () => true);
  const layers = layerOf(plan);
  const count = layers[units.at(-1)!]! + 1;
  const left = new Set(units);
  const kinds = layers.length === units.length
    ? plan.contextKind.filter((_, run) => kept[run] === 1)
    : Uint8Array.from(units.flatMap((unit) => {
      const [begin, end] = [plan.context.start[unit]!, plan.context.start[unit + 1]!];
      return [...plan.contextKind.subarray(begin, end)].filter((_, i) => kept[begin + i] === 1);
    }));
  return {
    ...plan,
    layerStart: plan.layerStart.slice(0, count + 1).map((end) => {
      let before = 0;
      for (let unit = 0; unit < end; unit++) if (left.has(unit)) before++;
      return before;
    }),
    signal: all(plan.signal),
    window: all(plan.window),
    motion: all(plan.motion),
    ...(plan.patch === undefined ? {} : { patch: all(plan.patch) }),
    context: choose(plan.context, (run) => kept[run] === 1),
    contextKind: kinds,
    block: Uint32Array.from(units, (unit) => plan.block[unit]!),
    inputs: Uint32Array.from(columns, ({ length }) => length),
    outputs: Uint32Array.from(units, (unit) => plan.outputs[unit]!),
    rates: cutRates(plan.rates, count),
    ...(plan.mask === undefined ? {} : { mask: cutMask(plan, plan.mask, cut) }),
  };
}

function cutRates({ start, from, value }: Rates, layers: number): Rates {
  const end = start[layers];
  return {
    start: start.slice(0, layers + 1),
    from: from.slice(0, end),
    value: value.slice(0, end),
  };
}

function cutMask(plan: Plan, mask: Mask, cut: Cut): Mask {
  return {
    encoder: cutTensor(plan, "encoder", mask.encoder, cut),
    decoder: cutTensor(plan, "decoder", mask.decoder, cut),
  };
}

/**
 * The state of a model without some of its contexts.
 *
 * @param plan the model as it was
 * @param checkpoint its state, with nothing deferred
 * @param kept of each run of its contexts 1 where it is kept
 * @returns what is left; what was given stays as it is
 * @throws {TypeError} when the checkpoint has deferred updates
 * @throws {RangeError} where these are the contexts of another model
 */
export function cutCheckpoint(plan: Plan, checkpoint: Checkpoint, kept: Uint8Array): Checkpoint {
  if (checkpoint.deferred !== undefined) {
    throw new TypeError("The checkpoint has deferred updates: cut denseCheckpoint() of it");
  }
  const cut = cutOf(plan, kept);
  const tensors: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(checkpoint.tensors)) {
    tensors[name] = cutTensor(plan, name, tensor, cut);
  }
  return { ...checkpoint, tensors };
}

/** The parts of a tensor that are left. */
function cutTensor<T extends Tensor | Uint8Array>(
  plan: Plan,
  name: string,
  tensor: T,
  { units, columns }: Cut,
): T {
  const at = unitOffsets(plan)[name];
  // The frame is nobody's.
  if (at === undefined) return tensor.slice() as T;
  const parts: T[] = [];
  const end = at.at(-1)!;
  const rows = BY_COLUMN[name] === undefined ? 0 : BY_COLUMN[name] === "one" ? 1 : plan.hidden;
  // Of what is published there are as many states as the longest delay.
  const states = name === "published" ? plan.maxDelay : 1;
  for (let state = 0; state < states; state++) {
    for (const [i, unit] of units.entries()) {
      const part = tensor.subarray(state * end + at[unit]!, state * end + at[unit + 1]!) as T;
      parts.push(rows === 0 ? part : chooseColumns(part, rows, columns[i]!));
    }
  }
  // What a tensor holds for no unit.
  parts.push(tensor.subarray(states * end) as T);
  const out = new (tensor.constructor as new (length: number) => T)(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let next = 0;
  for (const part of parts) {
    out.set(part, next);
    next += part.length;
  }
  return out;
}

function chooseColumns<T extends Tensor | Uint8Array>(
  matrix: T,
  rows: number,
  columns: Uint32Array,
): T {
  const width = matrix.length / rows;
  if (columns.length === width) return matrix;
  const out = new (matrix.constructor as new (length: number) => T)(rows * columns.length);
  for (let row = 0, next = 0; row < rows; row++) {
    for (const column of columns) out[next++] = matrix[row * width + column]!;
  }
  return out;
}
