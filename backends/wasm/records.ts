/**
 * The records of `kernels/src/model.rs`, field by field, in words of four bytes.
 *
 * @module
 */

const MODEL_FIELDS = [
  "rule",
  "options",
  "hidden",
  "unit",
  "chunk",
  "chunks",
  "claimed",
  "space",
  "other",
  "hiddenAt",
  "errors",
  "rates",
  "learning",
  "skipBelow",
  "surprise",
  "errorRate",
  "first",
  "learn",
  "meanRate",
  "lateralFactor",
  "feedbackFactor",
  "tau",
  "momentum",
  "bias",
  "encoderRate",
  "decoderRate",
  "motionPrior",
  "defer",
  "window",
  "ring",
  "powers",
  "gain",
  "hiddenColumns",
  "format",
  "pruned",
  "noise",
] as const;

const UNIT_FIELDS = [
  "id",
  "layer",
  "signalLength",
  "outputs",
  "outputColumns",
  "inputs",
  "inputColumns",
  "block",
  "encoder",
  "encoderMomentum",
  "encoderLower",
  "encoderScale",
  "encoderSums",
  "encoderStarts",
  "encoderIndex",
  "decoder",
  "decoderMomentum",
  "decoderLower",
  "decoderScale",
  "decoderSums",
  "decoderStarts",
  "decoderIndex",
  "input",
  "nextInput",
  "lagInput",
  "hidden",
  "lagHidden",
  "prediction",
  "lagPrediction",
  "signal",
  "signalPrevious",
  "integral",
  "minimum",
  "maximum",
  "change",
  "motion",
  "error",
  "errorMean",
  "skipped",
  "scalars",
  "signalRuns",
  "signalRunCount",
  "windowRuns",
  "windowRunCount",
  "motionRuns",
  "motionRunCount",
  "contextRuns",
  "contextRunCount",
  "pairInputs",
  "pairDeltas",
  "pairHidden",
  "pairErrors",
  "pairNext",
  "pairCount",
  "pairPending",
  "pairDue",
  "pairCarried",
] as const;

/** A field of the model record. */
export type ModelField = typeof MODEL_FIELDS[number];
/** A field of a unit record. */
export type UnitField = typeof UNIT_FIELDS[number];

function words<F extends string>(fields: readonly F[]): Readonly<Record<F, number>> {
  return Object.fromEntries(fields.map((name, word) => [name, word])) as Record<F, number>;
}

/** The word of each field of the model record. */
export const MODEL: Readonly<Record<ModelField, number>> = words(MODEL_FIELDS);
/** The word of each field of a unit record. */
export const UNIT: Readonly<Record<UnitField, number>> = words(UNIT_FIELDS);
/** The fields of a unit record that are pointers: all but the sizes. */
export const POINTERS: readonly UnitField[] = UNIT_FIELDS.filter((field) =>
  !/Count$|Length$|^id$|^layer$|^(in|out)puts$|Columns$|^block$|^skipped$|^pair(Next|Pending|Due|Carried)$/
    .test(field)
);
/** Words of a model record. */
export const MODEL_WORDS = MODEL_FIELDS.length;
/** Words of a unit record. */
export const UNIT_WORDS = UNIT_FIELDS.length;
/** Words of a scratch record. */
export const SCRATCH_WORDS = 12;
/** Words of a run: index, length, kind. */
export const RUN_WORDS = 3;

/** Where the scalars of a unit of rule "saccade" stand (`rule_saccade.rs`), by the tensor they are saved in: [first, how many]. */
export const SCALARS: Readonly<Record<string, readonly [number, number]>> = {
  scale: [0, 1],
  variance: [1, 1],
  power: [2, 1],
  "combiner.moments": [3, 3],
  "combiner.products": [6, 2],
  "combiner.weights": [8, 2],
};
/** How many scalars a unit has. */
export const SCALAR_COUNT = 10;
