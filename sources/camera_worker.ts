/**
 * The thread that reads a camera. It reads as fast as frames come, whatever the model does, and leaves the newest in
 * the mailbox.
 *
 * @module
 */
import { Ffmpeg, reasonIn } from "./ffmpeg.ts";
import { MailboxWriter } from "./mailbox.ts";

/** What the thread is told first. Any other message tells it to stop. */
export interface CameraTask {
  /** The memory of the mailbox. */
  readonly memory: SharedArrayBuffer;
  /** Command lines to try, the best first. */
  readonly variants: readonly (readonly string[])[];
  /** Where a log says that the next one may do better: the source of a regular expression. */
  readonly retry: string;
  /** The program, `ffmpeg` by default. */
  readonly ffmpeg?: string;
}

declare const self: {
  onmessage: ((event: MessageEvent<CameraTask | "close">) => void) | null;
  postMessage(message: "closed"): void;
};

let stop = (): Promise<void> => Promise.resolve();

self.onmessage = async ({ data }) => {
  if (data !== "close") {
    stop = read(data);
    return;
  }
  await stop();
  self.postMessage("closed");
};

/** Starts to read; returns what ends it. */
function read({ memory, variants, retry, ffmpeg }: CameraTask): () => Promise<void> {
  const mailbox = new MailboxWriter(memory);
  let process: Ffmpeg | null = null;
  let closing = false;

  const run = async () => {
    const started = await Ffmpeg.start(variants, new RegExp(retry), {
      command: ffmpeg,
      started: (each) => {
        process = each;
        if (closing) void each[Symbol.asyncDispose]();
      },
    });
    if (!(started instanceof Ffmpeg)) return `no picture: ${reasonIn(started.log)}`;
    let frames = 0;
    while (await started.output.fill(mailbox.next) === mailbox.next.length) {
      mailbox.publish();
      frames++;
    }
    return `it stopped after ${frames} frames: ${reasonIn((await started.end()).log)}`;
  };

  const ended = run().catch((error) => error.message).then((reason) => mailbox.end(reason));
  return async () => {
    closing = true;
    await process?.[Symbol.asyncDispose]();
    await ended;
  };
}
