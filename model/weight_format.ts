/**
 * The formats that weights may be stored in. Each is a grid within the numbers of f32: every checkpoint holds weights as plain
 * numbers, so that any backend can go on from it, and only files and backends pack them.
 *
 * @module
 */
import { fromBfloat, toBfloat } from "./bfloat.ts";
import type { Tensor } from "./checkpoint.ts";
import { makeCodebook } from "./codebook.ts";
import { gridFault, gridOf, masterOf, snap } from "./codebook_grid.ts";
import { MOST_STEPS, scaleOf } from "./fixed_point.ts";
import { fromHalf, toHalf } from "./half.ts";
import { offsetsOf, type Plan, unitCount } from "./plan.ts";

/** All formats, the widest first. */
export const WEIGHT_FORMATS = [
  "f32",
  "bf16",
  "f16",
  "i16",
  "i8",
  "codebook4",
  "codebook2",
] as const;

/** One of {@linkcode WEIGHT_FORMATS}. */
export type WeightFormat = typeof WEIGHT_FORMATS[number];

/** A format of fewer bits than f32. */
export type NarrowFormat = Exclude<WeightFormat, "f32">;

/** The formats of fewer bits than f32. */
export const NARROW_FORMATS: readonly NarrowFormat[] = [
  "bf16",
  "f16",
  "i16",
  "i8",
  "codebook4",
  "codebook2",
];

/** The formats whose weights are places in a codebook. */
export type CodebookFormat = "codebook4" | "codebook2";

/** The format of a plan's weights. */
export function formatOf({ format = "f32" }: Pick<Plan, "format">): WeightFormat {
  return format;
}

/** Bytes that a weight is stored and learns in: of a codebook, its place there and the byte beside it. */
export function weightBytes(format: WeightFormat): number {
  if (isCodebookFormat(format)) return 1 + placeBits(format) / 8;
  return format === "f32" ? 4 : 2;
}

/** Bytes of a weight that a step reads which only predicts: of i8 the upper byte, of a codebook its place. */
export function readBytes(format: WeightFormat): number {
  if (isCodebookFormat(format)) return placeBits(format) / 8;
  return format === "i8" ? 1 : weightBytes(format);
}

/** Whether weights have a scale for each hidden unit's row: tensors `encoder.scale` and `decoder.scale`. */
export function hasScales(format: WeightFormat): boolean {
  return format === "i16" || format === "i8";
}

/** Whether every matrix has a codebook: tensors `encoder.codebook` and `decoder.codebook`. */
export function isCodebookFormat(format: WeightFormat): format is CodebookFormat {
  return format === "codebook4" || format === "codebook2";
}

/** Bits of a weight's place in its codebook. */
export function placeBits(format: CodebookFormat): 4 | 2 {
  return format === "codebook4" ? 4 : 2;
}

/** Centroids of a codebook; 0 where the format has none. */
export function codebookSize(format: WeightFormat): number {
  return isCodebookFormat(format) ? 2 ** placeBits(format) : 0;
}

/**
 * Whether a plan's weights have momentum, one each. Those of a codebook have none: it would be three times what they are, and without
 * it a rank-1 term counts 1 / (1 - mu) times.
 */
export function hasMomentum(plan: Pick<Plan, "format" | "rule">): boolean {
  return plan.rule.name === "2016" && !isCodebookFormat(formatOf(plan));
}

/** A matrix of a unit in the flat tensor: [rows, columns]. */
export interface MatrixPlace {
  /** Which matrix. */
  readonly name: "encoder" | "decoder";
  /** Whose. */
  readonly unit: number;
  /** Its first weight. */
  readonly begin: number;
  /** H, or outputs. */
  readonly rows: number;
  /** Inputs, or H + 1. */
  readonly columns: number;
  /** The first of its scales: those of the rows of an encoder, of the columns of a decoder. */
  readonly scale: number;
}

/** All matrices of a plan, in unit order. */
export function* matricesOf(plan: Plan): Generator<MatrixPlace, void, void> {
  const at = offsetsOf(plan);
  const H = plan.hidden;
  for (let unit = 0; unit < unitCount(plan); unit++) {
    const [n, m] = [plan.inputs[unit]!, plan.outputs[unit]!];
    const own = { unit, scale: unit * H };
    yield { name: "encoder", ...own, begin: at.encoder[unit]!, rows: H, columns: n };
    yield {
      name: "decoder",
      unit,
      scale: unit * (H + 1),
      begin: at.decoder[unit]!,
      rows: m,
      columns: H + 1,
    };
  }
}

