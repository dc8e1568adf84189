/**
 * The encoders of a group: matrices for features and bias, and for contexts, whose products add up.
 *
 * @module
 */
import type { Value } from "./graph.ts";
import type { Group, Stack } from "./layout.ts";
import type { Matrices, Momentum, Range } from "./passes.ts";
import type { StepContext } from "./step_graph.ts";

/** x of a group: features and bias, [units, features + 1], and of each stack of contexts [its units, columns]. */
export type EncoderInputs = readonly [own: Value, ...contexts: Value[]];

/** The encoders of a group. */
export type Encoders = readonly [own: Matrices, ...contexts: Matrices[]];

/** Between what bounds inputs lie. */
export interface Bounds {
  /** Of features and bias. */
  readonly own: readonly Range[];
  /** Of contexts, which are as many as stated. */
  context(columns: number): Range;
}

/** All stacks of a group: features and bias first. */
function stacks({ own, contexts }: Group): readonly [Stack, ...Stack[]] {
  return [own, ...contexts];
}

/** The encoders before a step. */
export function readEncoders(step: StepContext, group: Group): Encoders {
  const [own, ...contexts] = stacks(group);
  return [
    step.matrices("encoder", own),
    ...contexts.map((stack) => step.matrices("encoder", stack)),
  ];
}

/**
 * The inputs of a step before.
 *
 * @param tensor `input` or `lag.input`
 */
export function readInputs(step: StepContext, group: Group, tensor: string): EncoderInputs {
  const [own, ...contexts] = stacks(group);
  return [step.read(tensor, own.index), ...contexts.map(({ index }) => step.read(tensor, index))];
}

/** Says what the inputs become. */
export function writeInputs(
  step: StepContext,
  group: Group,
  tensor: string,
  inputs: EncoderInputs,
): void {
  for (const [i, { index }] of stacks(group).entries()) step.write(tensor, index, inputs[i]!);
}

/** Units of a group that have no contexts. */
function withoutContexts({ units, contexts }: Group): number {
  return units.length - contexts.reduce((sum, stack) => sum + stack.units.length, 0);
}

/**
 * Rows for the units of a group, as rows for each of its stacks.
 *
 * @param values [units, ...]
 */
export function spread({ graph }: StepContext, group: Group, values: Value): Value[] {
  const none = withoutContexts(group);
  const sizes = group.contexts.map(({ units }) => units.length);
  if (none === 0 && sizes.length === 1) return [values, values];
  if (sizes.length === 0) return [values];
  const all = none === 0 ? sizes : [none, ...sizes];
  const rows = graph.ops("Split", [values, graph.ints(...all)], all.length, { axis: 0 });
  return [values, ...none === 0 ? rows : rows.slice(1)];
}

/**
 * What the stacks of a group say of its units, added up.
 *
 * @param values of each stack [units, ...]
 * @param zeros for units without contexts
 */
function collect(
  { join, math }: StepContext,
  group: Group,
  [own, ...contexts]: readonly Value[],
  zeros: (rows: number) => Value,
): Value {
  if (contexts.length === 0) return own!;
  const none = withoutContexts(group);
  return math.add(own!, join(none === 0 ? contexts : [zeros(none), ...contexts]));
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
  const deltas = spread(step, group, delta);
  const gains = momentum === undefined ? [] : spread(step, group, momentum.gain);
  const decays = momentum === undefined || momentum.decay === null
    ? []
    : spread(step, group, momentum.decay);
  const update = (i: number) => {
    const own = momentum && { decay: decays[i] ?? null, gain: gains[i]! };
    const after = step.passes.update(before[i]!, inputs[i]!, deltas[i]!, own);
    step.writeMatrices("encoder", stacks(group)[i]!, after);
    return after;
  };
  return [update(0), ...group.contexts.map((_, i) => update(i + 1))];
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
  const products = stacks(group).map(({ rows }, i) =>
    passes.product(encoders[i]!, inputs[i]!, i === 0 ? bounds.own : [bounds.context(rows)])
  );
  const zeros = (rows: number) => graph.float(new Array(rows * hidden).fill(0), [rows, hidden]);
  return collect(step, group, products, zeros);
}

/** |x|^2, a vector. */
export function power(step: StepContext, group: Group, inputs: EncoderInputs): Value {
  const { graph, math } = step;
  const zeros = (rows: number) => graph.float(new Array(rows).fill(0), [rows]);
  return collect(step, group, inputs.map((x) => math.sumOfSquares(x)), zeros);
}
