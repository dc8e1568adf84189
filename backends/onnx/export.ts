/**
 * A model and its state as an ONNX file, for any runtime.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import { hashPlan, type Plan } from "../../model/plan.ts";
import { WEIGHT_FORMATS } from "../../model/weight_format.ts";
import { lacks } from "../lacks.ts";
import type { Piece } from "./layout.ts";
import { buildStep, NEXT, packed } from "./step_graph.ts";
import { startedTensors } from "./started.ts";

/** What the file is to do. */
export type ExportForm = "training" | "inference" | "int8";

/** Version of the names and metadata in the file. */
const VERSION = "2";

/**
 * Makes an ONNX model of one step.
 *
 * The state is inputs and outputs: what an output named `NAME.next` gives is the input `NAME` of the next step. Every input but
 * `frame` (and `external` where the model has motion) has an initial value in the file, that of the checkpoint, so the first step runs with
 * `frame` alone. `training` learns; `inference` only predicts, its weights are constants; `int8` is the same with products of bytes.
 *
 * @param plan a compiled model
 * @param checkpoint its state, without deferred updates
 * @param form what the file is to do
 * @param metadata further texts to store, by key
 * @returns the file
 * @throws {TypeError} when the model has shift candidates, or learns and has units that skip, which the graph lacks
 */
export async function exportOnnx(
  plan: Plan,
  checkpoint: Checkpoint,
  form: ExportForm,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  // A graph that does not learn skips nothing.
  const has = { formats: WEIGHT_FORMATS, masks: true, delays: true, skipping: form !== "training" };
  const [refusal] = lacks(plan, has);
  if (refusal !== undefined) throw new TypeError(refusal);
  const state = { ...checkpoint, tensors: startedTensors(plan, checkpoint) };
  const step = buildStep(plan, form === "training" ? {} : { frozen: state, int8: form === "int8" });
  const { graph } = step;
  const declared = new Set(graph.inputs.map(({ name }) => name));
  for (const [name, part] of step.state) {
    if (declared.has(name)) graph.initializer(name, "float", part.dims, packed(part, state));
  }
  for (const name of ["step", "learned"] as const) {
    if (declared.has(name)) {
      graph.initializer(name, "int64", [], BigInt64Array.of(BigInt(checkpoint[name])));
    }
  }
  if (declared.has("learn")) graph.initializer("learn", "bool", [], Uint8Array.of(1));
  if (declared.has("rate")) graph.initializer("rate", "float", [], Float32Array.of(1));
  const names = [...step.state.keys(), "step", "learned"].filter((name) => declared.has(name));
  return graph.encode("step", DOC, {
    format: "saccade step",
    version: VERSION,
    form,
    rule: plan.rule.name,
    plan: await hashPlan(plan),
    state: JSON.stringify(Object.fromEntries(names.map((name) => [name, `${name}${NEXT}`]))),
    layout: JSON.stringify(Array.from(step.state, ([name, { tensor, units, pieces }]) => ({
      name,
      tensor,
      units,
      pieces: joined(pieces),
    }))),
    ...metadata,
  });
}

/** Pieces as [first, columns, rows, stride]; single rows that stand one behind another are one piece. */
function joined(pieces: readonly Piece[]): number[][] {
  const all: number[][] = [];
  for (const { at, columns, rows, stride } of pieces) {
    const last = all.at(-1);
    if (rows === 1 && last?.[2] === 1 && last[0]! + last[1]! === at) last[1]! += columns;
    else all.push([at, columns, rows, stride]);
  }
  return all;
}

const DOC =
  `One step of a predictive vision model: it scores its last prediction, learns from it, observes
the frame and predicts the next. Give it frame (height x width x channels, values from 0 to 1) and, from the second step on, as each
input NAME what the output NAME${NEXT} was. "external", where there is one, is the motion candidate, shaped like the frame.
Metadata: "state" maps inputs to outputs; "layout" says which tensor of a checkpoint and which units each of
them holds, and where: pieces [first, columns, rows, stride], one after another, each column after column.`;
