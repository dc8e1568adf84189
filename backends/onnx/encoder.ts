/**
 * The encoders of a group: matrices for features and bias, and for contexts, whose products add up.
 *
 * @module
 */
import type { Value } from "./graph.ts";
import { contextShape, type Group, unitsOfBlocks } from "./groups.ts";
import type { Matrices, Momentum, Range } from "./passes.ts";
import type { StepContext } from "./step_graph.ts";

/** x of a group. */
export interface EncoderInputs {
  /** Features and bias, [units, features + 1]. */
  readonly own: Value;
  /** Contexts of each block, [its units, columns]. */
  readonly contexts: readonly Value[];
}

/** The encoders of a group. */
export interface Encoders {
  readonly own: Matrices;
  readonly contexts: Matrices;
}

/** Between what bounds inputs lie. */
export interface Bounds {
  /** Features and bias. */
  readonly own: readonly Range[];
  /** So many contexts. */
  context(columns: number): Range;
}

/** The encoders before a step. */
export function readEncoders(step: StepContext, { own, contexts }: Group): Encoders {
  return { own: step.matrices("encoder", own), contexts: step.matrices("encoder", contexts) };
}

/** The numbers of the parts of x: features and bias, and contexts. */
function inputIndexes({ own, contexts }: Group): [number, number[]] {
  return [own.blocks[0]!.index, contexts.blocks.map(({ index }) => index)];
}

/**
 * The inputs of a step before.
 *
 * @param tensor `input` or `lag.input`
 */
export function readInputs(step: StepContext, group: Group, tensor: string): EncoderInputs {
  const [own, contexts] = inputIndexes(group);
  return {
    own: step.read(tensor, own),
    contexts: contexts.map((index) => step.read(tensor, index)),
  };
}

/** Says what the inputs become. */
export function writeInputs(
  step: StepContext,
  group: Group,
  tensor: string,
  inputs: EncoderInputs,
): void {
  const [own, contexts] = inputIndexes(group);
  step.write(tensor, own, inputs.own);
  for (const [i, index] of contexts.entries()) step.write(tensor, index, inputs.contexts[i]!);
}

/** The shape of the contexts of each block. */
function contextShapes({ plan }: StepContext, { contexts }: Group): number[][] {
  return unitsOfBlocks(contexts).map((units) => contextShape(plan, units));
}

/**
 * Gathers the contexts of a group.
 *
 * @param conditions of each kind of context a boolean: whether it counts, or is 0; none where all do
 */
export function gatherContexts(
  step: StepContext,
  group: Group,
  conditions: readonly Value[] = [],
): Value[] {
  const { plan: { context, contextKind }, space } = step;
  const shapes = contextShapes(step, group);
  return unitsOfBlocks(group.contexts).map((units, i) =>
    conditions.length === 0
      ? space.gather(context, units, shapes[i])
      : space.gatherIf(context, units, contextKind, conditions, shapes[i])
  );
}

/** Units of a group that have no contexts. */
function withoutContexts({ units, contexts }: Group): number {
  return units.length - contexts.units.length;
}

/** Rows for the units of a group that have contexts, of rows for all. */
function withContexts({ graph }: StepContext, group: Group, values: Value): Value {
  const none = withoutContexts(group);
  if (none === 0) return values;
  const sizes = graph.ints(none, group.contexts.units.length);
  return graph.ops("Split", [values, sizes], 2, { axis: 0 })[1]!;
}

/**
 * Inputs that are replaced where a condition holds.
 *
 * @param condition of each unit, [units, 1]
 * @param yes where it holds
 * @param no where it does not
 */
export function inputsWhere(
  step: StepContext,
  group: Group,
  condition: Value,
  yes: EncoderInputs,
  no: EncoderInputs,
): EncoderInputs {
  const { graph, math } = step;
  const own = math.where(condition, yes.own, no.own);
  if (group.contexts.units.length === 0) return { own, contexts: [] };
  const counts = group.contexts.blocks.map(({ count }) => count);
  const rows = withContexts(step, group, condition);
  const pieces = counts.length === 1
    ? [rows]
    : graph.ops("Split", [rows, graph.ints(...counts)], counts.length, { axis: 0 });
  const contexts = contextShapes(step, group).map((shape, i) => {
    const dims = graph.ints(counts[i]!, ...shape.map(() => 1));
    const mine = graph.op("Reshape", [pieces[i]!, dims]);
    return math.where(mine, yes.contexts[i]!, no.contexts[i]!);
  });
  return { own, contexts };
}

/**
 * One rank-1 term an encoder; says what they become.
 *
 * @param before the encoders
 * @param inputs x
 * @param delta [units, H], rate included
 * @param momentum where there is some
 */
export function updateEncoders(
  step: StepContext,
  group: Group,
  before: Encoders,
  inputs: EncoderInputs,
  delta: Value,
  momentum?: Momentum,
): Encoders {
  const { passes } = step;
  const own = passes.update(before.own, inputs.own, delta, momentum);
  step.writeMatrices("encoder", group.own, own);
  if (group.contexts.units.length === 0) return { own, contexts: before.contexts };
  const some = (values: Value) => withContexts(step, group, values);
  const contexts = passes.update(
    before.contexts,
    inputs.contexts,
    some(delta),
    momentum && {
      decay: momentum.decay === null ? null : some(momentum.decay),
      gain: some(momentum.gain),
    },
  );
  step.writeMatrices("encoder", group.contexts, contexts);
  return { own, contexts };
}

/** Adds to what is there for all units of a group what is there for those with contexts. */
function addContexts(step: StepContext, group: Group, own: Value, contexts: Value, zeros: Value) {
  const all = withoutContexts(group) === 0 ? contexts : step.join([zeros, contexts]);
  return step.math.add(own, all);
}

/**
 * W1 x.
 *
 * @returns [units, H]
 */
export function encode(
  step: StepContext,
  group: Group,
  encoders: Encoders,
  inputs: EncoderInputs,
  bounds: Bounds,
): Value {
  const { graph, passes, plan: { hidden } } = step;
  const own = passes.product(encoders.own, inputs.own, () => bounds.own);
  if (group.contexts.units.length === 0) return own;
  const range = (columns: number) => [bounds.context(columns)];
  const contexts = passes.product(encoders.contexts, inputs.contexts, range);
  const rows = withoutContexts(group);
  const zeros = graph.float(new Array(rows * hidden).fill(0), [rows, hidden]);
  return addContexts(step, group, own, contexts, zeros);
}

/** |x|^2, a vector. */
export function power(step: StepContext, group: Group, inputs: EncoderInputs): Value {
  const { graph, math } = step;
  const own = math.sumOfSquares(inputs.own);
  if (group.contexts.units.length === 0) return own;
  const shapes = contextShapes(step, group);
  const contexts = step.join(
    inputs.contexts.map((x, i) => math.sumOfSquares(x, shapes[i]!.length)),
  );
  const rows = withoutContexts(group);
  return addContexts(step, group, own, contexts, graph.float(new Array(rows).fill(0), [rows]));
}
