/**
 * What a model is, as a person writes it: one flat record, also as JSON, with the field names of the 2016 release.
 *
 * @module
 */

import type { WeightFormat } from "./weight_format.ts";

/** What lies between the weight passes: the 2016 model exactly, or ours. */
export type RuleName = "2016" | "saccade";

/** Where lateral context comes from: the unit's own layer, or (the released 2016 code) always layer 0. */
export type Lateral = "layer" | "legacy";

/** f of the 2016 rule: z / (2 (|z| + 1)) + 1/2, or 1 / (1 + exp(-z)). */
export type Activation = "polynomial" | "logistic";

/** A complete specification: every field has a value. Make one with `parseSpec` or `builtinSpec`. */
export interface Spec {
  /** The learning rule. */
  readonly rule: RuleName;
  /** Seed of the initial weights. */
  readonly seed: number;

  /** Units along the side of each layer's square grid, from the pixels up. */
  readonly layer_shapes: readonly number[];
  /** Side of a layer-0 tile in pixels: the frame is input_block_size * layer_shapes[0] pixels square. */
  readonly input_block_size: number;
  /** Side of a unit's hidden block: it has hidden_block_size squared hidden outputs. */
  readonly hidden_block_size: number;
  /** Side of the window of children that a unit predicts. */
  readonly fan_in_square_size: number;
  /** Children farther than this from the window's centre are left out. */
  readonly fan_in_radius: number;
  /** How far lateral context reaches, in units. */
  readonly lateral_radius: number;
  /** Which units lateral context comes from. */
  readonly lateral: Lateral;
  /** Whether a unit is no lateral context of its own. */
  readonly context_exclude_self: boolean;
  /** Whether a unit gets feedback from two layers up as well. */
  readonly send_context_two_layers_back: boolean;
  /** Whether every unit gets feedback from the top layer. */
  readonly last_layer_context_to_all: boolean;
  /** Rule 2016: lateral context stays off. Rule saccade: it is not wired. */
  readonly disable_lateral: boolean;
  /** Rule 2016: feedback stays off. Rule saccade: it is not wired. */
  readonly disable_feedback: boolean;
  /** Rule saccade: a unit is given its own hidden outputs of so many steps ago as well; those of the last are lateral context. */
  readonly own_delays: readonly number[];

  /** Rule saccade: pixels around the tile whose change a layer-0 unit sees. */
  readonly halo: number;
  /** Rule saccade: radius in pixels of the block matching that makes the motion candidate; 0 is off. */
  readonly motion: number;
  /** Rule saccade: how far, in pixels, the displaced copies reach that make the shift candidate; 0 is off. */
  readonly shift_radius: number;
  /** Rule saccade: what a step leaves of the evidence for the weights of those copies; a shift candidate for each value. */
  readonly shift_memory: readonly number[];
  /** Rule saccade: rate of the encoder. */
  readonly encoder_rate: number;
  /** Rule saccade: rate of the decoder. */
  readonly decoder_rate: number;
  /** Rule saccade: pairs [from step, multiplier of both rates]. */
  readonly schedule: readonly (readonly [number, number])[];

  /** Updates of a unit between two writes of its matrices, 0 for one write an update; `auto` chooses. */
  readonly defer: number | "auto";
  /** Updates for which momentum counts while it is deferred; 0 chooses. */
  readonly defer_window: number;
  /**
   * Mean squared errors below which a unit does not learn in a step, one for each layer from the pixels up; the last counts for
   * all layers above. 0 is off.
   */
  readonly skip_below: readonly number[];
  /** The share of its own running mean error below which a unit does not learn in a step; 0 is off. */
  readonly surprise: number;
  /** What the weights are stored in and learn in. */
  readonly format: WeightFormat;

  /** Rule 2016: the activation of every layer. */
  readonly activation: Activation;
  /** Rule 2016: whether (B - previous B) / 2 + 1/2 is a feature. */
  readonly use_derivative: boolean;
  /** Rule 2016: whether the running integral is a feature. */
  readonly use_integral: boolean;
  /** Rule 2016: whether (B - prediction) / 2 + 1/2 is a feature. */
  readonly use_error: boolean;
  /** Rule 2016: whether the previous block is a feature. */
  readonly use_t_minus_2_block: boolean;
  /** Rule 2016: whether the two next blocks are predicted. */
  readonly predict_two_steps: boolean;
  /** Rule 2016: whether hidden outputs are published between their running extremes. */
  readonly normalize_output: boolean;
  /** Rule 2016: whether the target is the block that was the input. */
  readonly autoencoder: boolean;
  /** Rule 2016: whether the bias units are 0. */
  readonly bias_free: boolean;
  /** Rule 2016: time constant of the integral. */
  readonly tau: number;
  /** Rule 2016: momentum of the weights. */
  readonly momentum: number;
  /** Rule 2016: the first rate of a layer. */
  readonly initial_learning_rate: number;
  /** Rule 2016: its rate from delay_final_learning_rate on. */
  readonly final_learning_rate: number;
  /** Rule 2016: layer l starts to learn at l times this step. */
  readonly delay_each_layer_learning: number;
  /** Rule 2016: steps at the first rate. */
  readonly delay_final_learning_rate: number;
  /** Rule 2016: the step from which lateral context counts. */
  readonly enable_lateral_at: number;
  /** Rule 2016: the step from which feedback counts. */
  readonly enable_feedback_at: number;

  /** Side of each layer's readout block; parsed and counted, not built yet. */
  readonly readout_block_size: readonly number[];
  /** Which layers have a readout; parsed and counted, not built yet. */
  readonly enable_readout: readonly boolean[];
  /** Channels of the readout; parsed and counted, not built yet. */
  readonly readout_depth: number;

  /** Had no effect in the 2016 release and has none here (`activation` chooses). */
  readonly polynomial: boolean;
  /** Had no effect in the 2016 release and has none here. */
  readonly backpropagate_readout_error: boolean;
  /** Had no effect in the 2016 release and has none here. */
  readonly bias_free_readout: boolean;
}

/** Features of a signal block under rule 2016, the block itself included. */
export function featureCount(spec: Spec): number {
  return 1 + Number(spec.use_derivative) + Number(spec.use_integral) + Number(spec.use_error) +
    Number(spec.use_t_minus_2_block);
}

/** Pixels along the side of the frame. */
export function frameSide(spec: Spec): number {
  return spec.layer_shapes[0]! * spec.input_block_size;
}
