/**
 * The records of `src/model.rs`, field by field, and instances of the built rungs.
 *
 * @module
 */
import { PAGE, STACK } from "../../kernels/load.ts";

/** Fields of the model record, a word each. */
// deno-fmt-ignore
export const MODEL = ["options", "hidden", "units", "chunk", "chunks", "claimed", "starting", "space", "other", "hiddenAt", "errors",
  "rates", "learning", "lateralFactor", "feedbackFactor", "tau", "momentum", "bias"] as const;
/** Fields of a unit record, a word each. */
// deno-fmt-ignore
export const UNIT = ["layer", "signalLength", "outputs", "block",
  "encoder", "encoderMomentum", "encoderRows", "encoderColumns", "decoder", "decoderMomentum", "decoderRows", "decoderColumns",
  "input", "nextInput", "lagInput", "hidden", "lagHidden", "prediction", "lagPrediction", "signal", "integral", "minimum",
  "maximum", "signalRuns", "signalRunCount", "contextRuns", "contextRunCount"] as const;

/** A field of the model record. */
export type ModelField = typeof MODEL[number];
/** A field of a unit record. */
export type UnitField = typeof UNIT[number];

/** The field of a unit that holds a tensor, and the offsets of its units; those that are not here have H values a unit. */
export const VECTORS: Readonly<
  Record<string, readonly [UnitField, "input" | "output" | "signal" | "hidden"]>
> = {
  input: ["input", "input"],
  "lag.input": ["lagInput", "input"],
  hidden: ["hidden", "hidden"],
  "lag.hidden": ["lagHidden", "hidden"],
  prediction: ["prediction", "output"],
  "lag.prediction": ["lagPrediction", "output"],
  signal: ["signal", "signal"],
  integral: ["integral", "signal"],
  minimum: ["minimum", "hidden"],
  maximum: ["maximum", "hidden"],
};

/** What the built rungs export; see `src/lib.rs`. */
export interface Rungs {
  readonly __stack_pointer: WebAssembly.Global;
  readonly __heap_base: WebAssembly.Global;
  record_sizes(): number;
  work_units(rung: number, model: number, scratch: number, begin: number, end: number): number;
  work_chunks(rung: number, model: number, scratch: number, turns: boolean): number;
  start(rung: number, model: number, scratch: number, units: number): number;
}

/** Linked data and the first stack end before this. */
export const BASE = 32 * PAGE;
/**
 * An instance of the rungs.
 *
 * @param module a build
 * @param memory its memory
 * @param thread the number of the thread that calls it: each has a stack of its own
 */
export function instantiateRungs(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  thread: number,
): Rungs {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const rungs = exports as unknown as Rungs;
  if (
    rungs.__heap_base.value > BASE ||
    rungs.record_sizes() !== (MODEL.length << 18) + 4 * UNIT.length
  ) {
    throw new TypeError(
      "The built rungs are not those of this version: run bench/kernels/build.sh",
    );
  }
  rungs.__stack_pointer.value = BASE + (thread + 1) * STACK;
  return rungs;
}
