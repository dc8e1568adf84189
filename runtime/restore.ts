/**
 * A checkpoint made ready to go on from, perhaps in another way than it was saved.
 *
 * @module
 */
import { quantise } from "../compress/quantise.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { parseSpec } from "../model/parse_spec.ts";
import type { Spec } from "../model/spec.ts";
import { formatOf, type WeightFormat } from "../model/weight_format.ts";

/** What may be another from here on. */
export interface RestoreChanges {
  /** How updates are deferred. */
  readonly defer?: Spec["defer"] | undefined;
  /** What the weights are stored in. */
  readonly format?: WeightFormat | undefined;
}

/**
 * The model of a checkpoint and its state, with the changes made.
 *
 * @param stored the checkpoint
 * @param changes what is to be another
 * @returns for `RunOptions`
 * @throws {SpecError} when that makes no model
 * @throws {RangeError} when a weight cannot be stored in the format
 */
export function restore(
  stored: StoredCheckpoint,
  { defer, format }: RestoreChanges = {},
): { readonly spec: Spec; readonly resume: StoredCheckpoint } {
  const spec = parseSpec({
    ...stored.spec,
    ...(defer === undefined ? {} : { defer, defer_window: 0 }),
    ...(format === undefined ? {} : { format }),
  });
  const plan = planOf(stored);
  if (formatOf(plan) === spec.format) return { spec, resume: stored };
  const { checkpoint } = quantise(plan, stored.checkpoint, spec.format);
  return { spec, resume: { ...stored, spec: { ...spec }, checkpoint } };
}
