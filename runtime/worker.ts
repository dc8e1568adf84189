/**
 * The thread of a run: source, steps and reports. The main thread keeps the terminal and the signals.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { frameSide } from "../model/spec.ts";
import { openSource } from "../sources/open.ts";
import type { Size } from "../sources/source.ts";
import { claimCheckpoint, loadCheckpoint } from "./checkpoint_store.ts";
import { failureOf } from "./failure.ts";
import { DirectFeed, type Feed } from "./feed.ts";
import { ThreadFeed } from "./feeder.ts";
import type { FromWorker, RunRequest, ToWorker } from "./host.ts";
import { restore } from "./restore.ts";
import { runFeed } from "./runtime.ts";

const stop = new AbortController();
let wanted = false;
let opening = false;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "stop") stop.abort();
  else if (data.type === "look") wanted = true;
  else {
    start(data.request, data.feeder).then(() => post({ type: "end" }), (error) => {
      // Whoever stops a run while its source is being opened knows why there is none.
      if (opening && stop.signal.aborted) return post({ type: "end" });
      post({ type: "failure", failure: failureOf(error) });
    });
  }
};

function post(message: FromWorker): void {
  self.postMessage(message);
}

async function start(request: RunRequest, feeder: MessagePort | undefined): Promise<void> {
  const { resume: file, save: to, source: _, ...rest } = request;
  const { defer, format, skipBelow, surprise, from, ...options } = rest;
  const { spec, resume } = file === undefined
    ? { spec: request.spec!, resume: undefined }
    : restore(await loadCheckpoint(file), { defer, format, skipBelow, surprise, from });
  const save = to ?? file;
  await using _claim = save === undefined ? undefined : await claimCheckpoint(save);
  const side = frameSide(spec);
  await using stack = new AsyncDisposableStack();
  opening = true;
  const feed = await openFeed(request, { width: side, height: side }, feeder, stack);
  opening = false;
  const reports = runFeed({
    ...options,
    spec,
    ...(resume === undefined ? {} : { resume }),
    ...(save === undefined ? {} : { save }),
    stop: stop.signal,
    warn: (sentence) => post({ type: "warning", sentence }),
    note: (sentence) => post({ type: "note", sentence }),
    lost: (record) => post({ type: "lost", record }),
    view: {
      wanted: () => wanted,
      show(picture) {
        wanted = false;
        post({ type: "picture", picture });
      },
    },
  }, feed);
  for await (const report of reports) post({ type: "report", report });
}

/** Frames from the thread that reads ahead, where there is one. */
async function openFeed(
  { source: wish }: RunRequest,
  size: Size,
  feeder: MessagePort | undefined,
  stack: AsyncDisposableStack,
): Promise<Feed> {
  if (feeder !== undefined) {
    return stack.use(await ThreadFeed.open(feeder, wish, size, stop.signal));
  }
  return new DirectFeed(stack.use(await openSource(wish, size, stop.signal)));
}
