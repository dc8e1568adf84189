/**
 * The thread of a run: source, steps and reports. The main thread keeps the terminal and the signals.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { parseSpec } from "../model/parse_spec.ts";
import { frameSide } from "../model/spec.ts";
import { openSource } from "../sources/open.ts";
import { claimCheckpoint, loadCheckpoint } from "./checkpoint_store.ts";
import { failureOf } from "./failure.ts";
import type { FromWorker, RunRequest, ToWorker } from "./host.ts";
import { run } from "./runtime.ts";

const stop = new AbortController();
let wanted = false;
let opening = false;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "stop") stop.abort();
  else if (data.type === "look") wanted = true;
  else {
    start(data.request).then(() => post({ type: "end" }), (error) => {
      // Whoever stops a run while its source is being opened knows why there is none.
      if (opening && stop.signal.aborted) return post({ type: "end" });
      post({ type: "failure", failure: failureOf(error) });
    });
  }
};

function post(message: FromWorker): void {
  self.postMessage(message);
}

async function start(request: RunRequest): Promise<void> {
  const { resume: from, save: to, source: wish, defer, ...options } = request;
  const resume = from === undefined ? undefined : await loadCheckpoint(from);
  const spec = resume === undefined ? request.spec! : parseSpec({
    ...resume.spec,
    ...(defer === undefined ? {} : { defer, defer_window: 0 }),
  });
  const save = to ?? from;
  await using _claim = save === undefined ? undefined : await claimCheckpoint(save);
  const side = frameSide(spec);
  opening = true;
  await using source = await openSource(wish, { width: side, height: side }, stop.signal);
  opening = false;
  const reports = run({
    ...options,
    spec,
    source,
    ...(resume === undefined ? {} : { resume }),
    ...(save === undefined ? {} : { save }),
    stop: stop.signal,
    warn: (sentence) => post({ type: "warning", sentence }),
    view: {
      wanted: () => wanted,
      show(picture) {
        wanted = false;
        post({ type: "picture", picture });
      },
    },
  });
  for await (const report of reports) post({ type: "report", report });
}
