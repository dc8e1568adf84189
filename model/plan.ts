/**
 * A model as data: flat typed arrays that can be hashed, sent to a worker, a socket, a GPU or a chip.
 *
 * @module
 */
import type { Rates } from "./schedule.ts";
import type { WeightFormat } from "./weight_format.ts";

/** The scalars of the 2016 rule (pvm-spec 2, 3). */
export interface Rule2016 {
  /** Tells the rules apart. */
  readonly name: "2016";
  /** f of both layers. */
  readonly activation: "polynomial" | "logistic";
  /** Whether half the change of the block is a feature; features stand behind the block itself, in this order. */
  readonly derivative: boolean;
  /** Whether the running integral is a feature. */
  readonly integral: boolean;
  /** Whether half the error of the prediction is a feature. */
  readonly error: boolean;
  /** Whether the block of the step before is a feature. */
  readonly previous: boolean;
  /** Whether the outputs are the next two signals. */
  readonly twoSteps: boolean;
  /** Whether hidden outputs are published between their running extremes. */
  readonly normalise: boolean;
  /** Whether the target is the signal of the step before. */
  readonly autoencoder: boolean;
  /** The value of the bias units. */
  readonly bias: 0 | 1;
  /** Time constant of the integral. */
  readonly tau: number;
  /** mu of both matrices. */
  readonly momentum: number;
}

/**
 * The shift candidates of rule saccade: weighted sums of displaced copies of the tile, minus the tile. The weights are
 * fitted, a unit at a time, to the last changes around it; each candidate has its own memory of them.
 */
export interface Shift {
  /** The farthest copies, in pixels: there are 4 combinations of copies for each distance from 1 on. */
  readonly radius: number;
  /** What a step leaves of the evidence before it, from 0 to below 1, for each candidate. */
  readonly memories: readonly number[];
}

/** Pixels around the tile whose changes the weights of the displaced copies are fitted to. */
export const SHIFT_REACH = 3;

/** The scalars of the rule "saccade" (learning-rule). */
export interface RuleSaccade {
  /** Tells the rules apart. */
  readonly name: "saccade";
  /** Radius of the block matching; the plan's external input begins with its candidate when it is not 0. */
  readonly motion: number;
  /** The shift candidates of layer 0, where they are on; the plan then has a `patch`. */
  readonly shift?: Shift;
  /** Rate of the encoder, before the schedule and the normalisation. */
  readonly encoderRate: number;
  /** Rate of the decoder. */
  readonly decoderRate: number;
}

/**
 * Deferred updates: how the mathematics is executed, not what it is. A backend that knows nothing of them ignores this.
 */
export interface Defer {
  /** Updates of a unit between two writes of its matrices; 0 is a write an update. */
  readonly every: number;
  /** Updates for which momentum counts; 0 under rule saccade, which has none. */
  readonly window: number;
}

/** Which weights there are, a byte each in the order of the checkpoint's tensors: 1 is kept, 0 is pruned. */
export interface Mask {
  /** [H, inputs[u]] a unit. */
  readonly encoder: Uint8Array;
  /** [outputs[u], H + 1] a unit. */
  readonly decoder: Uint8Array;
}

/**
 * Where values come from: runs of the flat signal space `[frame | external | hidden outputs of the units]`, unit after unit.
 */
export interface Sources {
  /** units + 1: the runs of unit u are start[u] .. start[u + 1]. */
  readonly start: Uint32Array;
  /** First element of each run. */
  readonly index: Uint32Array;
  /** Elements of each run. */
  readonly length: Uint32Array;
  /** Steps since it was published: 0 for frame and external input, 1 and more for hidden outputs. */
  readonly delay: Uint32Array;
}

/** A compiled model. No backend knows more of it than this. */
export interface Plan {
  /** Of this record. */
  readonly version: 1;
  /** What lies between the weight passes. */
  readonly rule: Rule2016 | RuleSaccade;
  /** The picture: width * height * channels values, rows, columns, channels. */
  readonly frame: { readonly width: number; readonly height: number; readonly channels: number };
  /** External values a step: `motion` (the candidate, 0 or as many as the frame) and `parts` (hidden outputs of other parts). */
  readonly external: { readonly motion: number; readonly parts: number };
  /** H: hidden outputs of a unit. */
  readonly hidden: number;
  /** layers + 1: the units of layer l are layerStart[l] .. layerStart[l + 1]. */
  readonly layerStart: Uint32Array;
  /** The longest delay in any source: how many published states a session keeps. */
  readonly maxDelay: number;
  /** What each unit predicts. */
  readonly signal: Sources;
  /** Rule saccade, layer 0: the pixels whose change it sees; no runs elsewhere. */
  readonly window: Sources;
  /** Rule saccade, layer 0 with motion: the candidate of its tile; no runs elsewhere. */
  readonly motion: Sources;
  /** Rule saccade with shift candidates, layer 0: the tile with SHIFT_REACH + radius pixels around it; no runs elsewhere. */
  readonly patch?: Sources;
  /** The hidden outputs that give each unit context. */
  readonly context: Sources;
  /** Of each run in `context`: 0 lateral, 1 feedback. */
  readonly contextKind: Uint8Array;
  /** Elements of one signal block: the features of a block stand together (rule 2016). */
  readonly block: Uint32Array;
  /** Columns of each unit's encoder: features, contexts, bias. */
  readonly inputs: Uint32Array;
  /** Rows of each unit's decoder: the signal, twice where two steps are predicted. */
  readonly outputs: Uint32Array;
  /** Rates of each layer. */
  readonly rates: Rates;
  /** The steps from which lateral context and feedback count. */
  readonly contextFrom: Float64Array;
  /** Seed of the initial weights. */
  readonly seed: number;
  /** Whether and how updates may be deferred. */
  readonly defer: Defer;
  /** What is pruned: neither read nor written, it counts as 0. Nothing, where there is no mask. */
  readonly mask?: Mask;
  /** What the weights are stored in and learn in; f32 unless stated. */
  readonly format?: WeightFormat;
  /**
   * Mean squared errors, one a layer: a unit whose error of a step is smaller does not learn in it (`skipping.ts`). Where neither it nor
   * `surprise` is stated every unit learns.
   */
  readonly skipBelow?: readonly number[];
  /** A unit whose error of a step is smaller than this share of its own running mean error does not learn in it. */
  readonly surprise?: number;
}

