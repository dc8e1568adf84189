/**
 * Weights as a file holds them: in the format's own type, and of a pruned model only those that are kept.
 *
 * `encoder` and `decoder` are F32 (or F64), BF16, F16 or, of fixed point, I16: whole steps of `encoder.scale` and `decoder.scale` (i16
 * and i8 alike: the upper byte of i8 is that of its master), or of codebooks U8, with I8 beside it (`packed_places.ts`). Where there is a mask, `encoder.mask` and `decoder.mask` are U8
 * (`packed_mask.ts`), and weights and momentum that are not kept are left out.
 *
 * @module
 */
import { fromBfloat, toBfloat } from "./bfloat.ts";
import type { Tensor } from "./checkpoint.ts";
import { fromHalf, toHalf } from "./half.ts";
import { packMask, unpackMask } from "./packed_mask.ts";
import type { Mask, Plan } from "./plan.ts";
import { packPlaces, unpackPlaces } from "./packed_places.ts";
import type { StoredTensor } from "./safetensors.ts";
import { MOMENTUM_TENSORS, stateLengths } from "./state.ts";
import {
  formatOf,
  hasScales,
  isCodebookFormat,
  matricesOf,
  stepsOf,
  type WeightFormat,
} from "./weight_format.ts";

const MATRICES = ["encoder", "decoder"] as const;

/** The matrix that a tensor of weights or momentum is of. */
function maskOf(mask: Mask | undefined, name: string): Uint8Array | undefined {
  return mask?.[name.startsWith("encoder") ? "encoder" : "decoder"];
}

/** What a file holds of a state. */
export interface Packed {
  /** Its tensors; what is no weight is as it was. */
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** The blocks of its mask, where it is pruned. */
  readonly blocks?: string;
}

/**
 * Packs the weights of a state.
 *
 * @param plan the model, with its mask
 * @param tensors its state
 * @throws {RangeError} for a weight that is not on the format's grid: packing loses nothing
 */
export function packWeights(
  plan: Plan,
  tensors: Readonly<Record<string, Tensor>>,
): Packed {
  const out: Record<string, StoredTensor> = { ...tensors };
  for (const name of MATRICES) Object.assign(out, packMatrices(plan, name, tensors));
  if (plan.mask === undefined) return { tensors: out };
  for (const name of MOMENTUM_TENSORS) {
    const momentum = tensors[name];
    if (momentum !== undefined) out[name] = keptOf(momentum, maskOf(plan.mask, name));
  }
  const { blocks, encoder, decoder } = packMask(plan, plan.mask);
  return { tensors: { ...out, "encoder.mask": encoder, "decoder.mask": decoder }, blocks };
}

function keptOf<T extends Tensor | Int16Array>(values: T, mask: Uint8Array | undefined): T {
  return mask === undefined ? values : values.filter((_, i) => mask[i] === 1) as T;
}

function packMatrices(
  plan: Plan,
  name: "encoder" | "decoder",
  tensors: Readonly<Record<string, Tensor>>,
): Record<string, StoredTensor> {
  const format = formatOf(plan);
  if (!isCodebookFormat(format)) return { [name]: packMatrix(plan, name, tensors) };
  const { places, rests } = packPlaces({ plan, format, name }, tensors[name]!, {
    centroids: tensors[`${name}.codebook`]!,
    scales: tensors[`${name}.scale`]!,
  });
  return { [name]: places, ...(rests === undefined ? {} : { [`${name}.rest`]: rests }) };
}

function packMatrix(
  plan: Plan,
  name: "encoder" | "decoder",
  tensors: Readonly<Record<string, Tensor>>,
): StoredTensor {
  const format = formatOf(plan);
  const mask = plan.mask?.[name];
  const weights = tensors[name]!;
  const kept = keptOf(weights, mask);
  if (format === "f32") return kept;
  if (hasScales(format)) {
    const steps = new Int16Array(weights.length);
    eachScale(plan, name, tensors[`${name}.scale`]!, (at, scale) => {
      if (mask?.[at] === 0) return;
      steps[at] = stepsOf(weights[at]!, scale);
      if (steps[at]! * scale !== weights[at]!) offGrid(name, at, weights[at]!, format);
    });
    return keptOf(steps, mask);
  }
  const [to, from] = format === "f16" ? [toHalf, fromHalf] : [toBfloat, fromBfloat];
  const words = Uint16Array.from(kept, to);
  for (const [i, word] of words.entries()) {
    if (!Object.is(from(word), kept[i])) offGrid(name, i, kept[i]!, format);
  }
  return { dtype: format === "f16" ? "F16" : "BF16", words };
}

