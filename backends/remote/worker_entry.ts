/**
 * The thread of a backend.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { findBackend } from "../registry.ts";
import type { Reply } from "./protocol.ts";
import { serve } from "./serve.ts";
import { sendable } from "./failures.ts";
import { answerInto, type Broken, type ToWorker, type WorkerStart } from "./worker.ts";

/** What breaks the thread ends it: told, it prints no stack trace. */
function broke(event: ErrorEvent | PromiseRejectionEvent): void {
  event.preventDefault();
  const error: unknown = event instanceof ErrorEvent ? event.error : event.reason;
  const broken = error instanceof Error ? error.message : String(error);
  self.postMessage({ broken } satisfies Broken);
}

self.addEventListener("error", broke);
self.addEventListener("unhandledrejection", broke);

/** Who waits for an answer, by the number of the question. */
const awaited = new Map<number, SharedArrayBuffer>();

function send(reply: Reply): void {
  const shared = "id" in reply ? awaited.get(reply.id) : undefined;
  if (shared === undefined) return self.postMessage(reply);
  awaited.delete((reply as { id: number }).id);
  answerInto(shared, reply);
}

/** What came before the backend was found. */
const early: unknown[] = [];
let hear: (message: unknown) => void = (message) => early.push(message);

function receive({ data: { message, answer } }: MessageEvent<ToWorker>): void {
  if (answer !== undefined) awaited.set((message as { id: number }).id, answer);
  hear(message);
}

self.onmessage = ({ data: { specifier, options } }: MessageEvent<WorkerStart>) => {
  self.onmessage = receive;
  const listen = (listener: (message: unknown) => void) => {
    hear = listener;
    early.splice(0).forEach(listener);
  };
  findBackend(specifier, options).then((backend) =>
    // The thread that made it ends it.
    serve(backend, {
      closed: new Promise(() => {}),
      send: (reply) => send(reply as Reply),
      listen,
    }), (error) =>
    // There is nobody to answer: every question gets the reason.
    listen((message) => send({ id: (message as { id: number }).id, error: sendable(error) })));
};
