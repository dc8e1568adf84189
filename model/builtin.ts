/**
 * The models that come with Saccade: the grids of the author's posts and papers.
 *
 * @module
 */
import { closestString } from "../std.ts";
import { parseSpec, SpecError } from "./parse_spec.ts";
import type { RuleName, Spec } from "./spec.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The flags of the released very_deep file (pvm-spec 9). */
const VERY_DEEP: Fields = {
  hidden_block_size: 7,
  lateral_radius: 2,
  use_derivative: false,
  use_integral: false,
  use_error: false,
  use_t_minus_2_block: true,
  predict_two_steps: true,
  normalize_output: true,
  send_context_two_layers_back: true,
  initial_learning_rate: 0.002,
  final_learning_rate: 0.00005,
  delay_each_layer_learning: 1000,
  delay_final_learning_rate: 1000000,
  enable_lateral_at: 0,
  enable_feedback_at: 0,
  polynomial: true,
};

/** The flags of the released classic_medium file (pvm-spec 9). */
const CLASSIC: Fields = {
  hidden_block_size: 7,
  lateral_radius: 2,
  initial_learning_rate: 0.0002,
  final_learning_rate: 0.00001,
  delay_each_layer_learning: 100000,
  delay_final_learning_rate: 100000,
  enable_lateral_at: 700000,
  enable_feedback_at: 900000,
  polynomial: true,
  backpropagate_readout_error: true,
};

/** What differs from the defaults of rule saccade: block matching, and encoders that learn at the rate found since (docs/learning.md). */
const SACCADE: Fields = { motion: 3, encoder_rate: 0.4 };

const GRIDS: Readonly<Record<string, { grid: Fields; readout: number[]; flags2016: Fields }>> = {
  tiny: {
    grid: { layer_shapes: [4, 3, 2, 1], input_block_size: 5, hidden_block_size: 5 },
    readout: [1, 1, 2, 4],
    flags2016: { ...CLASSIC, hidden_block_size: 5 },
  },
  small: {
    grid: { layer_shapes: [12, 8, 6, 4, 2, 1] },
    readout: [1, 2, 2, 3, 6, 12],
    flags2016: VERY_DEEP,
  },
  large: {
    grid: { layer_shapes: [20, 16, 12, 8, 6, 4, 2, 1] },
    readout: [1, 1, 2, 2, 3, 5, 10, 20],
    flags2016: VERY_DEEP,
  },
  classic: {
    grid: { layer_shapes: [16, 8, 4, 3, 2, 1] },
    readout: [1, 2, 4, 6, 8, 16],
    flags2016: CLASSIC,
  },
  very_deep: {
    grid: { layer_shapes: [16, 12, 8, 8, 6, 4, 4, 4, 2, 1] },
    readout: [1, 2, 2, 2, 4, 4, 4, 8, 8, 16],
    flags2016: VERY_DEEP,
  },
};

/** Names that {@linkcode builtinSpec} knows. */
export const BUILTIN_NAMES: readonly string[] = Object.keys(GRIDS);

/**
 * A built-in model.
 *
 * Under rule saccade it is the grid with the defaults of the rule, `motion: 3` and `encoder_rate: 0.4`; under rule 2016 it has the flags of the
 * released file of its family (very_deep, or classic_medium for `classic` and `tiny`).
 *
 * @param name one of {@linkcode BUILTIN_NAMES}
 * @param options the rule, and any other fields to change
 * @returns a complete specification
 * @throws {SpecError} for an unknown name or a bad field
 *
 * @example
 * ```ts
 * import { builtinSpec } from "@saccade/saccade";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(builtinSpec("small").layer_shapes, [12, 8, 6, 4, 2, 1]);
 * ```
 */
export function builtinSpec(
  name: string,
  options: { readonly rule?: RuleName; readonly fields?: Readonly<Record<string, unknown>> } = {},
): Spec {
  const known = GRIDS[name];
  if (!Object.hasOwn(GRIDS, name) || known === undefined) {
    throw new SpecError(
      `Unknown model "${name}": did you mean "${closestString(name, BUILTIN_NAMES)}"? There are ${
        BUILTIN_NAMES.join(", ")
      }; a file's name ends in .json`,
    );
  }
  const rule = options.rule ?? "saccade";
  return parseSpec({
    ...known.grid,
    readout_block_size: known.readout,
    rule,
    ...(rule === "2016" ? known.flags2016 : SACCADE),
    ...options.fields,
  });
}