function offGrid(name: string, at: number, weight: number, format: string): never {
  throw new RangeError(
    `Weight ${at} of the ${name} is ${weight}, which is no ${format}: round the checkpoint first (quantise)`,
  );
}

/** Visits every weight of a kind of matrix with its scale. */
function eachScale(
  plan: Plan,
  name: "encoder" | "decoder",
  scales: Tensor,
  visit: (at: number, scale: number) => void,
): void {
  for (const place of matricesOf(plan)) {
    if (place.name !== name) continue;
    const { begin, rows, columns, scale } = place;
    for (let at = begin, i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, at++) {
        visit(at, scales[scale + (name === "encoder" ? i : j)]!);
      }
    }
  }
}

/** A state as it was before it was packed. */
export interface Unpacked {
  /** The state. */
  readonly tensors: Record<string, Tensor>;
  /** Its mask, where it is pruned. */
  readonly mask?: Mask;
}

/**
 * Unpacks the weights of a state.
 *
 * @param plan the model, without a mask
 * @param stored what a file holds
 * @throws {SyntaxError} where they are not the plan's
 */
export function unpackWeights(
  plan: Plan,
  { tensors: stored, blocks = "" }: Packed,
): Unpacked {
  const {
    "encoder.mask": encoder,
    "decoder.mask": decoder,
    "encoder.rest": encoderRest,
    "decoder.rest": decoderRest,
    ...others
  } = stored;
  const isPruned = encoder !== undefined || decoder !== undefined;
  if (isPruned && !(encoder instanceof Uint8Array && decoder instanceof Uint8Array)) {
    throw new SyntaxError("its mask is not that of its model");
  }
  const mask = isPruned
    ? unpackMask(plan, { blocks, encoder: encoder as Uint8Array, decoder: decoder as Uint8Array })
    : undefined;
  const tensors: Record<string, Tensor> = {};
  const format = formatOf(plan);
  for (const [name, values] of Object.entries(others)) {
    const isMatrix = name === "encoder" || name === "decoder";
    if (isMatrix && isCodebookFormat(format)) {
      const masked = mask === undefined ? plan : { ...plan, mask };
      tensors[name] = unpackPlaces({ plan: masked, format, name }, {
        places: values,
        rests: name === "encoder" ? encoderRest : decoderRest,
        centroids: others[`${name}.codebook`],
        scales: others[`${name}.scale`],
      });
      continue;
    }
    const numbers = isMatrix ? numbersOf(format, values) : values;
    if (!(numbers instanceof Float32Array || numbers instanceof Float64Array)) {
      throw new SyntaxError(
        `tensor "${name}" is not of the type that format "${format}" has`,
      );
    }
    tensors[name] = isMatrix || MOMENTUM_TENSORS.includes(name)
      ? spread(name, numbers, maskOf(mask, name))
      : numbers;
  }
  if (hasScales(format)) multiply(plan, tensors);
  return mask === undefined ? { tensors } : { tensors, mask };
}

/** A matrix as numbers, those of fixed point as steps; undefined where it is not of the type that its format has. */
function numbersOf(format: WeightFormat, values: StoredTensor): StoredTensor | undefined {
  if (format === "f32") return values;
  if (hasScales(format)) {
    return values instanceof Int16Array ? Float32Array.from(values) : undefined;
  }
  if (!("dtype" in values) || values.dtype !== (format === "f16" ? "F16" : "BF16")) {
    return undefined;
  }
  return Float32Array.from(values.words, format === "f16" ? fromHalf : fromBfloat);
}

/** Puts what was kept where it belongs. */
function spread(name: string, kept: Tensor, mask: Uint8Array | undefined): Tensor {
  if (mask === undefined) return kept;
  const out = kept instanceof Float64Array
    ? new Float64Array(mask.length)
    : new Float32Array(mask.length);
  let next = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) out[i] = kept[next++] ?? NaN;
  if (next !== kept.length) {
    throw new SyntaxError(`tensor "${name}" has ${kept.length} values, its mask keeps ${next}`);
  }
  return out;
}

function multiply(plan: Plan, tensors: Record<string, Tensor>): void {
  for (const name of MATRICES) {
    const [weights, scales] = [tensors[name], tensors[`${name}.scale`]];
    const lengths = stateLengths(plan);
    if (
      weights?.length !== lengths[name] || scales?.length !== lengths[`${name}.scale`]
    ) {
      throw new SyntaxError(`its ${name} is not that of its model`);
    }
    eachScale(plan, name, scales!, (at, scale) => weights![at]! *= scale);
  }
}
