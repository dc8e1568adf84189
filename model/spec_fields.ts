/**
 * Every field a specification may have: its type, its bounds, its default under each rule, and where it counts.
 *
 * @module
 */
import { MOST_PAIRS } from "./defer.ts";
import type { RuleName, Spec } from "./spec.ts";
import { WEIGHT_FORMATS } from "./weight_format.ts";

/** How a field's value is read. */
export type FieldKind =
  | { readonly is: "count"; readonly min: number; readonly max: number }
  | { readonly is: "number"; readonly min: number; readonly max: number }
  | { readonly is: "countOr"; readonly word: string; readonly min: number; readonly max: number }
  | { readonly is: "numbers"; readonly min: number; readonly max: number; readonly most: number }
  | { readonly is: "boolean" }
  | { readonly is: "counts"; readonly min: number; readonly max: number; readonly empty?: true }
  | { readonly is: "booleans" }
  | { readonly is: "choice"; readonly of: readonly string[] }
  | { readonly is: "schedule" };

/** A field of {@linkcode Spec}. */
export interface Field {
  /** How its value is read. */
  readonly kind: FieldKind;
  /** Its default under rule 2016: that of the release. */
  readonly default2016: unknown;
  /** Its default under rule saccade. */
  readonly defaultSaccade: unknown;
  /** The rules under which it has an effect; none for what the release ignored. */
  readonly counts: readonly RuleName[];
}

const BOTH: readonly RuleName[] = ["2016", "saccade"];
const OLD: readonly RuleName[] = ["2016"];
const NEW: readonly RuleName[] = ["saccade"];
const STEPS = { is: "count", min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const RATE = { is: "number", min: 0, max: 100 } as const;

function field(
  kind: FieldKind,
  counts: readonly RuleName[],
  default2016: unknown,
  defaultSaccade: unknown = default2016,
): Field {
  return { kind, counts, default2016, defaultSaccade };
}

const flag = (counts: readonly RuleName[], old = false, ours = old) =>
  field({ is: "boolean" }, counts, old, ours);
const count = (counts: readonly RuleName[], min: number, max: number, old: number, ours = old) =>
  field({ is: "count", min, max }, counts, old, ours);

/** The fields of {@linkcode Spec}; defaults from pvm-spec section 8 and the options of the learning rule. */
export const FIELDS: Readonly<Record<keyof Spec, Field>> = {
  rule: field({ is: "choice", of: BOTH }, BOTH, "2016", "saccade"),
  seed: count(BOTH, 0, 0xffffffff, 1),
  layer_shapes: field({ is: "counts", min: 1, max: 1024 }, BOTH, [4, 3, 2, 1]),
  input_block_size: count(BOTH, 1, 256, 5),
  hidden_block_size: count(BOTH, 1, 64, 5, 7),
  fan_in_square_size: count(BOTH, 1, 64, 2),
  fan_in_radius: field({ is: "number", min: 0, max: 1024 }, BOTH, 2),
  lateral_radius: field({ is: "number", min: 0, max: 1024 }, BOTH, 1.5, 2),
  lateral: field({ is: "choice", of: ["layer", "legacy"] }, BOTH, "layer"),
  context_exclude_self: flag(BOTH),
  send_context_two_layers_back: flag(BOTH),
  last_layer_context_to_all: flag(BOTH, true),
  disable_lateral: flag(BOTH),
  disable_feedback: flag(BOTH),
  own_delays: field({ is: "counts", min: 2, max: 16, empty: true }, NEW, []),
  halo: count(NEW, 0, 64, 1),
  motion: count(NEW, 0, 32, 0),
  shift_radius: count(NEW, 0, 8, 0),
  shift_memory: field({ is: "numbers", min: 0, max: 0.999, most: 4 }, NEW, [0, 0.8]),
  encoder_rate: field(RATE, NEW, 0.1),
  decoder_rate: field(RATE, NEW, 0.6),
  schedule: field({ is: "schedule" }, NEW, [[0, 1]]),
  defer: field({ is: "countOr", word: "auto", min: 0, max: MOST_PAIRS }, BOTH, 0),
  defer_window: count(OLD, 0, MOST_PAIRS, 0),
  skip_below: field({ is: "numbers", min: 0, max: 4, most: 64 }, BOTH, [0]),
  surprise: field({ is: "number", min: 0, max: 1000 }, BOTH, 0),
  format: field({ is: "choice", of: WEIGHT_FORMATS }, BOTH, "f32"),
  activation: field({ is: "choice", of: ["polynomial", "logistic"] }, OLD, "polynomial"),
  use_derivative: flag(OLD, true),
  use_integral: flag(OLD, true),
  use_error: flag(OLD, true),
  use_t_minus_2_block: flag(OLD),
  predict_two_steps: flag(OLD),
  normalize_output: flag(OLD),
  autoencoder: flag(OLD),
  bias_free: flag(OLD),
  tau: field({ is: "number", min: 0, max: 1 }, OLD, 0.98),
  momentum: field({ is: "number", min: 0, max: 0.999999 }, OLD, 0.5),
  initial_learning_rate: field(RATE, OLD, 0.0003),
  final_learning_rate: field(RATE, OLD, 0.0001),
  delay_each_layer_learning: field(STEPS, OLD, 100000),
  delay_final_learning_rate: field(STEPS, OLD, 100000),
  enable_lateral_at: field(STEPS, OLD, 900000),
  enable_feedback_at: field(STEPS, OLD, 900000),
  readout_block_size: field({ is: "counts", min: 1, max: 1024 }, [], [1, 1, 2, 4]),
  enable_readout: field({ is: "booleans" }, [], [true]),
  readout_depth: count([], 1, 1024, 1),
  polynomial: flag([]),
  backpropagate_readout_error: flag([]),
  bias_free_readout: flag([]),
};

/** Fields of the 2016 release that say how a run went, not what the model is: read and dropped. */
export const RUN_FIELDS: readonly string[] = [
  "dataset",
  "model_type",
  "new_name",
  "only_one_channel",
  "reverse",
  "save_source_files",
  "steps",
  "stereo",
  "supervised",
  "supervised_rate",
];

/** Fields of the 2016 release that are read in order to refuse what is not built, with the reason. */
export const FORM_FIELDS: readonly string[] = [
  "ex_module",
  "feed_context_in_complex_layer",
  "unit_type",
  "use_global_backprop",
  "version_major",
  "version_minor",
];