/** The shift candidates of a plan, where it has any. */
export function shiftOf({ rule }: Plan): Shift | undefined {
  return rule.name === "saccade" ? rule.shift : undefined;
}

/** Displaced copies that a shift candidate of a plan weighs; 0 where it has none. */
export function copyCount(plan: Plan): number {
  return 4 * (shiftOf(plan)?.radius ?? 0);
}

/** Candidates of the combiner of rule saccade: z, m, and the shift candidates. */
export function candidateCount(plan: Plan): number {
  return 2 + (shiftOf(plan)?.memories.length ?? 0);
}

/** Units of a plan. */
export function unitCount(plan: Plan): number {
  return plan.layerStart[plan.layerStart.length - 1]!;
}

/** Values in a frame. */
export function frameLength(plan: Plan): number {
  return plan.frame.width * plan.frame.height * plan.frame.channels;
}

/** Where the hidden outputs of the units begin in the flat signal space. */
export function hiddenBase(plan: Plan): number {
  return frameLength(plan) + plan.external.motion + plan.external.parts;
}

/** The layer of each unit. */
export function layerOf(plan: Plan): Uint32Array {
  const layers = new Uint32Array(unitCount(plan));
  for (let l = 0; l + 1 < plan.layerStart.length; l++) {
    layers.fill(l, plan.layerStart[l], plan.layerStart[l + 1]);
  }
  return layers;
}

/** Where each unit's part of a flat tensor begins; units + 1 entries each, the last is the total. */
export interface Offsets {
  /** In `encoder`: H rows of inputs[u]. */
  readonly encoder: Float64Array;
  /** In `decoder`: outputs[u] rows of H + 1. */
  readonly decoder: Float64Array;
  /** In tensors with a value for each signal entry. */
  readonly signal: Float64Array;
  /** In tensors with a value for each output. */
  readonly output: Float64Array;
  /** In tensors with a value for each encoder column. */
  readonly input: Float64Array;
}

/** The number of signal entries of each unit. */
export function signalLengths(plan: Plan): Uint32Array {
  return lengths(plan.signal);
}

/** The number of values that each unit gathers from a set of sources. */
export function lengths(sources: Sources): Uint32Array {
  const out = new Uint32Array(sources.start.length - 1);
  for (let u = 0; u < out.length; u++) {
    for (let i = sources.start[u]!; i < sources.start[u + 1]!; i++) out[u]! += sources.length[i]!;
  }
  return out;
}

/** The layout of the flat tensors of a plan. */
export function offsetsOf(plan: Plan): Offsets {
  const sum = (count: ArrayLike<number>, times: (u: number) => number) => {
    const out = new Float64Array(count.length + 1);
    for (let u = 0; u < count.length; u++) out[u + 1] = out[u]! + times(u);
    return out;
  };
  const signal = signalLengths(plan);
  return {
    encoder: sum(plan.inputs, (u) => plan.hidden * plan.inputs[u]!),
    decoder: sum(plan.outputs, (u) => plan.outputs[u]! * (plan.hidden + 1)),
    signal: sum(signal, (u) => signal[u]!),
    output: sum(plan.outputs, (u) => plan.outputs[u]!),
    input: sum(plan.inputs, (u) => plan.inputs[u]!),
  };
}

/** Weights of a plan: encoders and decoders. */
export function weightCount(plan: Plan): number {
  const { encoder, decoder } = offsetsOf(plan);
  return encoder.at(-1)! + decoder.at(-1)!;
}

/**
 * A hash of everything in a plan: equal plans have equal hashes.
 *
 * @returns SHA-256, 64 hexadecimal digits
 */
export async function hashPlan(plan: Plan): Promise<string> {
  const { mask, ...rest } = plan;
  // A number of each bit as text would be a hundred times as long as the bits.
  const bits = mask === undefined
    ? {}
    : { mask: [await sha256(mask.encoder), await sha256(mask.decoder)] };
  const text = JSON.stringify({ ...rest, ...bits }, (_, value) => {
    if (ArrayBuffer.isView(value)) return Array.from(value as Uint32Array, String);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  });
  return await sha256(new TextEncoder().encode(text));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