/**
 * Rounds the matrices of a state to the nearest numbers of the plan's format. Scales are the smallest that do. Matrices that
 * have a codebook of the format keep it; others get a new one. What is pruned becomes 0; what is too large for f16 becomes infinite. Momentum is
 * left out where the format has none, and begins at 0 where it has and there was none.
 *
 * @param plan the model
 * @param tensors its state, in any format
 * @returns the state with other matrices, and with the scales that the format has
 * @throws {RangeError} where a weight is not finite
 */
export function roundToFormat(
  plan: Plan,
  tensors: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const format = formatOf(plan);
  const out: Record<string, Tensor> = { ...tensors };
  for (const name of ["encoder", "decoder"] as const) {
    delete out[`${name}.scale`];
    delete out[`${name}.codebook`];
    if (!hasMomentum(plan)) delete out[`${name}.momentum`];
    else out[`${name}.momentum`] ??= tensors[name]!.map(() => 0);
    const kept = plan.mask?.[name];
    out[name] = tensors[name]!.map((weight, i) => kept?.[i] === 0 ? 0 : weight);
    const bad = out[name]!.findIndex((weight: number) => !Number.isFinite(weight));
    if (bad >= 0) {
      throw new RangeError(
        `The ${name} has a weight that is ${
          out[name]![bad]
        } (number ${bad}): no format stores it; take a checkpoint from before it`,
      );
    }
  }
  if (isCodebookFormat(format)) {
    roundToCodebooks(plan, codebookSize(format), tensors, out);
    return out;
  }
  if (!hasScales(format)) {
    if (format === "f32") return out;
    const nearest = format === "f16"
      ? (w: number) => fromHalf(toHalf(w))
      : (w: number) => fromBfloat(toBfloat(w));
    for (const name of ["encoder", "decoder"] as const) out[name] = out[name]!.map(nearest);
    return out;
  }
  const units = unitCount(plan);
  out["encoder.scale"] = new Float32Array(units * plan.hidden);
  out["decoder.scale"] = new Float32Array(units * (plan.hidden + 1));
  for (const place of matricesOf(plan)) roundMatrix(place, out);
  return out;
}

/** All matrices of codebooks, in place; the state before says which codebooks there were. */
function roundToCodebooks(
  plan: Plan,
  size: number,
  before: Readonly<Record<string, Tensor>>,
  tensors: Record<string, Tensor>,
): void {
  for (const name of ["encoder", "decoder"] as const) {
    tensors[`${name}.codebook`] = new Float32Array(unitCount(plan) * size);
    tensors[`${name}.scale`] = new Float32Array(unitCount(plan));
  }
  for (const { name, unit, begin, rows, columns } of matricesOf(plan)) {
    const end = begin + rows * columns;
    const mask = plan.mask?.[name].subarray(begin, end);
    const weights = tensors[name]!.subarray(begin, end);
    const kept = mask === undefined ? weights : weights.filter((_, i) => mask[i] === 1);
    const had = before[`${name}.codebook`]?.subarray(unit * size, (unit + 1) * size);
    const scale = before[`${name}.scale`]?.[unit] ?? NaN;
    const hasGrid = had?.length === size && gridFault(had, scale) === undefined;
    const grid = hasGrid ? gridOf(had, scale) : snap(makeCodebook(kept, size));
    const centroids = Float32Array.from(grid.centroids, (C) => C * grid.scale);
    tensors[`${name}.codebook`]!.set(centroids, unit * size);
    tensors[`${name}.scale`]![unit] = grid.scale;
    for (let i = 0; i < weights.length; i++) {
      if (mask?.[i] !== 0) weights[i] = masterOf(grid, weights[i]! / grid.scale) * grid.scale;
    }
  }
}

/** One matrix of fixed point, in place. */
function roundMatrix(
  { name, begin, rows, columns, scale: first }: MatrixPlace,
  tensors: Record<string, Tensor>,
): void {
  const weights = tensors[name]!;
  const scales = tensors[`${name}.scale`]!;
  const groups = name === "encoder" ? rows : columns;
  const largest = new Float64Array(groups);
  for (let at = begin, i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, at++) {
      const g = name === "encoder" ? i : j;
      largest[g] = Math.max(largest[g]!, Math.abs(weights[at]!));
    }
  }
  scales.set(largest.map(scaleOf), first);
  for (let at = begin, i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, at++) {
      const scale = scales[first + (name === "encoder" ? i : j)]!;
      weights[at] = stepsOf(weights[at]!, scale) * scale;
    }
  }
}

/**
 * The nearest number of steps to a weight, at most 32638 either way.
 *
 * @param weight a finite number
 * @param scale a step
 */
export function stepsOf(weight: number, scale: number): number {
  return Math.max(-MOST_STEPS, Math.min(Math.round(weight / scale), MOST_STEPS)) || 0;
}
