/**
 * The weights that a stored model began with.
 *
 * @module
 */
import type { StoredCheckpoint } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { cutCheckpoint } from "../model/cut_contexts.ts";
import { type FirstWeights, initialWeights } from "../model/initialise.ts";
import { parseSpec } from "../model/parse_spec.ts";

/**
 * The weights that a new model of this specification has, without those of the contexts that were dropped since: drawn again from the
 * seed, no file keeps them.
 *
 * @param stored the model
 * @returns a weight for every one that the model has
 * @throws {SpecError} when the specification is none
 * @throws {RangeError} when the contexts are those of another model
 *
 * @example
 * ```ts
 * import { builtinSpec, compilePlan, firstWeights, initialCheckpoint, prune } from "@saccade/saccade";
 *
 * const spec = { ...builtinSpec("tiny") };
 * const plan = compilePlan(builtinSpec("tiny"));
 * const initial = () => firstWeights({ spec });
 * prune(plan, initialCheckpoint(plan), { density: 0.25, initial });
 * ```
 */
export function firstWeights(
  { spec, contexts }: Pick<StoredCheckpoint, "spec" | "contexts">,
): FirstWeights {
  const plan = compilePlan(parseSpec(spec));
  const { encoder, decoder } = initialWeights(plan);
  if (contexts === undefined) return { encoder, decoder };
  const whole = { step: 0, learned: 0, started: false, tensors: { encoder, decoder } };
  const { tensors } = cutCheckpoint(plan, whole, contexts);
  return { encoder: tensors["encoder"]!, decoder: tensors["decoder"]! };
}
