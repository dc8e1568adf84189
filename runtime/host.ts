/**
 * Runs a model in a thread of its own, from a description that can be sent there.
 *
 * @module
 */
import type { Spec } from "../model/spec.ts";
import type { WeightFormat } from "../model/weight_format.ts";
import type { SourceRequest } from "../sources/open.ts";
import type { Failure } from "./failure.ts";
import { feedsAhead } from "./feeder.ts";
import type { PruningWish } from "./gradual_pruning.ts";
import type { Picture } from "./picture.ts";
import type { CheckpointInterval } from "./recorder.ts";
import type { Report } from "./report.ts";
import type { Lost } from "./running.ts";

/** A run as plain data. */
export interface RunRequest {
  /** The model; left out when a checkpoint is resumed, which has its own. */
  readonly spec?: Spec;
  /** A checkpoint to go on from. */
  readonly resume?: string;
  /** How the resumed model defers from here on; as before unless stated. */
  readonly defer?: Spec["defer"];
  /** What its weights are stored in from here on; as before unless stated. */
  readonly format?: WeightFormat;
  /** Below which errors its units do not learn from here on; as before unless stated. */
  readonly skipBelow?: Spec["skip_below"];
  /** Below which share of their mean error they do not; as before unless stated. */
  readonly surprise?: Spec["surprise"];
  /** The frame of the source that the resumed model goes on at; where it was unless stated. */
  readonly from?: number;
  /** Where frames come from. */
  readonly source: SourceRequest;
  /** See `RunOptions`. */
  readonly backend?: string;
  readonly threads?: number;
  readonly isolate?: boolean;
  readonly steps?: number;
  readonly seconds?: number;
  readonly learn?: boolean;
  readonly pruning?: PruningWish;
  readonly window?: number;
  /** Where the state is saved; the resumed checkpoint unless stated. */
  readonly save?: string;
  readonly checkpointEvery?: CheckpointInterval;
}

/** What the thread is told. */
export type ToWorker =
  | {
    readonly type: "run";
    readonly request: RunRequest;
    /** Where the thread listens that reads the source ahead. */
    readonly feeder?: MessagePort;
  }
  | { readonly type: "stop" }
  | { readonly type: "look" };

/** What it tells. */
export type FromWorker =
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "picture"; readonly picture: Picture }
  | { readonly type: "warning"; readonly sentence: string }
  | { readonly type: "note"; readonly sentence: string }
  | { readonly type: "lost"; readonly record: Lost }
  | { readonly type: "failure"; readonly failure: Failure }
  | { readonly type: "end" };

/** What is done with what the thread tells. */
export interface Listener {
  report(report: Report): void;
  picture?(picture: Picture): void;
  warning(sentence: string): void;
  /** Told which backend was chosen. */
  note?(sentence: string): void;
  lost?(record: Lost): void;
}

/** Without permission to read it a worker fails with a stack trace that nobody can catch. */
function mayRead(url: URL): void {
  if (url.protocol !== "file:") return;
  const { state } = Deno.permissions.querySync({ name: "read", path: url });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    "Saccade may not read its own files, which a run needs (deno run --allow-read)",
  );
}

/** Starts the thread that reads a source ahead; the port is for the loop. */
function startFeeder(): { worker: Worker; port: MessagePort } {
  const worker = new Worker(new URL("./feeder_worker.ts", import.meta.url), { type: "module" });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port1, [port1]);
  return { worker, port: port2 };
}

/** A run in its thread, and its source in another where it may be read ahead. */
export class HostedRun {
  /** Null when the run ended by itself or was stopped, else what went wrong. */
  readonly ended: Promise<Failure | null>;
  readonly #worker: Worker;

  /**
   * Starts a run.
   *
   * @param request what is to run
   * @param listener hears of it
   * @throws {Deno.errors.NotCapable} when the program may not read itself
   */
  constructor(request: RunRequest, listener: Listener) {
    const url = new URL("./worker.ts", import.meta.url);
    mayRead(url);
    // Both here and at once: a thread that is created by another one takes Deno a second to start.
    const worker = new Worker(url, { type: "module" });
    const feeder = feedsAhead(request.source) ? startFeeder() : undefined;
    this.#worker = worker;
    this.ended = new Promise((resolve) => {
      const end = (failure: Failure | null) => {
        // The loop's thread is left to itself: it has closed its device and has nothing to do. To end it would unload the driver of
        // a GPU, and a program that exits meanwhile calls what is no longer there (seen with Mesa: one crash in thirty exits).
        feeder?.worker.terminate();
        resolve(failure);
      };
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.type === "report") listener.report(data.report);
        else if (data.type === "picture") listener.picture?.(data.picture);
        else if (data.type === "warning") listener.warning(data.sentence);
        else if (data.type === "note") listener.note?.(data.sentence);
        else if (data.type === "lost") listener.lost?.(data.record);
        else if (data.type === "failure") end(data.failure);
        else end(null);
      };
      for (const thread of [worker, ...(feeder === undefined ? [] : [feeder.worker])]) {
        thread.onerror = (event) => {
          event.preventDefault();
          end({ name: "Error", message: event.message });
        };
      }
    });
    if (feeder === undefined) this.#send({ type: "run", request });
    else worker.postMessage({ type: "run", request, feeder: feeder.port }, [feeder.port]);
  }

  /** Ends the run after the step at hand; it saves and sums up. */
  stop(): void {
    this.#send({ type: "stop" });
  }

  /** Asks for one picture of the next step. */
  look(): void {
    this.#send({ type: "look" });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
