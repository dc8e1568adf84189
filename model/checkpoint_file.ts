/**
 * A checkpoint as a file: safetensors, with the specification in its metadata and a digest over everything.
 *
 * It holds state alone, no time, path or speed: equal states are equal bytes. Narrow and pruned weights are packed
 * (`packed_weights.ts`).
 *
 * @module
 */
import type { Checkpoint } from "./checkpoint.ts";
import { compilePlan } from "./compile.ts";
import { cutPlan } from "./cut_contexts.ts";
import { type Packed, packWeights, unpackWeights } from "./packed_weights.ts";
import { parseSpec } from "./parse_spec.ts";
import type { Mask, Plan } from "./plan.ts";
import type { PruningSchedule } from "./pruning_schedule.ts";
import { decodeTensors, encodeTensors, type StoredTensor } from "./safetensors.ts";

/** A checkpoint and what a run needs to go on from it. */
export interface StoredCheckpoint {
  /** The specification, as JSON has it. */
  readonly spec: Readonly<Record<string, unknown>>;
  /** The state. */
  readonly checkpoint: Checkpoint;
  /** Frames taken from the source so far. */
  readonly sourceFrames: number;
  /** Which weights there are, where it is pruned. */
  readonly mask?: Mask;
  /** Which contexts of its specification are left, a byte a run of the wiring, where some were dropped; its mask is that of what is left. */
  readonly contexts?: Uint8Array;
  /** How it is being pruned, where that has begun. */
  readonly pruning?: PruningSchedule;
}

/**
 * The plan of a stored checkpoint: that of its specification, without the contexts that were dropped, with its mask.
 *
 * @param stored a checkpoint
 * @throws {SpecError} when its specification makes no model
 * @throws {RangeError} when its contexts are those of another one
 */
export function planOf(
  { spec, mask, contexts }: Pick<StoredCheckpoint, "spec" | "mask" | "contexts">,
): Plan {
  const compiled = compilePlan(parseSpec(spec));
  const plan = contexts === undefined ? compiled : cutPlan(compiled, contexts);
  return mask === undefined ? plan : { ...plan, mask };
}

const FORMAT = "saccade checkpoint";
const VERSION = "1";

/**
 * Encodes a checkpoint.
 *
 * @param stored a checkpoint and its specification
 * @returns the parts of the file; they share memory with the tensors
 * @throws {RangeError} for a weight that is not on the grid of the specification's format
 */
export async function encodeCheckpoint(
  stored: StoredCheckpoint,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { spec, checkpoint, sourceFrames, mask, contexts, pruning } = stored;
  const { deferred } = checkpoint;
  const plain = spec["format"] === undefined || spec["format"] === "f32";
  const packed: Packed = plain && mask === undefined
    ? { tensors: checkpoint.tensors }
    : packWeights(planOf(stored), checkpoint.tensors);
  const { blocks } = packed;
  const tensors = contexts === undefined
    ? packed.tensors
    : { ...packed.tensors, contexts: packBits(contexts) };
  const metadata = {
    format: FORMAT,
    version: VERSION,
    spec: JSON.stringify(
      Object.fromEntries(Object.entries(spec).sort(([a], [b]) => a < b ? -1 : 1)),
    ),
    step: String(checkpoint.step),
    learned: String(checkpoint.learned),
    started: String(checkpoint.started),
    source_frames: String(sourceFrames),
    ...(blocks === undefined ? {} : { mask_blocks: blocks }),
    ...(pruning === undefined ? {} : { pruning: encodePruning(pruning) }),
    ...(deferred === undefined
      ? {}
      : { defer: String(deferred.every), defer_window: String(deferred.window) }),
  };
  const sha256 = await digest(encodeTensors({ metadata, tensors }));
  return encodeTensors({ metadata: { ...metadata, sha256 }, tensors });
}

/**
 * Decodes a checkpoint.
 *
 * @param bytes the whole file
 * @throws {SyntaxError} when it is no checkpoint, of a newer version, truncated or damaged
 */
export async function decodeCheckpoint(bytes: Uint8Array): Promise<StoredCheckpoint> {
  const { metadata: { sha256, ...metadata }, tensors: all } = decodeTensors(bytes);
  if (metadata["format"] !== FORMAT) {
    throw new SyntaxError("it is a safetensors file, but no checkpoint of Saccade");
  }
  if (metadata["version"] !== VERSION) {
    throw new SyntaxError(
      `it is a checkpoint of version ${metadata["version"]}; this is version ${VERSION}`,
    );
  }
  if (await digest(encodeTensors({ metadata, tensors: all })) !== sha256) {
    throw new SyntaxError("it is damaged: its contents do not match their digest");
  }
  const number = (name: string) => Number(metadata[name]);
  const deferred = metadata["defer"] === undefined
    ? {}
    : { deferred: { every: number("defer"), window: number("defer_window") } };
  const spec = JSON.parse(metadata["spec"]!);
  const { contexts: bits, ...tensors } = all;
  const narrow = (spec.format ?? "f32") !== "f32";
  const packed = narrow || tensors["encoder.mask"] !== undefined;
  const about = bits === undefined ? { spec } : { spec, contexts: contextsIn(spec, bits) };
  const { mask, ...unpacked } = packed
    ? unpackWeights(planOf(about), {
      tensors,
      ...(metadata["mask_blocks"] === undefined ? {} : { blocks: metadata["mask_blocks"] }),
    })
    : { tensors: tensors as Checkpoint["tensors"], mask: undefined };
  return {
    ...about,
    checkpoint: {
      step: number("step"),
      learned: number("learned"),
      started: metadata["started"] === "true",
      ...deferred,
      ...unpacked,
    },
    sourceFrames: number("source_frames"),
    ...(mask === undefined ? {} : { mask }),
    ...(metadata["pruning"] === undefined ? {} : { pruning: JSON.parse(metadata["pruning"]) }),
  };
}

/** A bit a byte, the lowest first. */
function packBits(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(bytes.length / 8));
  for (const [i, byte] of bytes.entries()) bits[i >> 3]! |= byte << (i & 7);
  return bits;
}

/** The contexts of a specification that are left. */
function contextsIn(spec: StoredCheckpoint["spec"], bits: StoredTensor): Uint8Array {
  const { length } = compilePlan(parseSpec(spec)).contextKind;
  if (!(bits instanceof Uint8Array) || bits.length !== Math.ceil(length / 8)) {
    throw new SyntaxError("its contexts are not those of its model");
  }
  return Uint8Array.from({ length }, (_, i) => (bits[i >> 3]! >> (i & 7)) & 1);
}

/** In one order, so that equal schedules are equal bytes. */
function encodePruning({ density, blocks, scope, from, steps, made }: PruningSchedule): string {
  const { rows, columns } = blocks;
  return JSON.stringify({ density, blocks: { rows, columns }, scope, from, steps, made });
}

/** SHA-256 of parts: of their own digests, so that nothing is copied together. */
async function digest(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  const sums = await Promise.all(parts.map((part) => crypto.subtle.digest("SHA-256", part)));
  const all = new Uint8Array(32 * sums.length);
  for (const [i, sum] of sums.entries()) all.set(new Uint8Array(sum), 32 * i);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
