/**
 * A feed from a thread of its own: while a frame is learned, the next one is decoded, scaled and matched with the one before.
 *
 * @module
 */
import type { SourceRequest } from "../sources/open.ts";
import { type Size, SourceError } from "../sources/source.ts";
import type { Failure } from "./failure.ts";
import type { Feed, FeedStart } from "./feed.ts";
import { createRing, RingReader } from "./feed_ring.ts";

/** What the thread is told. */
export type ToFeeder =
  | { readonly type: "open"; readonly request: SourceRequest; readonly size: Size }
  | { readonly type: "start"; readonly from: FeedStart; readonly memory: SharedArrayBuffer }
  | { readonly type: "close" };

/** What it answers: to each of these once, and when the frames have ended. */
export type FromFeeder =
  | { readonly type: "opened"; readonly name: string }
  | { readonly type: "ended"; readonly truncated: string | null }
  | { readonly type: "failure"; readonly failure: Failure }
  | { readonly type: "closed" };

/**
 * Whether a source may be read ahead in another thread. A camera may not: its frames would be older than they need be. No more a
 * pipe, what is taken from it and not learned would be lost to the run that goes on; nor a file that keeps time, which has time.
 *
 * @param request where the frames are to come from
 */
export function feedsAhead(request: SourceRequest): boolean {
  if (typeof SharedArrayBuffer !== "function" || navigator.hardwareConcurrency < 2) return false;
  return request.kind === "scene" || (request.kind === "video" && request.fps === undefined);
}

/** The loop's end of the thread. Closing it ends the source. */
export class ThreadFeed implements Feed, AsyncDisposable {
  readonly live = false;
  readonly dropped = 0;
  truncated: string | null = null;
  name = "";
  readonly frame: Uint8Array<ArrayBuffer>;
  external: Float32Array | undefined;
  readonly scores = { copy: NaN, motion: NaN };
  readonly #port: MessagePort;
  #ring: RingReader | undefined;
  /** Whether the thread has said how the frames ended. */
  #over = false;
  #answer = Promise.withResolvers<FromFeeder>();
  readonly #closed = Promise.withResolvers<void>();

  private constructor(port: MessagePort, size: Size) {
    this.#port = port;
    this.frame = new Uint8Array(size.width * size.height * 3);
    port.onmessage = ({ data }: MessageEvent<FromFeeder>) => {
      if (data.type === "closed") this.#closed.resolve();
      else this.#answer.resolve(data);
    };
  }

  /**
   * Has the thread open a source.
   *
   * @param port where the thread listens (`feeder_worker.ts`)
   * @param request where the frames come from
   * @param size the size of the frames, in pixels
   * @param signal ends a wait for a source that does not begin
   * @throws {SourceError} when it cannot be had, with the reason
   */
  static async open(
    port: MessagePort,
    request: SourceRequest,
    size: Size,
    signal: AbortSignal,
  ): Promise<ThreadFeed> {
    const feed = new ThreadFeed(port, size);
    const close = () => feed.#send({ type: "close" });
    signal.addEventListener("abort", close);
    feed.#send({ type: "open", request, size });
    if (signal.aborted) close();
    const answer = await feed.#answered();
    signal.removeEventListener("abort", close);
    if (answer.type === "opened") feed.name = answer.name;
    return feed;
  }

  start(from: FeedStart): Promise<void> {
    const candidate = from.radius > 0 ? this.frame.length : 0;
    if (candidate > 0) this.external = new Float32Array(candidate);
    const memory = createRing(this.frame.length, candidate);
    this.#ring = new RingReader(memory, this.frame.length, candidate);
    this.#send({ type: "start", from, memory });
    return Promise.resolve();
  }

  next(): boolean | Promise<boolean> {
    return this.#ring!.soon() ? this.#take() : this.#wait();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ring?.close();
    this.#send({ type: "close" });
    await this.#closed.promise;
    this.#port.close();
  }

  #take(): true {
    const ring = this.#ring!;
    const { frame, candidate, scores } = ring.slot;
    this.frame.set(frame);
    this.external?.set(candidate);
    this.scores.copy = scores[0]!;
    this.scores.motion = scores[1]!;
    ring.release();
    return true;
  }

  async #wait(): Promise<boolean> {
    const ring = this.#ring!;
    while (!ring.ready && !ring.ended) await ring.change();
    if (ring.ready) return this.#take();
    if (!this.#over) {
      this.#over = true;
      const answer = await this.#answered();
      if (answer.type === "ended") this.truncated = answer.truncated;
    }
    return false;
  }

  /** The next answer. A failure is thrown as what it was, as far as that can be told. */
  async #answered(): Promise<FromFeeder> {
    const answer = await this.#answer.promise;
    this.#answer = Promise.withResolvers();
    if (answer.type !== "failure") return answer;
    const { name, message } = answer.failure;
    throw name === "SourceError"
      ? new SourceError(message)
      : Object.assign(new Error(message), { name });
  }

  #send(message: ToFeeder): void {
    this.#port.postMessage(message);
  }
}
