/**
 * The signal space in the graph, and gathering from it by tables that are constants.
 *
 * @module
 */
import { frameLength, type Plan, type Sources, unitCount } from "../../model/plan.ts";
import type { Graph, Value } from "./graph.ts";
import type { Layout } from "./layout.ts";

/** Where the runs of a table lie: `[frame | external]`, published hidden outputs, or both. */
type Region = "arriving" | "published" | "all";

/** A flat tensor. */
interface Flat {
  readonly value: Value;
  readonly length: number;
}

/** A table of places: what some units gather, a row each. */
interface Table {
  readonly region: Region;
  readonly positions: Int32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Values in `[frame | external]`. */
export function arrivingLength(plan: Plan): number {
  return frameLength(plan) + plan.external.motion + plan.external.parts;
}

/** What units may gather from in one step. */
export class Space {
  readonly #graph: Graph;
  readonly #layout: Layout;
  readonly #regions: Record<Region, Flat>;

  /**
   * @param graph the graph
   * @param layout the order of the units
   * @param arriving the frame and external input, flat
   * @param published hidden outputs of the steps before in graph order, newest first, flat
   */
  constructor(graph: Graph, layout: Layout, arriving: Value, published: Value) {
    const { plan } = layout;
    const first = { value: arriving, length: arrivingLength(plan) };
    const length = plan.maxDelay * unitCount(plan) * plan.hidden;
    this.#graph = graph;
    this.#layout = layout;
    this.#regions = {
      arriving: first,
      published: { value: published, length },
      all: {
        value: graph.op("Concat", [arriving, published], { axis: 0 }),
        length: first.length + length,
      },
    };
  }

  /**
   * Gathers the runs of some units, one after another.
   *
   * @param sources which runs
   * @param units whose
   * @param shape of what each unit gathers; all in a row unless stated
   * @returns a row for each unit
   */
  gather(sources: Sources, units: readonly number[], shape?: readonly number[]): Value {
    const table = tableOf(this.#layout, sources, units);
    return gather(this.#graph, this.#regions[table.region], table, shape);
  }

  /**
   * The same from another tensor in the place of `[frame | external]`, of which only the frame is there.
   *
   * @param values as many as a frame has
   * @param sources which runs, all within the frame
   * @param units whose
   */
  gatherFrom(values: Value, sources: Sources, units: readonly number[]): Value {
    const table = tableOf(this.#layout, sources, units);
    const length = frameLength(this.#layout.plan);
    return gather(this.#graph, { value: values, length }, table);
  }

  /**
   * The same, where runs of a kind count only if a condition holds, and are 0 if not.
   *
   * @param sources which runs
   * @param units whose
   * @param kinds of each run
   * @param conditions a boolean for each kind
   * @param shape as above
   */
  gatherIf(
    sources: Sources,
    units: readonly number[],
    kinds: ArrayLike<number>,
    conditions: readonly Value[],
    shape?: readonly number[],
  ): Value {
    const plain = tableOf(this.#layout, sources, units);
    const { value, length } = this.#regions[plain.region];
    const zero = this.#graph.float(0);
    const masked = conditions.map((condition) => this.#graph.op("Where", [condition, value, zero]));
    const positions = plain.positions.slice();
    let at = 0;
    for (const unit of units) {
      for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
        for (let i = 0; i < sources.length[run]!; i++) positions[at++]! += kinds[run]! * length;
      }
    }
    const both = this.#graph.op("Concat", masked, { axis: 0 });
    const flat = { value: both, length: masked.length * length };
    return gather(this.#graph, flat, { ...plain, positions }, shape);
  }
}

function tableOf(
  { plan, row }: Layout,
  sources: Sources,
  units: readonly number[],
): Table {
  const H = plan.hidden;
  const arriving = arrivingLength(plan);
  const positions: number[] = [];
  let least = Infinity;
  let most = -1;
  for (const unit of units) {
    for (let run = sources.start[unit]!; run < sources.start[unit + 1]!; run++) {
      for (let i = 0; i < sources.length[run]!; i++) {
        const index = sources.index[run]! + i;
        let position = index;
        if (index >= arriving) {
          const source = Math.floor((index - arriving) / H);
          const published = (sources.delay[run]! - 1) * row.length + row[source]!;
          position = arriving + published * H + (index - arriving) % H;
        }
        least = Math.min(least, position);
        most = Math.max(most, position);
        positions.push(position);
      }
    }
  }
  const region = most < arriving ? "arriving" : least >= arriving ? "published" : "all";
  const table = Int32Array.from(positions);
  if (region === "published") { for (let i = 0; i < table.length; i++) table[i]! -= arriving; }
  return { region, positions: table, rows: units.length, columns: table.length / units.length };
}

/**
 * Gathers as many neighbours at once as the table and the last dimension allow: a unit's hidden outputs, the channels of a pixel.
 */
function gather(
  graph: Graph,
  { value, length }: Flat,
  table: Table,
  shape: readonly number[] = [table.columns],
): Value {
  const { positions, rows } = table;
  const last = shape.at(-1)!;
  const grain = grainOf(table, length, last);
  const places = positions.filter((_, i) => i % grain === 0).map((position) => position / grain);
  const each = grain === last ? shape.slice(0, -1) : [...shape.slice(0, -1), last / grain];
  const index = graph.table(places, [rows, ...each]);
  if (grain === 1) {
    const gathered = graph.op("Gather", [value, index], { axis: 0 });
    return last === 1 ? graph.op("Reshape", [gathered, graph.ints(rows, ...shape)]) : gathered;
  }
  const grains = graph.op("Reshape", [value, graph.ints(length / grain, grain)]);
  const gathered = graph.op("Gather", [grains, index], { axis: 0 });
  return grain === last ? gathered : graph.op("Reshape", [gathered, graph.ints(rows, ...shape)]);
}

/** The longest pieces that the space, the last dimension and every row of a table can be cut into. */
function grainOf({ positions }: Table, length: number, last: number): number {
  const fits = (grain: number) => {
    for (let i = 0; i < positions.length; i++) {
      const first = i - i % grain;
      if (positions[first]! % grain !== 0) return false;
      if (positions[i] !== positions[first]! + i - first) return false;
    }
    return true;
  };
  for (let grain = Math.min(last, length); grain > 1; grain--) {
    if (last % grain === 0 && length % grain === 0 && fits(grain)) return grain;
  }
  return 1;
}
