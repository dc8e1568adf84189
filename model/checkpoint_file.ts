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
import { packWeights, unpackWeights } from "./packed_weights.ts";
import { parseSpec } from "./parse_spec.ts";
import type { Mask, Plan } from "./plan.ts";
import type { PruningSchedule } from "./pruning_schedule.ts";
import { decodeTensors, encodeTensors } from "./safetensors.ts";

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
  /** How it is being pruned, where that has begun. */
  readonly pruning?: PruningSchedule;
}

/**
 * The plan of a stored checkpoint: that of its specification, with its mask.
 *
 * @param stored a checkpoint
 * @throws {SpecError} when its specification makes no model
 */
export function planOf({ spec, mask }: Pick<StoredCheckpoint, "spec" | "mask">): Plan {
  const plan = compilePlan(parseSpec(spec));
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
  { spec, checkpoint, sourceFrames, mask, pruning }: StoredCheckpoint,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { deferred } = checkpoint;
  const plain = spec["format"] === undefined || spec["format"] === "f32";
  const { tensors, blocks } = plain && mask === undefined
    ? { tensors: checkpoint.tensors, blocks: undefined }
    : packWeights(planOf({ spec, ...(mask === undefined ? {} : { mask }) }), checkpoint.tensors);
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
  const { metadata: { sha256, ...metadata }, tensors } = decodeTensors(bytes);
  if (metadata["format"] !== FORMAT) {
    throw new SyntaxError("it is a safetensors file, but no checkpoint of Saccade");
  }
  if (metadata["version"] !== VERSION) {
    throw new SyntaxError(
      `it is a checkpoint of version ${metadata["version"]}; this is version ${VERSION}`,
    );
  }
  if (await digest(encodeTensors({ metadata, tensors })) !== sha256) {
    throw new SyntaxError("it is damaged: its contents do not match their digest");
  }
  const number = (name: string) => Number(metadata[name]);
  const deferred = metadata["defer"] === undefined
    ? {}
    : { deferred: { every: number("defer"), window: number("defer_window") } };
  const spec = JSON.parse(metadata["spec"]!);
  const narrow = (spec.format ?? "f32") !== "f32";
  const packed = narrow || tensors["encoder.mask"] !== undefined;
  const { mask, ...unpacked } = packed
    ? unpackWeights(planOf({ spec }), {
      tensors,
      ...(metadata["mask_blocks"] === undefined ? {} : { blocks: metadata["mask_blocks"] }),
    })
    : { tensors: tensors as Checkpoint["tensors"], mask: undefined };
  return {
    spec,
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
