/**
 * A checkpoint made ready to go on from, perhaps in another way than it was saved.
 *
 * @module
 */
import { quantise } from "../compress/quantise.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { parseSpec } from "../model/parse_spec.ts";
import { unitCount } from "../model/plan.ts";
import type { Spec } from "../model/spec.ts";
import { formatOf, type WeightFormat } from "../model/weight_format.ts";

/** What may be another from here on. */
export interface RestoreChanges {
  /** How updates are deferred. */
  readonly defer?: Spec["defer"] | undefined;
  /** What the weights are stored in. */
  readonly format?: WeightFormat | undefined;
  /** Below which errors units do not learn. */
  readonly skipBelow?: Spec["skip_below"] | undefined;
  /** Below which share of their mean error they do not; a mean that was not kept begins at 0. */
  readonly surprise?: Spec["surprise"] | undefined;
  /** The frame of the source it goes on at: another source than before begins at 0. */
  readonly from?: number | undefined;
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
  { defer, format, skipBelow, surprise, from }: RestoreChanges = {},
): { readonly spec: Spec; readonly resume: StoredCheckpoint } {
  const spec = parseSpec({
    ...stored.spec,
    ...(defer === undefined ? {} : { defer, defer_window: 0 }),
    ...(format === undefined ? {} : { format }),
    ...(skipBelow === undefined ? {} : { skip_below: skipBelow }),
    ...(surprise === undefined ? {} : { surprise }),
  });
  const plan = planOf(stored);
  const kept = {
    ...withMeans(spec, stored),
    ...(from === undefined ? {} : { sourceFrames: from }),
  };
  if (formatOf(plan) === spec.format) return { spec, resume: kept };
  const { checkpoint } = quantise(plan, kept.checkpoint, spec.format);
  return { spec, resume: { ...kept, spec: { ...spec }, checkpoint } };
}

/** With the mean errors of the units where they are asked for, without them where they are not. */
function withMeans(spec: Spec, stored: StoredCheckpoint): StoredCheckpoint {
  const { "error.mean": means, ...others } = stored.checkpoint.tensors;
  if ((means !== undefined) === (spec.surprise > 0)) return stored;
  const tensors = means !== undefined
    ? others
    : { ...others, "error.mean": new Float32Array(unitCount(planOf(stored))) };
  return { ...stored, checkpoint: { ...stored.checkpoint, tensors } };
}
