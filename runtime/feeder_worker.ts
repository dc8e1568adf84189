/**
 * The thread of a feed: opens a source and keeps a few frames ready, each with what is known of it before it is learned.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { openSource, type SourceRequest } from "../sources/open.ts";
import type { Size, Source } from "../sources/source.ts";
import { failureOf } from "./failure.ts";
import { type FeedStart, Preparation } from "./feed.ts";
import { RingWriter } from "./feed_ring.ts";
import type { FromFeeder, ToFeeder } from "./feeder.ts";

self.onmessage = ({ data: port }: MessageEvent<MessagePort>) => {
  const thread = new FeederThread((message) => port.postMessage(message));
  port.onmessage = ({ data }: MessageEvent<ToFeeder>) => thread.hear(data);
};

/** What there is to do, one thing after the other; closing ends each. */
class FeederThread {
  readonly #post: (message: FromFeeder) => void;
  readonly #stop = new AbortController();
  #source: Source | undefined;
  #work = Promise.resolve();

  constructor(post: (message: FromFeeder) => void) {
    this.#post = post;
  }

  hear(message: ToFeeder): void {
    if (message.type === "open") this.#do(() => this.#open(message.request, message.size));
    else if (message.type === "start") this.#do(() => this.#run(message.from, message.memory));
    else this.#close();
  }

  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error) =>
      this.#post({ type: "failure", failure: failureOf(error) })
    );
  }

  async #open(request: SourceRequest, size: Size): Promise<void> {
    this.#source = await openSource(request, size, this.#stop.signal);
    this.#post({ type: "opened", name: this.#source.name });
  }

  async #run(from: FeedStart, memory: SharedArrayBuffer): Promise<void> {
    const { size: { width, height }, radius, skip } = from;
    const length = width * height * 3;
    const ring = new RingWriter(memory, length, radius > 0 ? length : 0);
    const source = this.#source!;
    try {
      const preparation = await Preparation.create(from);
      if (skip > 0) await source.skip(skip);
      for (let slot = ring.free(); slot !== null; slot = ring.free()) {
        const next = source.next(slot.frame);
        if (!(typeof next === "boolean" ? next : await next)) break;
        preparation.take(slot.frame);
        if (preparation.candidate !== undefined) slot.candidate.set(preparation.candidate);
        slot.scores[0] = preparation.scores.copy;
        slot.scores[1] = preparation.scores.motion;
        ring.publish();
      }
      this.#post({ type: "ended", truncated: source.truncated });
    } finally {
      ring.end();
    }
  }

  /** A wait for a frame ends with its source, a wait for a free slot with the ring, which the reader closes. */
  async #close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#source?.[Symbol.asyncDispose]();
    await this.#work;
    await this.#source?.[Symbol.asyncDispose]();
    this.#post({ type: "closed" });
  }
}
