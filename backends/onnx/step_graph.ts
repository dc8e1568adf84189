/**
 * A plan as one ONNX graph: score, learn, observe and predict of all units, the whole state going in and coming out.
 *
 * @module
 */
import { layerOf, type Plan } from "../../model/plan.ts";
import { type Arithmetic, arithmetic } from "./arithmetic.ts";
import { ELEMENT, Graph, type Value } from "./graph.ts";
import type { Group, Stack } from "./groups.ts";
import { type Layout, layoutOf, packPart, type Part } from "./layout.ts";
import { type Matrices, Passes, storedDims, type UpdateForm } from "./passes.ts";
import { isScaled } from "./momentum_scale.ts";
import { Schedule } from "./schedule.ts";
import { arrivingLength, Space } from "./space.ts";
import { saccadeStep } from "./rule_saccade.ts";
import { step2016 } from "./rule_2016.ts";
import { MOMENTUM_TENSORS, WEIGHT_TENSORS } from "../../model/state.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";

/** What the suffix of an output's name says: it is the state of the next step. */
export const NEXT = ".next";

/** The input that says what momentum is stored divided by, after this step. */
export const MOMENTUM_SCALE = "momentum.scale";

/** Tensors that only learning changes. */
export const LEARNED_TENSORS: readonly string[] = [
  ...WEIGHT_TENSORS,
  "minimum",
  "maximum",
  "variance",
  "power",
  "combiner.moments",
  "combiner.products",
  "combiner.weights",
];

/** What a rule has to build its part of a graph with. */
export interface StepContext {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly layout: Layout;
  readonly math: Arithmetic;
  readonly passes: Passes;
  readonly schedule: Schedule;
  readonly space: Space;
  /** The frame of this step and of the step before, flat. */
  readonly frame: Value;
  readonly lastFrame: Value;
  /** Whether the graph only predicts. */
  readonly frozen: boolean;
  /** Whether weights change: a boolean of this step. */
  readonly learn: Value;
  /** Multiplies the scheduled rates of this step. */
  readonly rate: Value;
  /** s of each layer, where momentum is stored divided by it (`momentum_scale.ts`); null where it is stored as it is. */
  readonly scale: Value | null;
  /** Steps learned from, with this one, as a float; of rule saccade. */
  readonly learned: Value;
  /** Reads a part of the state. */
  read(tensor: string, index: number): Value;
  /** Whether the state has a part. */
  has(tensor: string, index: number): boolean;
  /** Says what a part of the state becomes. */
  write(tensor: string, index: number, value: Value): void;
  /** The same of tensors that have some numbers a unit, a row for each (`unit_rows.ts`). */
  readUnits(tensor: string): Value;
  writeUnits(tensor: string, rows: Value): void;
  /** Weight matrices, with their momentum. */
  matrices(tensor: "encoder" | "decoder", stack: Stack): Matrices;
  /** Says what matrices become. */
  writeMatrices(tensor: "encoder" | "decoder", stack: Stack, matrices: Matrices): void;
  /** Picks from a value for each layer the one of each unit: a column. */
  ofLayer(values: Value, group: Group): Value;
  /** Tensors of groups, one after another. */
  join(values: readonly Value[]): Value;
}

/** What a rule gives for each group. */
export interface GroupOutputs {
  /** The error of the prediction just scored. */
  readonly error: Value;
  /** What it publishes, [units, H]. */
  readonly published: Value;
}

/** How a graph is built. */
export interface GraphOptions {
  /** How updates are written; `standard` unless stated. */
  readonly form?: UpdateForm;
  /** A state that has learned: the graph only predicts then, what was learned is constant. */
  readonly frozen?: Checkpoint;
  /** Whether products are of 8-bit whole numbers; only with {@linkcode GraphOptions.frozen}. */
  readonly int8?: boolean;
}

/** A graph and what goes through it. */
export interface StepGraph {
  readonly graph: Graph;
  readonly layout: Layout;
  /** What comes out of a step and goes into the next: {@linkcode NEXT} stands behind the name of the output. */
  readonly state: ReadonlyMap<string, Part>;
}

