/**
 * `saccade eval`: how well a model predicts, layer by layer, beside copying what was last.
 *
 * @module
 */
import type { Meter } from "../meters/meter.ts";
import { planOf } from "../model/checkpoint_file.ts";
import type { StoredCheckpoint } from "../model/checkpoint_file.ts";
import { loadCheckpoint, saveCheckpoint } from "../runtime/checkpoint_store.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { type Trial, tryModel } from "../runtime/trial.ts";
import { openSource, type SourceRequest } from "../sources/open.ts";
import { type Fit, SourceError } from "../sources/source.ts";
import { errorPlot } from "./error_plot.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags } from "./flags.ts";
import { signed, small, table } from "./format.ts";
import { write } from "./view.ts";

/** Steps over the scene, which never ends, unless stated. */
const SCENE_STEPS = 1000;

/** `saccade eval`. */
export const command: Command = {
  name: "eval",
  help: "Shows how well a saved model predicts: learning on the way, and frozen.",
  positional: "MODEL",
  flags: {
    video: { value: "FILE|scene", help: "the frames (default: the built-in scene)" },
    fit: {
      value: "HOW",
      of: ["stretch", "crop"],
      help: "how frames become square (default: stretch)",
    },
    steps: { value: "N", kind: "count", help: "frames at most (default: all; of the scene 1000)" },
    backend: { value: "NAME", help: "as in run (default: the first that takes the model)" },
    threads: { value: "N", kind: "count", help: "threads (default: all cores)" },
    plot: { value: "FILE.svg", help: "draws the errors over time" },
    json: { help: "print it as JSON" },
  },
  examples: [
    "saccade eval model.safetensors --video clip.mp4 --plot errors.svg",
    "saccade eval model.safetensors --video scene --steps 2000 --json",
  ],
};

/**
 * The source that a word names: a file, or `scene`.
 *
 * @param word what was given
 * @param options how frames become square, and whether a file starts again at its end
 */
export function sourceNamed(
  word: string,
  { fit = "stretch", loop = false }: { readonly fit?: Fit; readonly loop?: boolean } = {},
): SourceRequest {
  return word === "scene" ? { kind: "scene" } : { kind: "video", path: word, fit, loop };
}

/**
 * The frame from which a source is new to a model: the scene goes on where it was, whose frames never come again; a file is looked at
 * from its beginning.
 *
 * @param word see {@linkcode sourceNamed}
 * @param stored the model
 */
export function firstFrame(word: string, { sourceFrames }: StoredCheckpoint): number {
  return word === "scene" ? sourceFrames : 0;
}

/** How a stored model is tried. */
export interface TrialRequest {
  readonly stored: StoredCheckpoint;
  readonly source: SourceRequest;
  /** Frames that are passed over. */
  readonly skip?: number;
  readonly steps: number;
  readonly learn: boolean;
  readonly backend: string;
  readonly threads?: number | undefined;
  /** Who knows the joules; nobody unless stated. */
  readonly meter?: Meter;
}

/**
 * Tries a stored model from where it stands.
 *
 * @param request what is tried
 * @returns what came of it, and which backend it ran on
 * @throws {SourceError} when frames cannot be had
 * @throws {BackendError} when no device takes the model
 */
export async function tryStored(
  request: TrialRequest,
): Promise<{ readonly trial: Trial; readonly backend: string }> {
  const { stored, skip = 0, steps, learn, backend, threads, meter = null } = request;
  const plan = planOf(stored);
  const { frame: size, rule } = plan;
  await using source = await openSource(request.source, size);
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: rule.name === "saccade" ? rule.motion : 0, skip });
  await using running = await Running.open(plan, {
    backend,
    resume: stored,
    ...(threads === undefined ? {} : { threads }),
  });
  const { session } = running;
  const trial = await tryModel({ plan, session, feed, steps, learn, meter });
  const { name, truncated } = source;
  if (truncated !== null) throw new SourceError(truncated);
  if (trial.steps === 0) throw new SourceError(`${name} has no frames`);
  return { trial, backend: running.backend };
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const [path, ...more] = values.positional;
  if (path === undefined || more.length > 0) {
    throw new UsageError("eval takes one model: a file that run has saved");
  }
  for (const name of ["steps", "threads"]) {
    if (values.number(name) === 0) throw new UsageError(`--${name} is 1 or more, not 0`);
  }
  const stored = await loadCheckpoint(path);
  const word = values.text("video") ?? "scene";
  const source = sourceNamed(word, { fit: (values.text("fit") ?? "stretch") as Fit });
  const steps = values.number("steps") ?? (word === "scene" ? SCENE_STEPS : Infinity);
  const skip = firstFrame(word, stored);
  const options = { stored, source, skip, steps, threads: values.number("threads") };
  const wish = values.text("backend") ?? "auto";
  const frozen = await tryStored({ ...options, learn: false, backend: wish });
  const { backend } = frozen;
  const prequential = await tryStored({ ...options, learn: true, backend });
  const trials = { prequential: prequential.trial, frozen: frozen.trial };
  const layers = trials.frozen.layers.map((score, layer) => ({
    layer,
    prequential: trials.prequential.layers[layer]!,
    frozen: score,
  }));
  const plot = values.text("plot");
  if (plot !== undefined) {
    const fileOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
    const svg = errorPlot(`${fileOf(path)} on ${fileOf(word)}: error of layer 0`, [
      { name: "copy last", colour: "#888888", values: trials.frozen.copies },
      { name: "frozen", colour: "#1f77b4", values: trials.frozen.errors },
      { name: "learning", colour: "#d62728", values: trials.prequential.errors },
    ]);
    await saveCheckpoint(plot, [new TextEncoder().encode(svg)]);
  }
  if (values.has("json")) {
    const { steps } = trials.frozen;
    const record = { model: path, source: word, firstFrame: skip, steps, backend, layers };
    write(`${JSON.stringify(record)}\n`);
    return EXIT.ok;
  }
  const head = ["layer", "learning", "copy last", "skill", "frozen", "copy last", "skill"];
  const rows = layers.map(({ layer, prequential: p, frozen: f }) => [
    String(layer),
    ...[p, f].flatMap((s) => [small(s.mse), small(s.copyLast), signed(s.skill)]),
  ]);
  const frames = `${trials.frozen.steps} frames from frame ${skip}`;
  write(`${path} on ${word}, ${frames}, ${backend}\n\n`);
  write(`${table([head, ...rows])}\n`);
  if (plot !== undefined) write(`\nplotted to ${plot}\n`);
  return EXIT.ok;
}
