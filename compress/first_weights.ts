/**
 * The weights that a stored model began with.
 *
 * @module
 */
import type { StoredCheckpoint } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { cutCheckpoint } from "../model/cut_contexts.ts";
import { initialWeights, type Weights } from "../model/initialise.ts";
import { parseSpec } from "../model/parse_spec.ts";

/**
 * The weights that a new model of this specification has, without those of the contexts that were dropped since: drawn again from the
 * seed, no file keeps them.
 *
 * @param stored the model
 * @returns a weight for every one that the model has
 */
export function firstWeights(
  { spec, contexts }: Pick<StoredCheckpoint, "spec" | "contexts">,
): Weights {
  const plan = compilePlan(parseSpec(spec));
  const { encoder, decoder } = initialWeights(plan);
  if (contexts === undefined) return { encoder, decoder };
  const whole = { step: 0, learned: 0, started: false, tensors: { encoder, decoder } };
  const { tensors } = cutCheckpoint(plan, whole, contexts);
  return { encoder: tensors["encoder"]!, decoder: tensors["decoder"]! };
}
