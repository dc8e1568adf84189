/**
 * A backend in a worker: its steps do not block the thread that asks for them.
 *
 * @module
 */
import type { BackendOptions } from "../registry.ts";
import type { Channel } from "./channel.ts";
import { revived, type SentError } from "./failures.ts";

/** Bytes for the answer to a question that is waited for. */
const ROOM = 2 ** 16;
/** How long such an answer may take. */
const PATIENCE_MS = 60_000;

/** What a worker is told when it starts. */
export interface WorkerStart {
  readonly specifier: string;
  readonly options: BackendOptions;
}

/** A message to the worker; with `answer`, somebody waits for what is written there. */
export interface ToWorker {
  readonly message: unknown;
  /** Its length, then JSON. */
  readonly answer?: SharedArrayBuffer;
}

/** The last that a worker says: an error that nobody caught. */
export interface Broken {
  readonly broken: string;
}

/** Writes the answer that another thread waits for. */
export function answerInto(shared: SharedArrayBuffer, answer: unknown): void {
  const bytes = new TextEncoder().encode(JSON.stringify(answer)).subarray(0, ROOM - 4);
  new Uint8Array(shared, 4).set(bytes);
  const length = new Int32Array(shared, 0, 1);
  Atomics.store(length, 0, bytes.length);
  Atomics.notify(length, 0);
}

/**
 * Starts a worker that serves a backend.
 *
 * @param start which backend
 * @returns a channel to it; it closes when the worker breaks
 */
export function workerChannel(start: WorkerStart): Channel {
  return new WorkerChannel(start);
}

class WorkerChannel implements Channel {
  readonly closed: Promise<string>;
  readonly #worker: Worker;
  readonly #end: (why: string) => void;
  #hear: (message: unknown) => void = () => {};
  #open = true;

  constructor(start: WorkerStart) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    this.#end = (why) => {
      this.#open = false;
      resolve(why);
    };
    this.#worker = new Worker(new URL("./worker_entry.ts", import.meta.url), { type: "module" });
    const broke = (why: string) => {
      this.#worker.terminate();
      this.#end(`The worker of backend "${start.specifier}" broke: ${why}`);
    };
    this.#worker.onmessage = ({ data }: MessageEvent<Broken | object>) => {
      if ("broken" in data) broke(data.broken);
      else this.#hear(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      broke(event.message);
    };
    this.#worker.postMessage(start);
  }

  send(message: unknown): void {
    if (this.#open) this.#worker.postMessage({ message } satisfies ToWorker);
  }

  listen(hear: (message: unknown) => void): void {
    this.#hear = hear;
  }

  ask(message: unknown): unknown {
    const answer = new SharedArrayBuffer(ROOM);
    this.#worker.postMessage({ message, answer } satisfies ToWorker);
    const length = new Int32Array(answer, 0, 1);
    if (Atomics.wait(length, 0, 0, PATIENCE_MS) === "timed-out") {
      throw new Error(`The worker of the backend has not answered for ${PATIENCE_MS / 1000} s`);
    }
    const bytes = new Uint8Array(answer, 4, Atomics.load(length, 0)).slice();
    const given = JSON.parse(new TextDecoder().decode(bytes)) as { value: unknown } | {
      error: SentError;
    };
    if ("error" in given) throw revived(given.error);
    return given.value;
  }

  close(): Promise<void> {
    this.#worker.terminate();
    this.#end("The device was closed");
    return Promise.resolve();
  }
}
