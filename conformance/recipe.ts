/**
 * Random models as small records that fast-check can shrink and print; {@linkcode buildPlan} makes plans of them.
 *
 * @module
 */
import fc from "fast-check";
import type { NarrowFormat, WeightFormat } from "../model/weight_format.ts";

/** Which of the optional parts of a plan may occur. */
export interface PlanFeatures {
  /** Sources with a delay of more than one step. */
  readonly delays: boolean;
  /** Hidden outputs of other parts of a split model. */
  readonly parts: boolean;
  /** Weights that are pruned. */
  readonly masks: boolean;
  /** Units that skip learning where their error is small. */
  readonly skipping: boolean;
  /** Rule saccade: shift candidates. */
  readonly shifts: boolean;
  /** Weights of these formats. */
  readonly formats: readonly NarrowFormat[];
}

/** None of them: the core profile, which every backend is expected to take. */
export const CORE: PlanFeatures = {
  delays: false,
  parts: false,
  masks: false,
  skipping: false,
  shifts: false,
  formats: [],
};

/** What a plan is said to have where it has an optional part. */
export const FEATURE_NAMES: Readonly<Record<keyof PlanFeatures, string>> = {
  delays: "delays",
  parts: "parts",
  masks: "masks",
  skipping: "units that skip learning",
  shifts: "shift candidates",
  formats: "narrow weights",
};

/** Whether an optional part may occur. */
export function hasFeature(features: PlanFeatures, name: keyof PlanFeatures): boolean {
  return name === "formats" ? features.formats.length > 0 : features[name];
}

/** Options of rule 2016 that change what is computed, one bit each. */
export const OPTIONS_2016 = [
  "derivative",
  "integral",
  "error",
  "previous",
  "twoSteps",
  "normalise",
  "autoencoder",
] as const;

/** What a random case is made from: everything in it follows from this record. */
export interface Recipe {
  readonly rule: "2016" | "saccade";
  /** Units of each layer. */
  readonly layers: readonly number[];
  /** H. */
  readonly hidden: number;
  readonly width: number;
  readonly height: number;
  /** Contexts of a unit at most. */
  readonly contexts: number;
  /** The longest delay; 1 without the feature. */
  readonly delay: number;
  /** Hidden outputs of other parts; 0 without the feature. */
  readonly parts: number;
  /** The share of weights that are kept, in percent; 100 is no mask. */
  readonly density: number;
  /** Thousandths of a mean squared error below which a unit does not learn; 0 without the feature, or where weights are narrow. */
  readonly skip: number;
  /** Hundredths of its own mean error below which a unit does not learn; 0 as `skip`. */
  readonly surprise: number;
  /** What the weights are stored in. */
  readonly format: WeightFormat;
  /** Rule saccade: whether there is a motion candidate. */
  readonly motion: boolean;
  /** Rule saccade: the radius of the shift candidates; 0 without the feature. Else the frame is a row of square tiles. */
  readonly shift: number;
  /** Rule 2016: which of {@linkcode OPTIONS_2016}, as bits. */
  readonly options: number;
  readonly activation: "polynomial" | "logistic";
  readonly bias: 0 | 1;
  readonly momentum: number;
  /** Whether rates change on the way, and layers begin to learn one after another. */
  readonly scheduled: boolean;
  /** Steps that the reference has run before the checkpoint is taken; 0 is a new model. */
  readonly before: number;
  /** Steps to run. */
  readonly steps: number;
  readonly stimulus: "noise" | "moving" | "still" | "extremes";
  /** Whether frames are floats instead of bytes. */
  readonly floats: boolean;
  /** In which steps weights change. */
  readonly learn: "always" | "never" | "sometimes";
  /** Whether steps multiply the rates. */
  readonly rates: boolean;
  /** Of the wiring, the weights and the frames. */
  readonly seed: number;
}

/**
 * Random recipes: one to three layers of up to four units, at least eight steps.
 *
 * @param features which optional parts may occur
 * @param fixed what is not random
 */
export function recipes(
  features: PlanFeatures,
  fixed: Partial<Recipe> = {},
): fc.Arbitrary<Recipe> {
  const optional = (has: boolean, arbitrary: fc.Arbitrary<number>, without: number) =>
    has
      ? fc.oneof({ withCrossShrink: true }, fc.constant(without), arbitrary)
      : fc.constant(without);
  return fc.record({
    rule: fc.constantFrom("saccade" as const, "2016" as const),
    layers: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    hidden: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 2, max: 9 }),
    height: fc.integer({ min: 1, max: 6 }),
    contexts: fc.integer({ min: 0, max: 4 }),
    delay: optional(features.delays, fc.integer({ min: 2, max: 3 }), 1),
    parts: optional(features.parts, fc.integer({ min: 1, max: 7 }), 0),
    format: features.formats.length === 0 ? fc.constant("f32" as const) : fc.oneof(
      { withCrossShrink: true },
      { arbitrary: fc.constant("f32" as const), weight: 2 },
      { arbitrary: fc.constantFrom(...features.formats), weight: 1 },
    ),
    skip: optional(features.skipping, fc.constantFrom(1, 10, 50, 150), 0),
    surprise: optional(features.skipping, fc.constantFrom(20, 60, 100), 0),
    density: optional(features.masks, fc.integer({ min: 10, max: 90 }), 100),
    motion: fc.boolean(),
    shift: optional(features.shifts, fc.integer({ min: 1, max: 3 }), 0),
    options: fc.integer({ min: 0, max: 2 ** OPTIONS_2016.length - 1 }),
    activation: fc.constantFrom("polynomial" as const, "logistic" as const),
    bias: fc.constantFrom(1 as const, 0 as const),
    momentum: fc.constantFrom(0.5, 0, 0.9),
    scheduled: fc.boolean(),
    before: fc.integer({ min: 0, max: 5 }),
    steps: fc.integer({ min: 8, max: 14 }),
    stimulus: fc.constantFrom("noise" as const, "moving", "still", "extremes"),
    floats: fc.boolean(),
    learn: fc.constantFrom("always" as const, "sometimes", "never"),
    rates: fc.boolean(),
    seed: fc.nat(),
  }).map((recipe) => {
    const whole = { ...recipe, ...fixed };
    // The noise of narrow weights would decide who learns.
    return whole.format === "f32" ? whole : { ...whole, skip: 0, surprise: 0 };
  });
}
