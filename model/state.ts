/**
 * The tensors that make up the state of a plan, each flat and in unit order: what a checkpoint holds.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "./checkpoint.ts";
import { pairLengths } from "./pairs.ts";
import { candidateCount, copyCount, frameLength, offsetsOf, type Plan, unitCount } from "./plan.ts";
import { codebookFault } from "./check_codebooks.ts";
import { codebookSize, formatOf, hasMomentum, hasScales } from "./weight_format.ts";

/** The momentum of rule 2016; a checkpoint with deferred updates has it only where it was loaded and still counts. */
export const MOMENTUM_TENSORS: readonly string[] = ["encoder.momentum", "decoder.momentum"];

/** Tensors that hold weights or their momentum; all others are state. */
export const WEIGHT_TENSORS: readonly string[] = [
  "encoder",
  "decoder",
  ...MOMENTUM_TENSORS,
];

/**
 * The names and lengths of a plan's tensors.
 *
 * Both rules: `encoder` (a unit: H rows of its inputs), `decoder` (a unit: a row of H + 1 for each output), `frame` (the last),
 * `published` (maxDelay states of all hidden outputs, newest first), `input` (x), `hidden` (h), `prediction`, `signal` (the last).
 * Rule 2016: momentum of both matrices, `integral`, `minimum` and `maximum` of hidden outputs, what two-step prediction has
 * yet to learn from (`lag.*`), the signal before the last. Rule saccade: `change` (z), `motion` (m of layer 0), `scale` (s), `variance`
 * (v), `power` (Q), `combiner.moments` (A: zz, zm, mm), `combiner.products` (B), `combiner.weights` (w). With shift
 * candidates the combiner has more (A goes on: zg, mg, gg ...), and each unit of layer 0 has for each of them `shift` (g),
 * `shift.moments` (packed lower triangle, row by row), `shift.products` and `shift.energy`. Formats of fixed point:
 * `encoder.scale` (a unit: H) and `decoder.scale` (a unit: H + 1), powers of two. Formats of codebooks have no momentum, but
 * `encoder.codebook` and `decoder.codebook` (a unit: 16 or 4), ascending, and scales of one a unit. Where units skip for lack of surprise: `error.mean`.
 *
 * @param plan a compiled model
 * @returns lengths by name, names in ascending order
 */
export function stateLengths(plan: Plan): Record<string, number> {
  const at = offsetsOf(plan);
  const units = unitCount(plan);
  const hidden = units * plan.hidden;
  const { rule } = plan;
  const lengths: Record<string, number> = {
    encoder: at.encoder[units]!,
    decoder: at.decoder[units]!,
    frame: frameLength(plan),
    published: plan.maxDelay * hidden,
    input: at.input[units]!,
    hidden,
    prediction: at.output[units]!,
    signal: at.signal[units]!,
  };
  if (rule.name === "2016") {
    if (hasMomentum(plan)) {
      lengths["encoder.momentum"] = lengths["encoder"]!;
      lengths["decoder.momentum"] = lengths["decoder"]!;
    }
    if (rule.integral) lengths["integral"] = lengths["signal"]!;
    if (rule.normalise) lengths["minimum"] = lengths["maximum"] = hidden;
    if (rule.twoSteps) {
      lengths["lag.input"] = lengths["input"]!;
      lengths["lag.hidden"] = hidden;
      lengths["lag.prediction"] = lengths["prediction"]!;
      if (rule.autoencoder) lengths["signal.previous"] = lengths["signal"]!;
    }
  } else {
    lengths["change"] = lengths["signal"]!;
    if (plan.external.motion > 0) lengths["motion"] = plan.external.motion;
    for (const name of ["scale", "variance", "power"]) lengths[name] = units;
    const candidates = candidateCount(plan);
    const shifts = candidates - 2;
    lengths["combiner.moments"] = candidates * (candidates + 1) / 2 * units;
    lengths["combiner.products"] = lengths["combiner.weights"] = candidates * units;
    if (shifts > 0) {
      const copies = copyCount(plan);
      const ground = plan.layerStart[1]!;
      lengths["shift"] = shifts * at.signal[ground]!;
      lengths["shift.moments"] = shifts * copies * (copies + 1) / 2 * ground;
      lengths["shift.products"] = shifts * copies * ground;
      lengths["shift.energy"] = shifts * ground;
    }
  }
  if (plan.surprise !== undefined) lengths["error.mean"] = units;
  if (hasScales(formatOf(plan))) {
    lengths["encoder.scale"] = hidden;
    lengths["decoder.scale"] = hidden + units;
  }
  const size = codebookSize(formatOf(plan));
  if (size > 0) {
    lengths["encoder.codebook"] = lengths["decoder.codebook"] = size * units;
    lengths["encoder.scale"] = lengths["decoder.scale"] = units;
  }
  return Object.fromEntries(Object.entries(lengths).sort(([a], [b]) => a < b ? -1 : 1));
}

/**
 * Says whether a checkpoint is of a plan.
 *
 * @param plan a compiled model
 * @param checkpoint a state
 * @throws {TypeError} naming the tensor that is missing, unknown or of another length, or what is wrong with a codebook
 */
export function checkState(plan: Plan, checkpoint: Checkpoint): void {
  const { deferred, tensors } = checkpoint;
  const want = stateLengths(plan);
  if (deferred !== undefined) {
    Object.assign(want, pairLengths(plan, deferred));
    for (const name of MOMENTUM_TENSORS) if (tensors[name] === undefined) delete want[name];
  }
  const names = new Set([...Object.keys(want), ...Object.keys(tensors)]);
  for (const name of names) {
    const has = tensors[name]?.length;
    if (has !== want[name]) {
      throw new TypeError(
        `The checkpoint is of another model: tensor "${name}" has ${
          has ?? "no"
        } values, the plan needs ${want[name] ?? "none"}`,
      );
    }
  }
  const fault = codebookFault(plan, tensors);
  if (fault !== undefined) {
    throw new TypeError(`The checkpoint cannot be loaded: ${fault}; round it first (quantise)`);
  }
}

/** Bytes of a checkpoint's weights and of the rest of its state. */
export function stateBytes(tensors: Readonly<Record<string, Tensor>>): {
  weights: number;
  state: number;
} {
  let weights = 0;
  let state = 0;
  for (const [name, { byteLength }] of Object.entries(tensors)) {
    if (WEIGHT_TENSORS.includes(name)) weights += byteLength;
    else state += byteLength;
  }
  return { weights, state };
}
