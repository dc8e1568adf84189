/**
 * `saccade inspect`: what a model is made of, and what a step of it costs.
 *
 * @module
 */
import { meanDeferredCost } from "../backends/deferred_cost.ts";
import { stepCost } from "../backends/step_cost.ts";
import { placeModel } from "../backends/wasm/placement.ts";
import { storedPairs, storedWeights } from "../backends/wasm/stored.ts";
import { densityOf } from "../compress/prune.ts";
import { planOf } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { parseSpec, withoutEffect } from "../model/parse_spec.ts";
import {
  frameLength,
  hashPlan,
  lengths,
  offsetsOf,
  type Plan,
  signalLengths,
} from "../model/plan.ts";
import { denseCheckpoint, pairLengths } from "../model/pairs.ts";
import type { PruningSchedule } from "../model/pruning_schedule.ts";
import type { Spec } from "../model/spec.ts";
import { MOMENTUM_TENSORS, stateLengths, WEIGHT_TENSORS } from "../model/state.ts";
import { formatOf, hasMomentum, weightBytes } from "../model/weight_format.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags } from "./flags.ts";
import { quantity, small, table } from "./format.ts";
import { readSpec, SPEC_FLAGS, specFlagsGiven } from "./spec_flags.ts";
import { write } from "./view.ts";
import {
  bars,
  type CodebookSummary,
  summarise,
  type WeightSummaries,
  type WeightSummary,
} from "./weight_summary.ts";

/** `saccade inspect`. */
export const command: Command = {
  name: "inspect",
  help: "Shows the layers, units, weights, bytes and work of a model or a checkpoint.",
  positional: "[NAME|FILE]",
  flags: { ...SPEC_FLAGS, json: { help: "print it as JSON" } },
  examples: [
    "saccade inspect small",
    "saccade inspect classic --rule 2016",
    "saccade inspect model.safetensors --json",
  ],
};

