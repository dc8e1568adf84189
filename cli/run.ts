/**
 * `saccade run`: a model over a source.
 *
 * @module
 */
import { BACKEND_NAMES } from "../backends/registry.ts";
import { HostedRun, type Listener, type RunRequest } from "../runtime/host.ts";
import { CheckpointError } from "../runtime/checkpoint_store.ts";
import type { PruningWish } from "../runtime/gradual_pruning.ts";
import type { CheckpointInterval } from "../runtime/recorder.ts";
import type { Report } from "../runtime/report.ts";
import type { SourceRequest } from "../sources/open.ts";
import type { Fit } from "../sources/source.ts";
import { colourOf } from "./blocks.ts";
import { EXIT, exitCode, sentence, UsageError } from "./exit.ts";
import { type Command, parseFlags, type Values } from "./flags.ts";
import { PRUNING_FLAGS, readPruning } from "./pruning_flags.ts";
import { readSpec, SPEC_FLAGS, specFlagsGiven } from "./spec_flags.ts";
import { hangUp, line, LiveView, summary, write } from "./view.ts";

/** `saccade run`. */
export const command: Command = {
  name: "run",
  help: "Runs a model over a video, a camera or the built-in scene; it learns from every frame.",
  flags: {
    ...SPEC_FLAGS,
    video: { value: "FILE", help: "a video file, or - for raw rgb24 frames on standard input" },
    camera: { value: "DEVICE", help: "/dev/video0, a number, or rtsp://..." },
    scene: { help: "the built-in moving scene (the default)" },
    size: { value: "WxH", help: "size of the raw frames, with --video - (default: the model's)" },
    fit: {
      value: "HOW",
      of: ["stretch", "crop"],
      help: "how frames become square (default: stretch)",
    },
    fps: { value: "N", kind: "number", help: "rate of a camera or the scene; the most of a file" },
    loop: { help: "start the file again at its end" },
    from: {
      value: "FRAME",
      kind: "count",
      help:
        "with --resume: the frame to go on at (default: where it was; another source begins at 0)",
    },
    backend: {
      value: "NAME",
      help: `${BACKEND_NAMES.join(", ")}, NAME:DEVICE, auto, or an import specifier`,
    },
    threads: { value: "N", kind: "count", help: "threads (default: all cores)" },
    isolate: { help: "the backend in a process of its own: when it crashes the run does not" },
    steps: { value: "N", kind: "count", help: "steps to make (default: until the source ends)" },
    seconds: { value: "N", kind: "number", help: "seconds to run" },
    ...PRUNING_FLAGS,
    "prune-steps": {
      value: "N",
      kind: "count",
      help: "steps until all of that is gone (default: 3/4 of --steps, or 5000)",
    },
    "no-learn": { help: "only predict" },
    save: { value: "FILE", help: "where the state is saved at the end" },
    resume: { value: "FILE", help: "go on from a checkpoint (and save to it)" },
    "checkpoint-every": { value: "N", help: "save on the way: 1000 is steps, 30s is seconds" },
    window: { value: "N", kind: "count", help: "steps in a record (default: 100)" },
    json: { help: "print each record as a line of JSON" },
    quiet: { help: "no progress and no table" },
  },
  examples: [
    "saccade run --spec small --video clip.mp4 --save model.safetensors",
    "saccade run --camera 0 --seconds 60 --json",
    "saccade run --resume model.safetensors --video clip.mp4 --steps 1000",
    "saccade run --scene --prune 0.9 --prune-steps 5000 --save small.safetensors",
  ],
};

/** The source that the flags ask for. */
function sourceOf(values: Values): SourceRequest {
  const asked = ["video", "camera", "scene"].filter((name) => values.has(name));
  if (asked.length > 1) {
    throw new UsageError(`--${asked[0]} and --${asked[1]} are both sources: choose one`);
  }
  const fit = (values.text("fit") ?? "stretch") as Fit;
  const fps = values.number("fps");
  const rate = fps === undefined ? {} : { fps };
  const loop = values.has("loop");
  const video = values.text("video");
  if (loop && (video === undefined || video === "-")) {
    throw new UsageError("--loop starts a file again: it goes with --video FILE");
  }
  const size = values.text("size");
  if (size !== undefined && video !== "-") {
    throw new UsageError("--size is that of raw frames: it goes with --video -");
  }
  if (video === "-") {
    const [, width, height] = size?.match(/^([1-9]\d{0,4})x([1-9]\d{0,4})$/) ?? [];
    if (size !== undefined && width === undefined) {
      throw new UsageError(`--size is WIDTHxHEIGHT in pixels, not "${size}"`);
    }
    const given = size === undefined
      ? {}
      : { size: { width: Number(width), height: Number(height) } };
    return { kind: "raw", fit, ...given };
  }
  if (video !== undefined) return { kind: "video", path: video, fit, loop, ...rate };
  const device = values.text("camera");
  if (device !== undefined) return { kind: "camera", device, fit, ...rate };
  return { kind: "scene", ...rate };
}

/** `3` is steps, `3s` seconds. */
function intervalOf(text: string): CheckpointInterval {
  const [, number, seconds] = text.match(/^(\d+(?:\.\d+)?)(s?)$/) ?? [];
  const value = Number(number);
  if (!(value > 0) || (seconds === "" && !Number.isInteger(value))) {
    throw new UsageError(
      `--checkpoint-every is steps as in 1000 or seconds as in 30s, not "${text}"`,
    );
  }
  return seconds === "s" ? { seconds: value } : { steps: value };
}

