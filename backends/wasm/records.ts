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
  "shifts",
  "shiftRadius",
  "shiftPrior",
  "shiftMemory0",
  "shiftMemory1",
  "shiftMemory2",
  "shiftMemory3",
  "shift",
  "turn",
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
  "encoderCentroids",
  "encoderStarts",
  "encoderIndex",
  "decoder",
  "decoderMomentum",
  "decoderLower",
  "decoderScale",
  "decoderSums",
  "decoderCentroids",
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
export const SCRATCH_WORDS = 16;
/** What `pruned` says: nothing is pruned, whole quads are kept, parts of quads, or octs. */
export const PRUNED = { no: 0, inQuads: 1, partly: 2, inOcts: 3 } as const;

/** Words of a run: index, length, kind. */
export const RUN_WORDS = 3;

/** Words of a shift record (`shift.rs`): tile, candidates, evidence, runs of the patch and how many there are. */
export const SHIFT_WORDS = 5;

/**
 * Where the scalars of a unit of rule "saccade" stand (`rule_saccade.rs`), by the tensor they are saved in: [first, how many].
 *
 * @param candidates of the combiner
 */
export function scalarsOf(
  candidates: number,
): Readonly<Record<string, readonly [number, number]>> {
  const moments = candidates * (candidates + 1) / 2;
  return {
    scale: [0, 1],
    variance: [1, 1],
    power: [2, 1],
    "combiner.moments": [3, moments],
    "combiner.products": [3 + moments, candidates],
    "combiner.weights": [3 + moments + candidates, candidates],
  };
}

/**
 * How many scalars a unit has.
 *
 * @param candidates of the combiner
 */
export function scalarCount(candidates: number): number {
  return 3 + candidates * (candidates + 1) / 2 + 2 * candidates;
}
