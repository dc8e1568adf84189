/**
 * `saccade export`: a model and its state as a file for other runtimes.
 *
 * @module
 */
import { type ExportForm, exportOnnx } from "../backends/onnx/export.ts";
import { quantise } from "../compress/quantise.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { planOf } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import { parseSpec } from "../model/parse_spec.ts";
import type { Plan } from "../model/plan.ts";
import type { Spec } from "../model/spec.ts";
import { loadCheckpoint, saveCheckpoint } from "../runtime/checkpoint_store.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags, type Values } from "./flags.ts";
import { quantity } from "./format.ts";
import { readSpec, SPEC_FLAGS, specFlagsGiven } from "./spec_flags.ts";
import { write } from "./view.ts";

// How updates are written is no matter of a graph, which writes them all, in f32.
const { defer: _, format: __, ...MODEL_FLAGS } = SPEC_FLAGS;

/** `saccade export`. */
export const command: Command = {
  name: "export",
  help: "Writes one step of a model as an ONNX graph, with its state, for any other runtime.",
  positional: "[NAME|FILE]",
  flags: {
    onnx: { value: "FILE", help: "where the graph is written" },
    training: { help: "a graph that learns; weights are inputs and outputs (the default)" },
    inference: { help: "a graph that only predicts; weights are constants" },
    int8: { help: "with --inference: products of 8-bit whole numbers" },
    ...MODEL_FLAGS,
  },
  examples: [
    "saccade export --onnx step.onnx --spec tiny",
    "saccade export --onnx step.onnx model.safetensors",
    "saccade export --onnx step.onnx --inference --int8 model.safetensors",
  ],
};

function formOf(values: Values): ExportForm {
  if (values.has("training") && values.has("inference")) {
    throw new UsageError("--training and --inference are two graphs: choose one");
  }
  if (values.has("int8") && !values.has("inference")) {
    throw new UsageError("--int8 goes with --inference: whole numbers cannot learn here");
  }
  return values.has("int8") ? "int8" : values.has("inference") ? "inference" : "training";
}

/** A checkpoint, or the first state of a specification. */
async function modelOf(
  values: Values,
): Promise<{ spec: Spec; plan: Plan; checkpoint: Checkpoint }> {
  const [name, ...more] = values.positional;
  if (more.length > 0) throw new UsageError(`export takes one model, not ${more.length + 1}`);
  const [flag] = specFlagsGiven(values);
  if (name?.endsWith(".safetensors")) {
    if (flag !== undefined) {
      throw new UsageError(`--${flag} does not go with a checkpoint, which has its own model`);
    }
    const stored = await loadCheckpoint(name);
    if (stored.mask !== undefined && formOf(values) === "training") {
      throw new UsageError(
        `"${name}" is pruned, and a graph that learns would teach what was pruned: give --inference`,
      );
    }
    return inF32(parseSpec(stored.spec), planOf(stored), stored.checkpoint);
  }
  if (name !== undefined && values.has("spec")) {
    throw new UsageError(`"${name}" and --spec are both models: choose one`);
  }
  const spec = await readSpec(values, name);
  const plan = compilePlan(spec);
  return inF32(spec, plan, initialCheckpoint(plan));
}

/** What a graph can be made of: f32, nothing deferred, pruned weights that are 0. */
function inF32(spec: Spec, pruned: Plan, checkpoint: Checkpoint) {
  const { mask, format, ...plan } = pruned;
  if (format === undefined && mask === undefined) {
    return { spec, plan, checkpoint: denseCheckpoint(plan, checkpoint) };
  }
  const { checkpoint: wide } = quantise(pruned, checkpoint, "f32");
  return { spec: { ...spec, format: "f32" as const }, plan, checkpoint: wide };
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const path = values.text("onnx");
  if (path === undefined) throw new UsageError("export needs --onnx FILE to write to");
  const form = formOf(values);
  const { spec, plan, checkpoint } = await modelOf(values);
  const file = await exportOnnx(plan, checkpoint, form, { spec: JSON.stringify(spec) });
  await saveCheckpoint(path, [file]);
  write(
    `wrote ${path}: ${form}, rule ${spec.rule}, ${checkpoint.step} steps so far, ${
      quantity(file.length, "B")
    }\n`,
  );
  return EXIT.ok;
}