/** How the model is to be pruned. */
function pruningOf(values: Values): PruningWish | undefined {
  const pruning = readPruning(values, ["prune-steps"]);
  if (pruning !== undefined && values.has("no-learn")) {
    throw new UsageError("--prune goes on while the model learns: leave --no-learn out");
  }
  const steps = values.number("prune-steps");
  return pruning === undefined || steps === undefined ? pruning : { ...pruning, steps };
}

/** What the flags ask for, as data. */
async function requestOf(values: Values): Promise<RunRequest> {
  const resume = values.text("resume");
  // How and when units learn is no part of what they are; what weights are stored in can be changed.
  const changeable = ["defer", "format", "skip-below", "surprise"];
  const given = specFlagsGiven(values).filter((name) => !changeable.includes(name));
  if (resume !== undefined && given.length > 0) {
    throw new UsageError(
      `--${given[0]} does not go with --resume: the checkpoint has its own model`,
    );
  }
  const from = values.number("from");
  if (from !== undefined && resume === undefined) {
    throw new UsageError("--from goes with --resume: a new model begins at frame 0");
  }
  if (from !== undefined && (values.has("camera") || values.text("video") === "-")) {
    throw new UsageError("--from is a frame of a file or the scene: a stream goes on where it is");
  }
  const every = values.text("checkpoint-every");
  if (every !== undefined && resume === undefined && !values.has("save")) {
    throw new UsageError("--checkpoint-every needs --save FILE to save to");
  }
  for (const name of ["window", "threads", "prune-steps"]) {
    if (values.number(name) === 0) throw new UsageError(`--${name} is 1 or more, not 0`);
  }
  const optional = Object.entries({
    resume,
    defer: resume === undefined ? undefined : values.text("defer"),
    format: resume === undefined ? undefined : values.text("format"),
    skipBelow: resume === undefined ? undefined : values.text("skip-below"),
    surprise: resume === undefined ? undefined : values.text("surprise"),
    from,
    backend: values.text("backend"),
    threads: values.number("threads"),
    isolate: values.has("isolate") || undefined,
    steps: values.number("steps"),
    seconds: values.number("seconds"),
    window: values.number("window"),
    pruning: pruningOf(values),
    save: values.text("save"),
    checkpointEvery: every === undefined ? undefined : intervalOf(every),
  }).filter(([, value]) => value !== undefined);
  return {
    ...(resume === undefined ? { spec: await readSpec(values) } : {}),
    source: sourceOf(values),
    learn: !values.has("no-learn"),
    ...Object.fromEntries(optional),
  };
}

/** What a person sees of a run. */
export interface ViewOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * Runs a request until it ends or a signal comes.
 *
 * @param request what is to run
 * @param options what is printed
 * @returns the exit code
 */
export async function execute(request: RunRequest, { json, quiet }: ViewOptions): Promise<number> {
  const complain = (text: string) => write(`${text}\n`, Deno.stderr);
  const terminal = Deno.stdout.isTerminal() && !json && !quiet;
  const live = terminal ? new LiveView(colourOf(environment()), complain) : undefined;
  let interrupted: number | undefined;
  let last: Report | undefined;
  const print = (text: string) => {
    try {
      write(`${text}\n`);
    } catch (error) {
      // Whoever read the records has gone: nobody is left to run for.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      run.stop();
    }
  };
  const listener: Listener = live ?? {
    report(report) {
      if (json) print(JSON.stringify(report));
      else if (!quiet && report.kind === "window") print(line(report));
    },
    warning: complain,
  };
  const run = new HostedRun(request, {
    report(report) {
      if (report.kind === "summary") last = report;
      listener.report(report);
    },
    picture: (picture) => live?.picture(picture),
    warning: complain,
    note: (sentence) => quiet || complain(sentence),
    lost(record) {
      if (json) print(JSON.stringify(record));
    },
  });
  const stop = (code: number) => () => {
    // Once more means at once.
    if (interrupted !== undefined) {
      live?.end();
      Deno.exit(code);
    }
    interrupted = code;
    if (code === EXIT.hungUp) hangUp();
    run.stop();
  };
  const signals = [
    ["SIGINT", stop(EXIT.interrupted)],
    ["SIGTERM", stop(EXIT.terminated)],
    ["SIGHUP", stop(EXIT.hungUp)],
  ] as const;
  // Windows knows only the first.
  const heard = signals.filter(([name]) => name === "SIGINT" || Deno.build.os !== "windows");
  for (const [name, act] of heard) Deno.addSignalListener(name, act);
  live?.start(run);
  const failure = await run.ended;
  live?.end();
  for (const [name, act] of heard) Deno.removeSignalListener(name, act);
  if (last !== undefined && !json && !quiet) {
    print(`\n${summary(last)}`);
    const saved = request.save ?? request.resume;
    const failed = failure?.name === CheckpointError.name;
    if (saved !== undefined && !failed) print(`saved to ${saved}`);
  }
  if (failure === null) return interrupted ?? EXIT.ok;
  complain(sentence(failure));
  return exitCode(failure);
}

/** The variables that say how a terminal shows colour; without permission to read them, none. */
function environment(): Record<string, string | undefined> {
  try {
    return Object.fromEntries(["NO_COLOR", "TERM", "COLORTERM"].map((n) => [n, Deno.env.get(n)]));
  } catch {
    return {};
  }
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const options = { json: values.has("json"), quiet: values.has("quiet") };
  return await execute(await requestOf(values), options);
}