/**
 * Builds the graph of a step.
 *
 * Inputs: `frame` ([height, width, channels], values in [0, 1]), `external` where the plan has some, `learn` (boolean), `rate`, the
 * counts `step` and `learned`, and the state. Outputs: `mse` of each layer, `error.N` of each group, and what each state becomes.
 *
 * @param plan a compiled model
 * @param options what it is for
 */
export function buildStep(plan: Plan, options: GraphOptions = {}): StepGraph {
  const { form = "standard", frozen, int8 = false } = options;
  const graph = new Graph();
  const layout = layoutOf(plan);
  const math = arithmetic(graph);
  const parts = new Map(layout.parts.map((part) => [
    part.name,
    stored(part, form, plan.rule.name === "2016"),
  ]));
  const declared = new Map<string, Value>();
  const { width, height, channels } = plan.frame;
  const values = width * height * channels;
  const external = arrivingLength(plan) - values;

  const picture = graph.input("frame", "float", [height, width, channels]);
  const frame = graph.op("Reshape", [picture, graph.ints(values)]);
  const arriving = external === 0 ? frame : graph.op("Concat", [
    frame,
    graph.input("external", "float", [external]),
  ], { axis: 0 });
  const step = graph.input("step", "int64", []);
  const learnedBefore = graph.input("learned", "int64", []);
  const learn = frozen === undefined
    ? graph.input("learn", "bool", [])
    : graph.constant("bool", [], Uint8Array.of(0));
  const rate = frozen === undefined ? graph.input("rate", "float", []) : graph.float(1);

  const partOf = (name: string): Part => {
    const part = parts.get(name);
    if (part === undefined) throw new RangeError(`The state has no part "${name}"`);
    return part;
  };
  const readPart = (name: string): Value => {
    const known = declared.get(name);
    if (known !== undefined) return known;
    const part = partOf(name);
    const constant = frozen !== undefined && LEARNED_TENSORS.includes(part.tensor);
    const value = constant
      ? graph.constant("float", part.dims, packed(part, frozen))
      : graph.input(name, "float", part.dims);
    declared.set(name, value);
    return value;
  };
  const writePart = (name: string, value: Value) => {
    const part = partOf(name);
    const constant = frozen !== undefined && LEARNED_TENSORS.includes(part.tensor);
    if (!constant) graph.output(`${name}${NEXT}`, value, "float", part.dims);
  };

  const published = graph.op("Reshape", [readPart("published"), graph.ints(-1)]);
  const active = graph.op("And", [
    learn,
    graph.op("GreaterOrEqual", [step, graph.int(2)]),
  ]);
  const learned = graph.op("Add", [
    learnedBefore,
    graph.op("Cast", [active], { to: ELEMENT.int64 }),
  ]);
  const layers = layerOf(plan);
  const passes = new Passes(graph, form);
  const context: StepContext = {
    graph,
    plan,
    layout,
    math,
    passes,
    schedule: new Schedule(graph, plan, step),
    space: new Space(graph, layout, arriving, published),
    frame,
    lastFrame: readPart("last_frame"),
    frozen: frozen !== undefined,
    learn: plan.rule.name === "saccade" ? active : learn,
    rate,
    scale: form === "fused" && isScaled(plan)
      ? graph.input(MOMENTUM_SCALE, "float", [plan.layerStart.length - 1])
      : null,
    learned: graph.op("Cast", [learned], { to: ELEMENT.float }),
    read: (tensor, index) => readPart(`${tensor}.${index}`),
    has: (tensor, index) => parts.has(`${tensor}.${index}`),
    write: (tensor, index, value) => writePart(`${tensor}.${index}`, value),
    readUnits: readPart,
    writeUnits: writePart,
    matrices(tensor, { blocks }) {
      const columns = tensor === "encoder" ? plan.hidden : plan.hidden + 1;
      const own = blocks.map(({ index, count, rows }) => {
        const name = `${tensor}.${index}`;
        const momentum = `${tensor}.momentum.${index}`;
        return {
          count,
          rows,
          weights: readPart(name),
          ...(parts.has(momentum) ? { momentum: readPart(momentum) } : {}),
          ...(int8 && frozen !== undefined ? { quantise: packed(partOf(name), frozen) } : {}),
        };
      });
      return { columns, blocks: own };
    },
    writeMatrices(tensor, { blocks }, matrices) {
      for (const [i, { weights, momentum }] of matrices.blocks.entries()) {
        const { index } = blocks[i]!;
        writePart(`${tensor}.${index}`, weights);
        if (momentum !== undefined) writePart(`${tensor}.momentum.${index}`, momentum);
      }
    },
    ofLayer(value, { units }) {
      const places = graph.table(units.map((unit) => layers[unit]!), [units.length, 1]);
      return graph.op("Gather", [value, places], { axis: 0 });
    },
    join: (values) => values.length === 1 ? values[0]! : graph.op("Concat", values, { axis: 0 }),
  };

  const rule = plan.rule;
  const outputs = rule.name === "saccade" ? saccadeStep(context, rule) : step2016(context, rule);

  const now = context.join(outputs.map(({ published }) => published));
  const all = graph.op("Reshape", [now, graph.ints(1, layout.order.length, plan.hidden)]);
  const history = plan.maxDelay === 1 ? all : graph.op("Concat", [
    all,
    graph.op("Slice", [
      readPart("published"),
      graph.ints(0),
      graph.ints(plan.maxDelay - 1),
      graph.ints(0),
    ]),
  ], { axis: 0 });
  writePart("published", history);
  writePart("last_frame", frame);
  graph.output(`step${NEXT}`, graph.op("Add", [step, graph.int(1)]), "int64", []);
  graph.output(`learned${NEXT}`, learned, "int64", []);
  for (const [i, { error }] of outputs.entries()) {
    const { units, signal } = layout.groups[i]!;
    graph.output(`error.${i}`, error, "float", [units.length, signal]);
  }
  graph.output("mse", meanSquares(context, outputs), "float", [plan.layerStart.length - 1]);
  const isState = (name: string) => parts.has(name) || name === "step" || name === "learned";
  const wanted = graph.outputs.map(({ name }) => name);
  graph.prune(
    frozen === undefined ? wanted : wanted.filter((name) => !name.endsWith(NEXT) || shown(name)),
    (input) => isState(input) ? `${input}${NEXT}` : undefined,
  );
  const kept = new Set(graph.outputs.map(({ name }) => name));
  const state = new Map([...parts].filter(([name]) => kept.has(`${name}${NEXT}`)));
  return { graph, layout, state };
}

