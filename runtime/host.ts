/**
 * Runs a model in a thread of its own, from a description that can be sent there.
 *
 * @module
 */
import type { Spec } from "../model/spec.ts";
import type { SourceRequest } from "../sources/open.ts";
import type { Failure } from "./failure.ts";
import type { Picture } from "./picture.ts";
import type { CheckpointInterval } from "./recorder.ts";
import type { Report } from "./report.ts";

/** A run as plain data. */
export interface RunRequest {
  /** The model; left out when a checkpoint is resumed, which has its own. */
  readonly spec?: Spec;
  /** A checkpoint to go on from. */
  readonly resume?: string;
  /** How the resumed model defers from here on; as before unless stated. */
  readonly defer?: Spec["defer"];
  /** Where frames come from. */
  readonly source: SourceRequest;
  /** See `RunOptions`. */
  readonly backend?: string;
  readonly threads?: number;
  readonly steps?: number;
  readonly seconds?: number;
  readonly learn?: boolean;
  readonly window?: number;
  /** Where the state is saved; the resumed checkpoint unless stated. */
  readonly save?: string;
  readonly checkpointEvery?: CheckpointInterval;
}

/** What the thread is told. */
export type ToWorker =
  | { readonly type: "run"; readonly request: RunRequest }
  | { readonly type: "stop" }
  | { readonly type: "look" };

/** What it tells. */
export type FromWorker =
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "picture"; readonly picture: Picture }
  | { readonly type: "warning"; readonly sentence: string }
  | { readonly type: "failure"; readonly failure: Failure }
  | { readonly type: "end" };

/** What is done with what the thread tells. */
export interface Listener {
  report(report: Report): void;
  picture?(picture: Picture): void;
  warning(sentence: string): void;
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

/** A run in its thread. */
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
    const worker = new Worker(url, { type: "module" });
    this.#worker = worker;
    this.ended = new Promise((resolve) => {
      const end = (failure: Failure | null) => {
        worker.terminate();
        resolve(failure);
      };
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.type === "report") listener.report(data.report);
        else if (data.type === "picture") listener.picture?.(data.picture);
        else if (data.type === "warning") listener.warning(data.sentence);
        else if (data.type === "failure") end(data.failure);
        else end(null);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        end({ name: "Error", message: event.message });
      };
    });
    this.#send({ type: "run", request });
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
