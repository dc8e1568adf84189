/**
 * The encoders of a group: a matrix for features and bias, and one for each context, whose products add up.
 *
 * @module
 */
import type { Value } from "./graph.ts";
import type { Group, Links, Stack } from "./layout.ts";
import type { Matrices, Momentum, Range } from "./passes.ts";
import type { StepContext } from "./step_graph.ts";

/** x of a group: features and bias, [units, features + 1], and the contexts of each of its links, [contexts, length]. */
export type EncoderInputs = readonly [own: Value, ...contexts: Value[]];

/** The encoders of a group. */
export type Encoders = readonly [own: Matrices, ...contexts: Matrices[]];

/** Between what bounds inputs lie. */
export interface Bounds {
  /** Of the features and bias. */
  readonly own: readonly Range[];
  /** Of contexts, which are as many as stated. */
  context(columns: number): Range;
}

/** All matrices of a group: features and bias first. */
function stacks({ own, links }: Group): readonly [Stack, ...Links[]] {
  return [own, ...links];
}

/** The encoders before a step. */
export function readEncoders(step: StepContext, group: Group): Encoders {
  const [own, ...links] = stacks(group);
  return [
    step.matrices("encoder", own),
    ...links.map((stack) => step.matrices("encoder", stack)),
  ];
}

/**
 * The inputs of a step before.
 *
 * @param tensor `input` or `lag.input`
 */
export function readInputs(step: StepContext, group: Group, tensor: string): EncoderInputs {
  const [own, ...links] = stacks(group);
  return [step.read(tensor, own.index), ...links.map(({ index }) => step.read(tensor, index))];
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

/**
 * Rows for the units of a group, as rows for the matrices of one of its stacks.
 *
 * @param values [units, ...]
 */
export function spread({ graph }: StepContext, group: Group, stack: Stack, values: Value): Value {
  if (stack === group.own) return values;
  const places = graph.table(placesOf(group, stack), [stack.units.length]);
  return graph.op("Gather", [values, places], { axis: 0 });
}

/** The row in its group of each unit of a stack. */
function placesOf({ units }: Group, stack: Stack): number[] {
  const row = new Map(units.map((unit, i) => [unit, i]));
  return stack.units.map((unit) => row.get(unit)!);
}

/**
 * Adds up for each unit of a group what its links say.
 *
 * @param values of each of the links of the group, [contexts, ...]
 * @param none zeros, [1, ...]
 * @returns [units, ...]
 */
function collect({ graph, join }: StepContext, group: Group, values: Value[], none: Value): Value {
  const { units, links } = group;
  const rows: number[][] = units.map(() => []);
  let count = 0;
  for (const stack of links) for (const unit of placesOf(group, stack)) rows[unit]!.push(count++);
  const most = Math.max(...rows.map((row) => row.length));
  // As many for each unit as the one with most has: the others are the zeros behind the last.
  const table = rows.flatMap((row) => Array.from({ length: most }, (_, i) => row[i] ?? count));
  const all = join(table.includes(count) ? [...values, none] : values);
  const gathered = graph.op("Gather", [all, graph.table(table, [units.length, most])], { axis: 0 });
  return graph.op("ReduceSum", [gathered, graph.ints(1)], { keepdims: 0 });
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
  const update = (i: number) => {
    const stack = stacks(group)[i]!;
    const mine = (values: Value) => spread(step, group, stack, values);
    const own = momentum === undefined ? undefined : {
      decay: momentum.decay === null ? null : mine(momentum.decay),
      gain: mine(momentum.gain),
    };
    const after = step.passes.update(before[i]!, inputs[i]!, mine(delta), own);
    step.writeMatrices("encoder", stack, after);
    return after;
  };
  return [update(0), ...group.links.map((_, i) => update(i + 1))];
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
  const { graph, passes, math, plan } = step;
  const own = passes.product(encoders[0], inputs[0], bounds.own);
  if (group.links.length === 0) return own;
  const products = group.links.map(({ rows }, i) =>
    passes.product(encoders[i + 1]!, inputs[i + 1]!, [bounds.context(rows)])
  );
  const none = graph.float(new Array(plan.hidden).fill(0), [1, plan.hidden]);
  return math.add(own, collect(step, group, products, none));
}

/** |x|^2, a vector. */
export function power(step: StepContext, group: Group, inputs: EncoderInputs): Value {
  const { graph, math } = step;
  const [own, ...contexts] = inputs.map((x) => math.sumOfSquares(x));
  if (contexts.length === 0) return own!;
  return math.add(own!, collect(step, group, contexts, graph.float([0], [1])));
}
