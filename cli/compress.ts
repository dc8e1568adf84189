/**
 * `saccade compress`: a saved model made smaller, with what it cost.
 *
 * @module
 */
import { densityOf } from "../compress/prune.ts";
import type { Energy } from "../meters/meter.ts";
import { openMeter } from "../meters/open.ts";
import { encodeCheckpoint, planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { unitCount, weightCount } from "../model/plan.ts";
import { DEFAULT_BLOCKS } from "../model/pruning_schedule.ts";
import {
  formatOf,
  hasMomentum,
  WEIGHT_FORMATS,
  weightBytes,
  type WeightFormat,
} from "../model/weight_format.ts";
import {
  CheckpointError,
  claimCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from "../runtime/checkpoint_store.ts";
import { compress, type Compressed, type CompressOptions } from "../runtime/compression.ts";
import type { Trial } from "../runtime/trial.ts";
import { openSource } from "../sources/open.ts";
import type { Fit, Source } from "../sources/source.ts";
import { firstFrame, sourceNamed, tryStored } from "./eval.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags, type Values } from "./flags.ts";
import { quantity, signed, small, table } from "./format.ts";
import { PRUNING_FLAGS, readPruning } from "./pruning_flags.ts";
import { write } from "./view.ts";

/** Steps of teaching unless stated. */
const STEPS = 1000;
/** Frames on which both are compared unless stated. */
const EVAL_STEPS = 200;

/** `saccade compress`. */
export const command: Command = {
  name: "compress",
  help: "Makes a saved model smaller: narrow weights, pruning, teaching it again.",
  positional: "MODEL",
  flags: {
    format: { value: "FORMAT", of: WEIGHT_FORMATS, help: "what weights are stored in" },
    "predict-only": { help: "codebooks: leave out what only learning needs, a byte a weight" },
    ...PRUNING_FLAGS,
    contexts: {
      value: "SHARE",
      help: "the share of contexts that goes, those that add least; 0: what adds nothing",
    },
    retrain: { value: "FILE|scene", help: "teaches it again; a clip that is shorter is looped" },
    steps: { value: "N", kind: "count", help: `steps of teaching (default: ${STEPS})` },
    "at-once": { help: "prune before the teaching, not step by step on the way" },
    fit: {
      value: "HOW",
      of: ["stretch", "crop"],
      help: "how frames become square (default: stretch)",
    },
    "eval-steps": {
      value: "N",
      kind: "count",
      help: `frames on which both are compared, frozen (default: ${EVAL_STEPS})`,
    },
    backend: { value: "NAME", help: "as in run (default: the first that takes the new model)" },
    threads: { value: "N", kind: "count", help: "threads (default: all cores)" },
    out: { value: "FILE", help: "where the new model goes; -o for short" },
    json: { help: "print the table as JSON" },
    quiet: { help: "no progress" },
  },
  examples: [
    "saccade compress model.safetensors --format i8 -o small.safetensors",
    "saccade compress model.safetensors --contexts 0.5 --retrain scene -o small.safetensors",
    "saccade compress model.safetensors --prune 0.9 --retrain scene --steps 5000 -o small.safetensors",
  ],
};

/** A share from 0 to 1. */
function shareOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const share = Number(text);
  if (/^\d*\.?\d+$/.test(text) && share <= 1) return share;
  throw new UsageError(`--contexts is a share from 0 to 1, not "${text}"`);
}

/** What the flags ask for; the source is opened elsewhere. */
function wishOf(values: Values) {
  const format = values.text("format") as WeightFormat | undefined;
  const asked = readPruning(values, ["at-once"]);
  const pruning = asked === undefined ? undefined : { blocks: DEFAULT_BLOCKS, ...asked };
  const retrain = values.text("retrain");
  const contexts = shareOf(values.text("contexts"));
  if (contexts !== undefined && retrain === undefined) {
    throw new UsageError("--contexts needs --retrain: what they add is measured on its frames");
  }
  const predictOnly = values.has("predict-only");
  if (format === undefined && pruning === undefined && retrain === undefined && !predictOnly) {
    throw new UsageError("compress needs something to do: --format, --prune or --retrain");
  }
  for (const name of ["steps", "at-once", "eval-steps", "fit"]) {
    if (values.has(name) && retrain === undefined) {
      throw new UsageError(`--${name} needs --retrain`);
    }
  }
  for (const name of ["steps", "threads", "eval-steps"]) {
    if (values.number(name) === 0) throw new UsageError(`--${name} is 1 or more, not 0`);
  }
  return { format, pruning, contexts, retrain, predictOnly };
}

/** Refuses to write over the original. */
async function checkTarget(model: string, out: string): Promise<void> {
  const real = (path: string) => Deno.realPath(path).catch(() => path);
  if (await real(model) === await real(out)) {
    throw new UsageError(
      `--out is the model itself: the original stays as it is, choose another file`,
    );
  }
}

/** A line that is written over and over, where a person looks on. */
class Progress implements Disposable {
  readonly #shown: boolean;
  readonly #steps: number;
  #next = 0;

  constructor(steps: number, quiet: boolean) {
    this.#shown = !quiet && Deno.stderr.isTerminal();
    this.#steps = steps;
  }

  made(step: number, density: number): void {
    const now = performance.now();
    if (!this.#shown || (now < this.#next && step < this.#steps)) return;
    this.#next = now + 100;
    const done = Math.round(24 * step / this.#steps);
    const bar = "█".repeat(done) + "░".repeat(24 - done);
    write(`\r${bar} ${step}/${this.#steps} steps, density ${density.toFixed(2)} `, Deno.stderr);
  }

  [Symbol.dispose](): void {
    if (this.#shown) write("\r\x1b[K", Deno.stderr);
  }
}

/** What is compared of a model. */
interface Measured {
  readonly format: WeightFormat;
  readonly density: number;
  /** Contexts and units that there are. */
  readonly contexts: number;
  readonly units: number;
  readonly bytesOnDisk: number;
  readonly bytesOfWeights: number;
  /** Whether every weight has momentum; what it was is lost where only the old one has. */
  readonly momentum: boolean;
  /** Frozen, on the frames of the comparison. */
  readonly mse: number | null;
  readonly copyLast: number | null;
  readonly skill: number | null;
  readonly stepsPerSecond: number | null;
  /** Joules of a step of the comparison, by the method of `energy`; null when no meter knows. */
  readonly joulesPerStep: number | null;
  /** What the comparison cost. */
  readonly energy: Energy | null;
}

async function measure(path: string, stored: StoredCheckpoint, trial?: Trial): Promise<Measured> {
  const plan = planOf(stored);
  const density = densityOf(plan);
  const format = formatOf(plan);
  const none = { mse: null, copyLast: null, skill: null };
  return {
    format,
    density,
    contexts: plan.contextKind.length,
    units: unitCount(plan),
    bytesOnDisk: (await Deno.stat(path)).size,
    bytesOfWeights: Math.ceil(Math.round(density * weightCount(plan)) * weightBytes(format)),
    momentum: hasMomentum(plan),
    ...trial?.layers[0] ?? none,
    stepsPerSecond: trial?.stepsPerSecond ?? null,
    joulesPerStep: trial?.energy == null ? null : trial.energy.joules / trial.steps,
    energy: trial?.energy ?? null,
  };
}

/** Where the frames of the comparison begin: behind those of the teaching, where there are enough. */
async function heldOut(open: () => Promise<Source>, taught: number, wanted: number) {
  await using source = await open();
  return await source.skip(taught + wanted) === taught + wanted ? taught : 0;
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args.map((arg) => arg === "-o" ? "--out" : arg));
  const [path, ...more] = values.positional;
  if (path === undefined || more.length > 0) {
    throw new UsageError("compress takes one model: a file that run has saved");
  }
  const { format, pruning, contexts, retrain, predictOnly } = wishOf(values);
  const out = values.text("out");
  if (out === undefined) throw new UsageError("compress needs --out FILE for the new model");
  await checkTarget(path, out);
  const stored = await loadCheckpoint(path);
  const { frame } = planOf(stored);
  const steps = values.number("steps") ?? STEPS;
  const wanted = values.number("eval-steps") ?? EVAL_STEPS;
  const threads = values.number("threads");
  const backend = values.text("backend") ?? "auto";
  const fit = (values.text("fit") ?? "stretch") as Fit;
  const once = () => openSource(sourceNamed(retrain!, { fit }), frame);
  const begin = firstFrame(retrain ?? "", stored);
  const skip = retrain === undefined ? 0 : await heldOut(once, begin + steps, wanted);
  await using _claim = await claimCheckpoint(out);
  const save = async (stored: StoredCheckpoint, last: boolean) => {
    try {
      await saveCheckpoint(out, await encodeCheckpoint(stored));
    } catch (error) {
      // What was saved before is still there, and there may be room when it matters.
      if (last) throw error;
      write(`${(error as Error).message}; the teaching goes on\n`, Deno.stderr);
    }
  };
  const options: CompressOptions = {
    ...(format === undefined ? {} : { format }),
    ...(pruning === undefined ? {} : { pruning }),
    ...(contexts === undefined ? {} : { contexts }),
    predictOnly,
    save,
  };
  let result: Compressed;
  {
    using progress = new Progress(steps, values.has("quiet") || values.has("json"));
    await using source = retrain === undefined
      ? null
      : await openSource(sourceNamed(retrain, { fit, loop: true }), frame);
    const retraining = source === null ? {} : {
      retraining: {
        source,
        skip: begin,
        sameSource: retrain === "scene",
        steps,
        gradual: !values.has("at-once"),
        backend,
        ...(threads === undefined ? {} : { threads }),
      },
    };
    const made = (step: number, density: number) => progress.made(step, density);
    try {
      result = await compress(stored, { ...options, ...retraining, made });
    } catch (error) {
      // What a model cannot be made into is said of the model.
      if (!(error instanceof RangeError)) throw error;
      throw new CheckpointError(`Cannot compress "${path}": ${error.message}`, { cause: error });
    }
  }
  let trials: { before: Trial; after: Trial; backend: string } | undefined;
  if (retrain !== undefined) {
    const source = sourceNamed(retrain, { fit });
    const meter = await openMeter();
    const how = { source, skip, steps: wanted, learn: false, threads, meter };
    // The new one chooses: it is taken by fewer.
    const after = await tryStored({ ...how, stored: result.stored, backend });
    const before = await tryStored({ ...how, stored, backend: after.backend });
    trials = { before: before.trial, after: after.trial, backend: after.backend };
  }
  const before = await measure(path, stored, trials?.before);
  const after = await measure(out, result.stored, trials?.after);
  const comparison = trials === undefined
    ? null
    : { source: retrain!, frames: trials.after.steps, firstFrame: skip, backend: trials.backend };
  if (values.has("json")) {
    write(
      `${JSON.stringify({ model: path, out, before, after, lost: result.lost, comparison })}\n`,
    );
    return EXIT.ok;
  }
  write(`${render(before, after)}\n\n`);
  const rounds = before.format !== after.format || predictOnly && retrain === undefined;
  if (rounds) write(`${lossText(result)}\n`);
  if (before.momentum && !after.momentum) write("its momentum is left out: codebooks have none\n");
  if (comparison !== null) {
    const seen = skip > 0 ? "which it was not taught" : "which it was taught, too";
    write(
      `frozen on ${comparison.frames} frames of ${retrain} from frame ${skip}, ${seen}; both on ${comparison.backend}\n`,
    );
    write(`${energyText(before, after, comparison.frames)}\n`);
  }
  write(`saved to ${out}\n`);
  return EXIT.ok;
}

function render(before: Measured, after: Measured): string {
  const rows: [string, (of: Measured) => string][] = [
    ["format", ({ format }) => format],
    ["density", ({ density }) => density.toFixed(3)],
    ["file", ({ bytesOnDisk }) => quantity(bytesOnDisk, "B")],
    ["weights", ({ bytesOfWeights }) => quantity(bytesOfWeights, "B")],
  ];
  if (after.contexts < before.contexts) {
    rows.push(
      ["contexts", ({ contexts }) => String(contexts)],
      ["units", ({ units }) => String(units)],
    );
  }
  if (after.mse !== null) {
    rows.push(
      ["error, frozen", ({ mse }) => small(mse)],
      ["of copying the last frame", ({ copyLast }) => small(copyLast)],
      ["skill", ({ skill }) => signed(skill)],
      ["steps/s, frozen", ({ stepsPerSecond }) => stepsPerSecond?.toFixed(1) ?? "unknown"],
      [
        "energy a step, frozen",
        ({ joulesPerStep, energy }) =>
          quantity(joulesPerStep, "J") + (energy === null ? "" : ` (${energy.method})`),
      ],
    );
  }
  return table([
    ["", "before", "after"],
    ...rows.map(([name, of]) => [name, of(before), of(after)]),
  ]);
}

/** Where the joules come from, and what they cover. */
function energyText(before: Measured, after: Measured, steps: number): string {
  const known = after.energy ?? before.energy;
  if (known === null) return "energy: no meter and nothing counted";
  const range = ({ energy }: Measured) =>
    energy === null
      ? "unknown"
      : `${quantity(energy.low / steps, "J")} to ${quantity(energy.high / steps, "J")}`;
  return `energy: ${known.source}; ${known.scope}; before ${range(before)}, after ${
    range(after)
  } a step`;
}

function lossText({ lost }: Compressed): string {
  const of = (name: "encoder" | "decoder") => {
    const { rms, rmsError, largestError } = lost[name];
    return `${name} ${small(rmsError)} rms of ${small(rms)}, ${small(largestError)} at most`;
  };
  return `the rounding changed: ${of("encoder")}; ${of("decoder")}`;
}