/** What a graph that only predicts is run for. */
function shown(name: string): boolean {
  return /^(prediction|published)\b/.test(name);
}

/** The values of a part, copied out of a checkpoint. */
export function packed(part: Part, { tensors }: Checkpoint): Float32Array {
  const into = new Float32Array(part.dims.reduce((product, size) => product * size, 1));
  packPart(part, tensors, into);
  return into;
}

function stored(part: Part, form: UpdateForm, momentum: boolean): Part {
  if (!WEIGHT_TENSORS.includes(part.tensor)) return part;
  const [units, rows, columns] = part.dims;
  const by = momentum && !MOMENTUM_TENSORS.includes(part.tensor) ? "momentum" : "outer";
  return { ...part, dims: storedDims(form, [units!, rows!, columns!], by) };
}

/** The mean squared error of each layer: sums of units, each in the row of its layer, added up. */
function meanSquares(context: StepContext, outputs: readonly GroupOutputs[]): Value {
  const { graph, layout: { groups }, plan, math } = context;
  const layers = layerOf(plan);
  const squares = context.join(outputs.map(({ error }) => math.sumOfSquares(error)));
  const counts = new Array<number>(plan.layerStart.length - 1).fill(0);
  for (const { units, signal } of groups) for (const u of units) counts[layers[u]!]! += signal;
  const { order } = context.layout;
  const shares = counts.flatMap((count, layer) =>
    order.map((unit) => layers[unit] === layer ? 1 / count : 0)
  );
  return math.sum(math.mul(graph.float(shares, [counts.length, order.length]), squares));
}
