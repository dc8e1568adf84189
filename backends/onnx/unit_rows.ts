/**
 * Numbers of all units: a row for each kind of number, a column for each unit in graph order.
 *
 * So a rule takes all groups at once, and an operator with a scalar is one loop: over a column it would be one for each entry.
 *
 * @module
 */
import type { Value } from "./graph.ts";
import type { StepContext } from "./step_graph.ts";

/**
 * Puts vectors of groups together.
 *
 * @param kinds of each kind the vector of each group, [units of the group]
 * @returns [kinds, units]
 */
export function rowsOf({ graph, layout, join }: StepContext, kinds: readonly Value[][]): Value {
  const shape = graph.ints(kinds.length, layout.order.length);
  return graph.op("Reshape", [join(kinds.flat()), shape]);
}

/** A row of constants, one for each unit by the plan's number. */
export function constantRow(
  { graph, layout }: StepContext,
  of: (unit: number) => number,
): Value {
  return graph.float(layout.order.map(of), [1, layout.order.length]);
}

/** Rows, one by one. */
export function rowsApart({ graph }: StepContext, rows: Value, count: number): Value[] {
  const sizes = graph.ints(...new Array<number>(count).fill(1));
  return graph.ops("Split", [rows, sizes], count, { axis: 0 });
}

/**
 * What rows say of the units of each group.
 *
 * @param rows each [1, units]
 * @returns of each group a column for each row, [units of the group, 1]
 */
export function columnsOf(
  step: StepContext,
  rows: readonly Value[],
): Value[][] {
  const { graph, layout: { groups } } = step;
  const all = step.join(rows);
  const pieces = groups.length === 1 ? [all] : graph.ops(
    "Split",
    [all, graph.ints(...groups.map(({ units }) => units.length))],
    groups.length,
    { axis: 1 },
  );
  return groups.map(({ units }, i) => {
    const own = rows.length === 1 ? [pieces[i]!] : rowsApart(step, pieces[i]!, rows.length);
    return own.map((row) => graph.op("Reshape", [row, graph.ints(units.length, 1)]));
  });
}
