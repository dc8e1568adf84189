/**
 * Transforms of a plan and its state that change nothing of what is computed.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../model/checkpoint.ts";
import { hiddenBase, layerOf, type Plan, type Sources, unitCount } from "../model/plan.ts";
import { unitOffsets } from "../model/unit_tensors.ts";

/** Where a run of hidden outputs goes: its new index and delay. */
type Move = (unit: number, within: number, delay: number) => { index: number; delay: number };

/** The sources of chosen units, in that order. */
function chooseSources(
  plan: Plan,
  sources: Sources,
  units: readonly number[],
  move: Move,
): Sources {
  const base = hiddenBase(plan);
  const [start, index, length, delay]: number[][] = [[0], [], [], []];
  for (const unit of units) {
    for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
      const at = sources.index[run]! - base;
      const to = at < 0
        ? { index: sources.index[run]!, delay: sources.delay[run]! }
        : move(Math.floor(at / plan.hidden), at % plan.hidden, sources.delay[run]!);
      index!.push(to.index);
      length!.push(sources.length[run]!);
      delay!.push(to.delay);
    }
    start!.push(index!.length);
  }
  const [s, i, n, d] = [start, index, length, delay].map((list) => Uint32Array.from(list!));
  return { start: s!, index: i!, length: n!, delay: d! };
}

/** A plan of chosen units, layer by layer. */
function choosePlan(plan: Plan, units: readonly number[], move: Move): Plan {
  const layers = layerOf(plan);
  const pick = <T extends Uint32Array | Uint8Array>(values: T) =>
    values.constructor === Uint8Array
      ? Uint8Array.from(units, (u) => values[u]!)
      : Uint32Array.from(units, (u) => values[u]!);
  const layerStart = Array.from(
    plan.layerStart,
    (_, layer) => units.filter((u) => layers[u]! < layer).length,
  );
  const kinds = units.flatMap((u) => [
    ...plan.contextKind.subarray(plan.context.start[u]!, plan.context.start[u + 1]!),
  ]);
  const of = (sources: Sources) => chooseSources(plan, sources, units, move);
  return {
    ...plan,
    layerStart: Uint32Array.from(layerStart),
    signal: of(plan.signal),
    window: of(plan.window),
    motion: of(plan.motion),
    ...(plan.patch === undefined ? {} : { patch: of(plan.patch) }),
    context: of(plan.context),
    contextKind: Uint8Array.from(kinds),
    block: pick(plan.block) as Uint32Array,
    inputs: pick(plan.inputs) as Uint32Array,
    outputs: pick(plan.outputs) as Uint32Array,
  };
}

/**
 * The parts of a tensor that belong to chosen units, one after another.
 *
 * @param plan the plan that the tensor is of
 * @param name of the tensor
 * @param tensor the values
 * @param units which units, in which order
 */
export function chooseUnits(
  plan: Plan,
  name: string,
  tensor: Tensor,
  units: readonly number[],
): number[] {
  const at = unitOffsets(plan)[name];
  if (at === undefined) return [...tensor];
  const out: number[] = [];
  const stride = at[at.length - 1]!;
  for (let state = 0; state < tensor.length; state += stride || Infinity) {
    for (const u of units) out.push(...tensor.subarray(state + at[u]!, state + at[u + 1]!));
  }
  // What a state keeps for nobody, behind the parts of its units.
  return out;
}

function chooseCheckpoint(
  plan: Plan,
  checkpoint: Checkpoint,
  units: readonly number[],
): Checkpoint {
  const tensors: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(checkpoint.tensors)) {
    const values = chooseUnits(plan, name, tensor, units);
    // The candidate of the whole frame is given to every part.
    const length = name === "motion" ? tensor.length : values.length;
    tensors[name] = new Float32Array(length);
    tensors[name].set(values);
  }
  return { ...checkpoint, tensors };
}

/**
 * The same model with its units in another order within their layers.
 *
 * @param plan a model
 * @param checkpoint its state
 * @param units the unit that comes to each place; within its layer
 */
export function permute(
  plan: Plan,
  checkpoint: Checkpoint,
  units: readonly number[],
): { plan: Plan; checkpoint: Checkpoint } {
  const place = new Map(units.map((unit, i) => [unit, i]));
  const move: Move = (unit, within, delay) => ({
    index: hiddenBase(plan) + place.get(unit)! * plan.hidden + within,
    delay,
  });
  return {
    plan: choosePlan(plan, units, move),
    checkpoint: chooseCheckpoint(plan, checkpoint, units),
  };
}

/**
 * One of the parts that a model is split into. Its external input is what the whole has, and behind it the hidden outputs of the other
 * units, as they published them in the step before.
 *
 * @param plan a model without parts and without delays
 * @param checkpoint its state
 * @param units the units of this part, in ascending order
 */
export function part(
  plan: Plan,
  checkpoint: Checkpoint,
  units: readonly number[],
): { plan: Plan; checkpoint: Checkpoint } {
  const others = Array.from({ length: unitCount(plan) }, (_, u) => u).filter((u) =>
    !units.includes(u)
  );
  const parts = others.length * plan.hidden;
  const own = new Map(units.map((unit, i) => [unit, i]));
  const move: Move = (unit, within, delay) =>
    own.has(unit)
      ? { index: hiddenBase(plan) + parts + own.get(unit)! * plan.hidden + within, delay }
      : { index: hiddenBase(plan) + others.indexOf(unit) * plan.hidden + within, delay: 0 };
  return {
    plan: {
      ...choosePlan(plan, units, move),
      external: { motion: plan.external.motion, parts },
    },
    checkpoint: chooseCheckpoint(plan, checkpoint, units),
  };
}