/** A range over the units of a layer. */
interface Range {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

function rangeOf(values: readonly number[]): Range {
  const sum = values.reduce((a, b) => a + b, 0);
  return { least: Math.min(...values), mean: sum / values.length, most: Math.max(...values) };
}

/** One layer. */
function describeLayer(plan: Plan, spec: Spec, layer: number) {
  const [begin, end] = [plan.layerStart[layer]!, plan.layerStart[layer + 1]!];
  const at = offsetsOf(plan);
  const units = Array.from({ length: end - begin }, (_, i) => begin + i);
  const contexts = lengths(plan.context);
  const signal = signalLengths(plan);
  const encoder = at.encoder[end]! - at.encoder[begin]!;
  const decoder = at.decoder[end]! - at.decoder[begin]!;
  return {
    layer,
    side: spec.layer_shapes[layer]!,
    units: units.length,
    signal: signal[begin]!,
    contexts: rangeOf(units.map((u) => contexts[u]! / plan.hidden)),
    inputs: rangeOf(units.map((u) => plan.inputs[u]! - 1)),
    hidden: plan.hidden,
    outputs: plan.outputs[begin]!,
    weights: encoder + decoder,
    readoutWeights: readoutWeights(spec, layer, units.length),
  };
}

/** Weights of the readouts that the 2016 files ask for: H to 2 H to the block, biases included (pvm-spec 3). */
function readoutWeights(spec: Spec, layer: number, units: number): number {
  if (!spec.enable_readout[layer]) return 0;
  const H = spec.hidden_block_size ** 2;
  const block = spec.readout_block_size[layer]! ** 2 * spec.readout_depth;
  return units * ((H + 1) * 2 * H + (2 * H + 1) * block);
}

/**
 * Everything there is to say of a model.
 *
 * @param spec the model
 * @param plan what is left of it, where it is pruned
 */
export async function describe(spec: Spec, plan: Plan = compilePlan(spec)) {
  const format = formatOf(plan);
  // What is pruned is never deferred, whatever the model says.
  const defers = plan.defer.every > 0 && plan.mask === undefined;
  const lengths = { ...stateLengths(plan), ...(defers ? pairLengths(plan, plan.defer) : {}) };
  // Where updates are deferred, what is kept of the momentum are the pairs.
  const tensors = Object.entries(lengths).filter(([name]) =>
    !defers || !MOMENTUM_TENSORS.includes(name)
  );
  const sizeOf = (name: string) =>
    name === "encoder" || name === "decoder" ? weightBytes(format) : 4;
  const kept = densityOf(plan);
  const bytes = (weights: boolean) =>
    Math.ceil(
      tensors.filter(([name]) => WEIGHT_TENSORS.includes(name) === weights)
        .reduce((sum, [name, length]) => sum + sizeOf(name) * length * (weights ? kept : 1), 0),
    );
  const momentum = hasMomentum(plan);
  // As the backend wasm has them. Far in the schedule every layer learns, if it ever does.
  const cost = defers
    ? meanDeferredCost(plan, storedPairs(plan))
    : stepCost(plan, storedWeights(plan, placeModel(plan, { threads: 1, capacity: 1, momentum })));
  const costOf = (learn: boolean) => {
    const { macs, bytesRead, bytesWritten } = cost(Number.MAX_SAFE_INTEGER - 1, learn);
    return { macs, bytesRead, bytesWritten };
  };
  const learning = costOf(true);
  const predicting = costOf(false);
  const layers = Array.from(
    { length: plan.layerStart.length - 1 },
    (_, layer) => describeLayer(plan, spec, layer),
  );
  const total = (of: (layer: typeof layers[number]) => number) =>
    layers.reduce((sum, layer) => sum + of(layer), 0);
  const flops = ({ macs, bytesRead, bytesWritten }: typeof learning) => ({
    flops: 2 * macs,
    bytesRead,
    bytesWritten,
  });
  return {
    rule: spec.rule,
    lateral: spec.lateral,
    frame: { width: plan.frame.width, height: plan.frame.height, values: frameLength(plan) },
    units: plan.layerStart.at(-1)!,
    contexts: plan.contextKind.length,
    contextsDropped: compilePlan(spec).contextKind.length - plan.contextKind.length,
    format,
    density: kept,
    momentum,
    weights: total((layer) => layer.weights),
    readoutWeights: total((layer) => layer.readoutWeights),
    bytes: { weights: bytes(true), state: bytes(false) },
    learningStep: flops(learning),
    predictingStep: flops(predicting),
    withoutEffect: withoutEffect(spec),
    defer: plan.defer,
    defers,
    skipBelow: plan.skipBelow ?? null,
    surprise: plan.surprise ?? null,
    planHash: await hashPlan(plan),
    layers,
  };
}

function deferText({ every, window }: Plan["defer"], defers: boolean): string {
  if (every > 0 && !defers) return "none: what is pruned is written at once";
  if (every === 0) return "none: every update is written at once";
  return `written every ${every} updates${
    window === 0 ? "" : `, momentum counts for ${window} updates`
  }`;
}

function skipText(below: readonly number[] | null, surprise: number | null): string {
  const small = [
    ...(below === null ? [] : [`below ${below.join(", ")} (layer by layer)`]),
    ...(surprise === null ? [] : [`below ${surprise} of its own mean`]),
  ];
  return small.length === 0
    ? "nobody: every unit learns from every frame"
    : `a unit whose mean squared error is ${small.join(", or ")}`;
}

const range = ({ least, mean, most }: Range) =>
  least === most ? String(least) : `${least}-${most} (${mean.toFixed(1)})`;

function summaryText({ histogram, largest, rms, scales }: WeightSummary): string {
  const steps = scales === undefined
    ? ""
    : `, steps of 2^${Math.log2(scales[0])} to 2^${Math.log2(scales[1])}`;
  return `${small(-largest)} |${bars(histogram)}| ${small(largest)}, rms ${small(rms)}${steps}`;
}

function codebooksText({ ofUnits, means, members, spare }: CodebookSummary): string {
  const mean = means.map((value) => value.toPrecision(2)).join(" ");
  return `mean of ${ofUnits.length}: ${mean} |${bars(members)}|, ${spare} of ${
    ofUnits.length * means.length
  } values to spare`;
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const [name, ...more] = values.positional;
  if (more.length > 0) throw new UsageError(`inspect takes one model, not ${more.length + 1}`);
  let spec: Spec;
  let checkpoint: { step: number; learned: number; sourceFrames: number } | undefined;
  let summaries: WeightSummaries | undefined;
  let plan: Plan | undefined;
  let pruning: PruningSchedule | undefined;
  if (name?.endsWith(".safetensors")) {
    const [flag] = specFlagsGiven(values);
    if (flag !== undefined) {
      throw new UsageError(`--${flag} does not go with a checkpoint, which has its own model`);
    }
    const stored = await loadCheckpoint(name);
    spec = parseSpec(stored.spec);
    const { step, learned } = stored.checkpoint;
    checkpoint = { step, learned, sourceFrames: stored.sourceFrames };
    ({ pruning } = stored);
    plan = planOf(stored);
    summaries = summarise(plan, denseCheckpoint(plan, stored.checkpoint));
  } else {
    spec = await readSpec(values, name);
  }
  const description = await describe(spec, plan);
  if (values.has("json")) {
    const stored = summaries ?? null;
    const about = { checkpoint: checkpoint ?? null, pruning: pruning ?? null, stored, spec };
    write(`${JSON.stringify({ ...description, ...about })}\n`);
    return EXIT.ok;
  }
  const { frame, units, weights, bytes, learningStep, predictingStep, layers } = description;
  const step = ({ flops, bytesRead, bytesWritten }: typeof learningStep) =>
    `${quantity(flops, "FLOP")}, ${quantity(bytesRead, "B")} read, ${
      quantity(bytesWritten, "B")
    } written`;
  const facts: string[][] = [
    ["rule", `${description.rule}, lateral context from ${description.lateral}`],
    ["frame", `${frame.width} x ${frame.height} RGB`],
    ["units", String(units)],
    [
      "weights",
      `${weights} (${quantity(bytes.weights, "B")} in ${description.format}${
        description.momentum && !description.defers ? ", momentum included" : ""
      })`,
    ],
    ["readout weights", `${description.readoutWeights} (parsed, not built yet)`],
    ["other state", quantity(bytes.state, "B")],
    ["deferred updates", deferText(description.defer, description.defers)],
    ["who skips learning", skipText(description.skipBelow, description.surprise)],
    ["a step that learns", step(learningStep)],
    ["a step that predicts", step(predictingStep)],
    ["set, without effect", description.withoutEffect.join(", ") || "nothing"],
    ["plan", description.planHash.slice(0, 16)],
  ];
  if (checkpoint !== undefined) {
    const { step, learned, sourceFrames } = checkpoint;
    facts.push(["checkpoint", `${step} steps, ${learned} learned, ${sourceFrames} source frames`]);
  }
  if (description.density < 1) {
    facts.push(["kept", `${(100 * description.density).toFixed(1)} % of the weights`]);
  }
  if (description.contextsDropped > 0) {
    const { contexts, contextsDropped } = description;
    facts.push(["contexts", `${contexts}, ${contextsDropped} were dropped`]);
  }
  if (pruning !== undefined && pruning.made <= pruning.steps) {
    const { density, made, steps } = pruning;
    facts.push(["being pruned", `to ${(100 * density).toFixed(1)} %, ${made} of ${steps} steps`]);
  }
  for (const name of ["encoder", "decoder"] as const) {
    if (summaries === undefined) continue;
    const { codebooks } = summaries[name];
    facts.push([`${name}s`, summaryText(summaries[name])]);
    if (codebooks !== undefined) facts.push([`${name} codebooks`, codebooksText(codebooks)]);
  }
  const width = Math.max(...facts.map(([fact]) => fact!.length));
  const rows = layers.map((l) => [
    String(l.layer),
    l.units === l.side ** 2 ? `${l.side} x ${l.side}` : `${l.units} of ${l.side} x ${l.side}`,
    String(l.signal),
    range(l.contexts),
    range(l.inputs),
    String(l.hidden),
    String(l.outputs),
    String(l.weights),
  ]);
  const head = ["layer", "grid", "signal", "contexts", "inputs", "hidden", "outputs", "weights"];
  write(`${facts.map(([fact, value]) => `${fact!.padEnd(width)}  ${value}`).join("\n")}\n\n`);
  write(`${table([head, ...rows])}\n`);
  return EXIT.ok;
}
