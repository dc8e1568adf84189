/**
 * The first state of a model: seeded weights, everything else at rest.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "./checkpoint.ts";
import { candidateCount, lengths, offsetsOf, type Plan, unitCount } from "./plan.ts";
import { stateLengths } from "./state.ts";
import { formatOf, roundToFormat } from "./weight_format.ts";

/** Constants of the rule "saccade" that the first state needs (learning-rule, Start). */
const FIRST_SCALE = 0.005;
/** w0 of the motion candidate. */
export const MOTION_PRIOR = 0.7;
/** Of all shift candidates together. */
const SHIFT_PRIOR = 0.8;
const SHIFT_PRIOR_WITH_MOTION = 0.5;

/**
 * What the combiner of a layer-0 unit believes of its candidates before it has seen anything: nothing of z, and less of each
 * of the others where there are more that tell of motion.
 *
 * @param plan a compiled model of rule saccade
 * @returns the weights of z, m, and the shift candidates; above layer 0 all are 0
 */
export function combinerPrior(plan: Plan): number[] {
  const shifts = candidateCount(plan) - 2;
  const moves = plan.external.motion > 0;
  const shift = (moves ? SHIFT_PRIOR_WITH_MOTION : SHIFT_PRIOR) / shifts;
  return [0, moves ? MOTION_PRIOR : 0, ...Array.from({ length: shifts }, () => shift)];
}

/** xorshift32 of the golden files: uniform in [-0.5, 0.5), seeded by any whole number. */
export function weightSource(seed: number): () => number {
  let x = (Math.imul(seed >>> 0, 2654435761) + 12345) >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 4294967296 - 0.5;
  };
}

/** The matrices of a model, in the layout of its plan. */
export interface FirstWeights {
  /** Of all units, [hidden, inputs] each. */
  readonly encoder: Tensor;
  /** Of all units, [outputs, hidden + 1] each. */
  readonly decoder: Tensor;
}

/**
 * The weights that a new model starts from, before they are rounded to its format.
 *
 * Rule 2016: both matrices uniform in +-1/sqrt(inputs), drawn as the release stores them, inputs outermost; seed + 64 unit for
 * the encoder, one more for the decoder. Rule saccade: the encoder uniform in +-2/sqrt(features + 1), row by row, context
 * columns 0 and not drawn, seed + 64 unit; the decoder 0. Values are drawn in f64 and rounded once.
 *
 * @param plan a compiled model
 * @param options `precision` of the tensors, f32 unless stated
 */
export function initialWeights(
  plan: Plan,
  options: { readonly precision?: "f32" | "f64" } = {},
): FirstWeights {
  const Values = options.precision === "f64" ? Float64Array : Float32Array;
  const { encoder, decoder } = stateLengths(plan);
  const weights = { encoder: new Values(encoder!), decoder: new Values(decoder!) };
  if (plan.rule.name === "2016") fill2016(plan, weights);
  else fillSaccade(plan, weights.encoder);
  return weights;
}

/**
 * The state that a new model starts from: {@linkcode initialWeights}, in a narrow format rounded to the nearest, and everything else at
 * rest.
 *
 * @param plan a compiled model
 * @param options `precision` of the tensors, f32 unless stated
 * @returns a checkpoint at step 0 that no session has run yet
 */
export function initialCheckpoint(
  plan: Plan,
  options: { readonly precision?: "f32" | "f64" } = {},
): Checkpoint {
  const Values = options.precision === "f64" ? Float64Array : Float32Array;
  const tensors: Record<string, Tensor> = {};
  const weights = initialWeights(plan, options);
  for (const [name, length] of Object.entries(stateLengths(plan))) {
    tensors[name] = weights[name as keyof FirstWeights] ?? new Values(length);
  }
  if (plan.rule.name === "2016") {
    const at = offsetsOf(plan);
    for (const end of at.input.subarray(1)) tensors["input"]![end - 1] = plan.rule.bias;
    tensors["maximum"]?.fill(1);
  } else {
    tensors["scale"]!.fill(FIRST_SCALE);
    const weights = tensors["combiner.weights"]!;
    const prior = combinerPrior(plan);
    for (let u = 0; u < plan.layerStart[1]!; u++) weights.set(prior, u * prior.length);
  }
  const stored = formatOf(plan) === "f32" ? tensors : roundToFormat(plan, tensors);
  return { step: 0, learned: 0, started: false, tensors: stored };
}

function fill2016(plan: Plan, { encoder, decoder }: FirstWeights): void {
  const at = offsetsOf(plan);
  const H = plan.hidden;
  for (let u = 0; u < unitCount(plan); u++) {
    const seed = plan.seed + 64 * u;
    fillTransposed(encoder, at.encoder[u]!, plan.inputs[u]!, H, seed);
    fillTransposed(decoder, at.decoder[u]!, H + 1, plan.outputs[u]!, seed + 1);
  }
}

/** Draws an inputs x outputs matrix row by row and stores it outputs x inputs; the last input is the bias. */
function fillTransposed(
  to: Tensor,
  at: number,
  inputs: number,
  outputs: number,
  seed: number,
): void {
  const draw = weightSource(seed);
  const scale = 2 / Math.sqrt(inputs - 1);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) to[at + j * inputs + i] = draw() * scale;
  }
}

function fillSaccade(plan: Plan, encoder: Tensor): void {
  const at = offsetsOf(plan);
  const context = lengths(plan.context);
  for (let u = 0; u < unitCount(plan); u++) {
    const inputs = plan.inputs[u]!;
    const features = inputs - 1 - context[u]!;
    const draw = weightSource(plan.seed + 64 * u);
    const scale = 2 * 2 / Math.sqrt(features + 1);
    for (let j = 0; j < plan.hidden; j++) {
      const row = at.encoder[u]! + j * inputs;
      for (let i = 0; i < features; i++) encoder[row + i] = draw() * scale;
      encoder[row + inputs - 1] = draw() * scale;
    }
  }
}
