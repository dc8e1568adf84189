/**
 * Frames on their way to a model: each with what is computed from frames alone, before it is learned.
 *
 * @module
 */
import type { Tensor } from "../model/checkpoint.ts";
import type { Size, Source } from "../sources/source.ts";
import { MotionKernel } from "./motion_kernel.ts";
import { FrameScore } from "./score.ts";

/** Where a feed begins: plain data. */
export interface FeedStart {
  /** The size of the frames, in pixels. */
  readonly size: Size;
  /** The radius of block matching, in pixels; 0 is off. */
  readonly radius: number;
  /** Frames of the source that have been learned already. */
  readonly skip: number;
  /** The frame learned last, where there is one: values in [0, 1]. */
  readonly last?: Tensor;
  /** Its motion candidate. */
  readonly candidate?: Float32Array;
}

/** What the loop takes frames from. What it does not take was never seen: it is there again for the run that goes on. */
export interface Feed extends Pick<Source, "name" | "live" | "dropped" | "truncated"> {
  /**
   * Goes to the first frame; comes before `next`.
   *
   * @param from where it begins
   * @throws {SourceError} when the source breaks on the way
   */
  start(from: FeedStart): Promise<void>;
  /**
   * Takes the next frame.
   *
   * @returns whether there was one; false is the end
   * @throws {SourceError} when the source breaks: after the frames before
   */
  next(): boolean | Promise<boolean>;
  /** The frame last taken: bytes, overwritten by the next. */
  readonly frame: Uint8Array;
  /** Its motion candidate, where there is block matching; overwritten by the next. */
  readonly external: Float32Array | undefined;
  /** MSE of copying the frame before, and of moving it on; NaN where there is none. */
  readonly scores: { readonly copy: number; readonly motion: number };
}

/** Computes what is known of a frame before it is learned. */
export class Preparation {
  /** The scores of the frame last taken. */
  readonly scores: FrameScore;
  readonly #kernel: MotionKernel | undefined;

  private constructor(scores: FrameScore, kernel: MotionKernel | undefined) {
    this.scores = scores;
    this.#kernel = kernel;
  }

  /** @param from where the frames begin */
  static async create({ size, radius, last, candidate }: FeedStart): Promise<Preparation> {
    const kernel = radius > 0 ? await MotionKernel.create(size, radius, last) : undefined;
    const scores = new FrameScore(size.width * size.height * 3, last);
    if (candidate !== undefined) scores.expect(candidate);
    return new Preparation(scores, kernel);
  }

  /** The motion candidate of the frame last taken. */
  get candidate(): Float32Array | undefined {
    return this.#kernel?.candidate;
  }

  /** Takes the next frame. */
  take(frame: Uint8Array): void {
    this.scores.score(frame);
    if (this.#kernel === undefined) return;
    this.#kernel.next(frame);
    this.scores.expect(this.#kernel.candidate);
  }
}

/**
 * A feed that asks its source when a frame is wanted: whoever made the source may look at it between frames, and a live one has
 * fresh frames only.
 */
export class DirectFeed implements Feed {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly #source: Source;
  #preparation: Preparation | undefined;

  /** @param source where the frames come from; it is not closed */
  constructor(source: Source) {
    this.#source = source;
    this.frame = new Uint8Array(source.size.width * source.size.height * 3);
  }

  get name(): string {
    return this.#source.name;
  }

  get live(): boolean {
    return this.#source.live;
  }

  get dropped(): number {
    return this.#source.dropped;
  }

  get truncated(): string | null {
    return this.#source.truncated;
  }

  get external(): Float32Array | undefined {
    return this.#preparation?.candidate;
  }

  get scores(): FrameScore {
    return this.#preparation!.scores;
  }

  async start(from: FeedStart): Promise<void> {
    this.#preparation = await Preparation.create(from);
    if (from.skip > 0 && !this.live) await this.#source.skip(from.skip);
  }

  next(): boolean | Promise<boolean> {
    const next = this.#source.next(this.frame);
    return typeof next === "boolean" ? this.#prepare(next) : next.then(this.#prepare);
  }

  readonly #prepare = (there: boolean): boolean => {
    if (there) this.#preparation!.take(this.frame);
    return there;
  };
}
