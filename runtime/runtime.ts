/**
 * The loop: frames to steps to reports, with checkpoints on the way.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { StepInput, StepOptions } from "../backends/backend.ts";
import { BackendError } from "../backends/errors.ts";
import { densityOf } from "../compress/prune.ts";
import { encodeCheckpoint, planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { frameLength } from "../model/plan.ts";
import type { PruningSchedule } from "../model/pruning_schedule.ts";
import type { Spec } from "../model/spec.ts";
import type { Meter } from "../meters/meter.ts";
import { openMeter } from "../meters/open.ts";
import { type Source, SourceError } from "../sources/source.ts";
import { saveCheckpoint } from "./checkpoint_store.ts";
import { DirectFeed, type Feed, type FeedStart } from "./feed.ts";
import { GradualPruning, type PruningWish, startPruning } from "./gradual_pruning.ts";
import { framePositions, Photographer, type Picture } from "./picture.ts";
import { type CheckpointInterval, Recorder } from "./recorder.ts";
import type { Report } from "./report.ts";
import { isLoss, type Lost, Running } from "./running.ts";

/** What a run is told. */
export interface RunOptions {
  /** The model. */
  readonly spec: Spec;
  /** Where frames come from; of the model's size. The run asks for a frame when it wants one, and does not close it. */
  readonly source: Source;
  /**
   * A backend, perhaps with a device: `wasm`, `reference:f64`, `./my_backend.ts`, `npm:my-backend#0`; `auto` is the first that takes
   * the model. Default `wasm`.
   */
  readonly backend?: string;
  /** Threads; as many as there are cores unless stated. */
  readonly threads?: number;
  /** Whether the backend runs in a process of its own, so that the run survives its crash. Default false. */
  readonly isolate?: boolean;
  /** A state to go on from; its specification must be `spec`. */
  readonly resume?: StoredCheckpoint;
  /** Steps to make; without end, or until the source ends, unless stated. */
  readonly steps?: number;
  /** Seconds to run; as `steps`. */
  readonly seconds?: number;
  /** False only predicts. Default true. */
  readonly learn?: boolean;
  /** How the model is pruned while it learns; as the resumed checkpoint says unless stated. */
  readonly pruning?: PruningWish;
  /** Steps in a record. Default 100. */
  readonly window?: number;
  /** Where the state is saved at the end, and on the way as `checkpointEvery` says. */
  readonly save?: string;
  /** How often it is saved on the way. */
  readonly checkpointEvery?: CheckpointInterval;
  /** Ends the run after the step at hand. */
  readonly stop?: AbortSignal;
  /** Who knows the joules; the best there is unless stated, null for nobody. */
  readonly meter?: Meter | null;
  /** Told what a person should know and the run survives. */
  readonly warn?: (sentence: string) => void;
  /** Told which backend `auto` has chosen and why. */
  readonly note?: (sentence: string) => void;
  /** Told when the device was lost and the run goes on from the last checkpoint, or from where it began. */
  readonly lost?: (record: Lost) => void;
  /** Asked after each step whether somebody wants to see it, and shown it. */
  readonly view?: { wanted(): boolean; show(picture: Picture): void };
}

/**
 * Runs a model over a source.
 *
 * @param options what is to run
 * @returns a record a window, and at last the summary
 * @throws {BackendError} when no device takes the model
 * @throws {DeviceLostError} when the device is lost again and again
 * @throws {SourceError} when the source breaks or ends before its time: after the summary, with the state saved
 * @throws {CheckpointError} when the state cannot be saved at the end: after the summary
 *
 * @example Learning from the built-in scene
 * ```ts
 * import { builtinSpec, openScene, run } from "@saccade/saccade";
 *
 * const spec = builtinSpec("tiny");
 * await using source = openScene({ size: { width: 20, height: 20 }, frames: 60 });
 * for await (const { kind, step, skill } of run({ spec, source, window: 30 })) {
 *   console.log(kind, step, skill);
 * }
 * ```
 */
export function run(options: RunOptions): AsyncGenerator<Report, void, void> {
  return runFeed(options, new DirectFeed(options.source));
}

/**
 * Runs a model over a feed, as {@linkcode run} does over a source.
 *
 * @param options what is to run
 * @param feed where frames come from; it is not closed
 * @returns as `run`
 * @throws as `run`
 */
export async function* runFeed(
  options: Omit<RunOptions, "source">,
  feed: Feed,
): AsyncGenerator<Report, void, void> {
  const { spec, resume } = options;
  const plan = planOf({ ...resume, spec: { ...spec } });
  const { schedule, note } = startPruning(plan, options);
  if (note !== undefined) options.note?.(note);
  await using running = await Running.open(plan, { ...options, prunes: schedule !== undefined });
  const loop = new Loop(options, feed, running, schedule);
  await loop.prepare();
  yield* loop.run();
}

/** Messages and writes get their turn this often, in milliseconds: a loop of steps that finish at once would keep them out. */
const TURN_MS = 20;

/** The end of a run that is waiting: a source may keep us waiting for ever. */
class Ending implements Disposable {
  readonly #stop: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #over: boolean;
  #resolve = (_: boolean) => {};
  #reject = (_: unknown) => {};

  constructor(stop: AbortSignal | undefined, seconds: number) {
    this.#stop = stop;
    this.#over = stop?.aborted ?? false;
    stop?.addEventListener("abort", this.#end);
    // A timer can wait 24 days at most.
    if (seconds < 2e6) this.#timer = setTimeout(this.#end, 1000 * seconds);
  }

  /**
   * Waits for a source, one time after the other; false when the run ends before. A race against one promise would keep something of
   * every frame, and functions made anew would be garbage of every frame.
   */
  before(next: Promise<boolean>): Promise<boolean> {
    const wait = new Promise(this.#hold);
    next.then(this.#come, this.#break);
    if (this.#over) this.#end();
    return wait;
  }

  readonly #hold = (resolve: (there: boolean) => void, reject: (error: unknown) => void) => {
    this.#resolve = resolve;
    this.#reject = reject;
  };
  readonly #come = (there: boolean) => this.#resolve(there);
  readonly #break = (error: unknown) => this.#reject(error);
  readonly #end = () => {
    this.#over = true;
    this.#resolve(false);
  };

  [Symbol.dispose](): void {
    this.#stop?.removeEventListener("abort", this.#end);
    clearTimeout(this.#timer);
  }
}

/** One run in progress. */
class Loop {
  readonly #options: Omit<RunOptions, "source">;
  readonly #feed: Feed;
  readonly #running: Running;
  readonly #begun: PruningSchedule | undefined;
  #pruning: GradualPruning | undefined;
  readonly #recorder: Recorder;
  readonly #photographer: Photographer;
  /** The same records every time: a step must not make garbage. */
  #input: StepInput | undefined;
  readonly #how: StepOptions;
  #sourceFrames: number;
  /** Steps made of those that are wanted; fewer after a loss. */
  #done = 0;
  /** What went wrong with the source: the run ends, but not before all is reported and saved. */
  #failure: unknown;
  #start = 0;
  #saving: Promise<void> | undefined;

  constructor(
    options: Omit<RunOptions, "source">,
    feed: Feed,
    running: Running,
    schedule: PruningSchedule | undefined,
  ) {
    const { resume, learn = true, window = 100 } = options;
    this.#options = options;
    this.#feed = feed;
    const { plan } = running;
    this.#running = running;
    this.#begun = schedule;
    this.#startPruning(schedule);
    this.#how = { learn };
    const step = resume?.checkpoint.step ?? 0;
    const { session, backend } = running;
    this.#recorder = new Recorder({ plan, session, backend, source: feed, step, window });
    this.#photographer = new Photographer(plan);
    this.#sourceFrames = resume?.sourceFrames ?? 0;
  }

  #startPruning(schedule: PruningSchedule | undefined): void {
    this.#pruning = schedule === undefined
      ? undefined
      : new GradualPruning(schedule, this.#options.resume);
  }

  /** Goes to where the last run ended, and starts the meter. */
  async prepare(): Promise<void> {
    const { meter, stop } = this.#options;
    const feed = this.#feed;
    using ending = new Ending(stop, Infinity);
    await ending.before(feed.start(this.#begin()).then(() => true));
    const { frame, external } = feed;
    this.#input = external === undefined ? { frame } : { frame, external };
    await this.#recorder.start(meter === undefined ? await openMeter() : meter);
  }

  /** Where the frames of this run begin. */
  #begin(): FeedStart {
    const { rule, frame: size } = this.#running.plan;
    const { step = 0, tensors = {} } = this.#options.resume?.checkpoint ?? {};
    const radius = rule.name === "saccade" ? rule.motion : 0;
    const { frame: last, motion } = tensors;
    const start = { size, radius, skip: this.#sourceFrames };
    if (step === 0 || last === undefined) return start;
    if (radius === 0 || motion === undefined) return { ...start, last };
    const candidate = new Float32Array(frameLength(this.#running.plan));
    for (const [i, at] of framePositions(this.#running.plan).entries()) candidate[at] = motion[i]!;
    return { ...start, last, candidate };
  }

  /** All there is to report; a device that is lost on the way is opened again. */
  async *run(): AsyncGenerator<Report, void, void> {
    this.#start = performance.now();
    for (;;) {
      try {
        return yield* this.#attempt();
      } catch (error) {
        if (!isLoss(error)) throw error;
        await this.#goOn(error as Error);
      }
    }
  }

  /** Steps and their records, the summary, and at last what went wrong: nothing learned is lost to a source that breaks. */
  async *#attempt(): AsyncGenerator<Report, void, void> {
    if (this.#failure === undefined) {
      try {
        yield* this.#steps();
        const { truncated } = this.#feed;
        if (truncated !== null) this.#failure = new SourceError(truncated);
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        this.#failure = error;
      }
    }
    if (this.#recorder.hasSteps) yield await this.#recorder.window();
    const summary = await this.#recorder.summary();
    try {
      await this.#saveAtEnd();
    } catch (error) {
      if (isLoss(error)) throw error;
      if (this.#failure instanceof Error) this.#options.warn?.(this.#failure.message);
      this.#failure = error;
    }
    yield summary;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Opens the device again. The source goes on where it is: what was learned since the last checkpoint is lost, no more. */
  async #goOn(loss: Error): Promise<void> {
    await this.#saving;
    const { step, reported } = this.#recorder;
    const record = await this.#running.reopen(loss, reported, step);
    this.#recorder.goOn(this.#running, record.step);
    // The state that was gone back to is pruned no further than it was.
    const { from } = this.#running;
    this.#startPruning(from === this.#options.resume ? this.#begun : from?.pruning);
    this.#done = record.step - (this.#options.resume?.checkpoint.step ?? 0);
    const { lost, warn } = this.#options;
    lost?.(record);
    warn?.(
      `${record.message}; the run goes on from step ${record.step}, ${record.lostSteps} steps are lost`,
    );
  }

  async *#steps(): AsyncGenerator<Report, void, void> {
    const { stop, steps = Infinity, seconds = Infinity, window = 100, view } = this.#options;
    let { session } = this.#running;
    const deadline = this.#start + 1000 * seconds;
    let nextTurn = performance.now() + TURN_MS;
    using ending = new Ending(stop, (deadline - performance.now()) / 1000);
    while (this.#done < steps && performance.now() < deadline) {
      // A checkpoint on its way needs many turns: it should not age by 20 ms at each of them.
      if (performance.now() >= nextTurn || this.#saving !== undefined) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        nextTurn = performance.now() + TURN_MS;
      }
      if (stop?.aborted) return;
      if (this.#how.learn && this.#pruning?.isDue) {
        await this.#prune(this.#pruning);
        ({ session } = this.#running);
      }
      const begin = performance.now();
      const next = this.#feed.next();
      const frame = typeof next === "boolean" ? next : await ending.before(next);
      if (!frame) return this.#checkEmpty(!stop?.aborted && performance.now() < deadline);
      this.#sourceFrames++;
      const sourced = performance.now();
      // What is there at once is not awaited: that alone would make a promise a step.
      const pending = session.step(this.#input!, this.#how);
      if (pending !== undefined) await pending;
      this.#done++;
      if (this.#how.learn) this.#pruning?.learned();
      this.#recorder.add(this.#feed.scores);
      this.#recorder.spend(sourced - begin, performance.now() - sourced, 0);
      if (this.#done % window === 0) yield await this.#recorder.window();
      else if (this.#recorder.isFull) await this.#recorder.drain();
      if (view?.wanted()) view.show(await this.#photographer.take(session));
      this.#saveIfDue();
    }
  }

  /** Goes on with a smaller model. What is on its way to a file is there first, and what was measured is known. */
  async #prune(pruning: GradualPruning): Promise<void> {
    await this.#saving;
    await this.#recorder.drain();
    try {
      await pruning.prune(this.#running);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      this.#options.warn?.(`${error.message}; the run goes on, and is pruned no further`);
    }
    const { session, plan } = this.#running;
    this.#recorder.change(session, densityOf(plan));
  }

  /** A source that ends before its first frame is no source. */
  #checkEmpty(ended: boolean): void {
    const { name, truncated } = this.#feed;
    const before = this.#options.resume?.sourceFrames ?? 0;
    if (!ended || truncated !== null || this.#sourceFrames > before) return;
    throw new SourceError(
      this.#sourceFrames === 0
        ? `${name} has no frames`
        : `${name} has no frames after the ${this.#sourceFrames} that were seen: where it is another source, begin at frame 0 (--from 0)`,
    );
  }

  #saveIfDue(): void {
    const { save, checkpointEvery } = this.#options;
    if (save === undefined || checkpointEvery === undefined || this.#saving !== undefined) return;
    if (this.#recorder.checkpointDue(checkpointEvery)) this.#saveMeanwhile(save);
  }

  /** A checkpoint on the way is written while the run goes on; when it fails, the run survives. */
  #saveMeanwhile(save: string): void {
    this.#saving = this.#save(save)
      .catch((error: Error) => {
        // The loop hears of a lost device by itself.
        if (!isLoss(error)) this.#options.warn?.(`${error.message}; the run goes on`);
      })
      .finally(() => this.#saving = undefined);
  }

  async #saveAtEnd(): Promise<void> {
    await this.#saving;
    if (this.#options.save !== undefined) await this.#save(this.#options.save);
  }

  async #save(path: string): Promise<void> {
    const spec = { ...this.#options.spec };
    const { mask } = this.#running.plan;
    const contexts = this.#options.resume?.contexts;
    const stored = {
      spec,
      sourceFrames: this.#sourceFrames,
      ...(mask === undefined ? {} : { mask }),
      ...(contexts === undefined ? {} : { contexts }),
      ...(this.#pruning === undefined ? {} : { pruning: this.#pruning.schedule }),
      checkpoint: await this.#running.session.save(),
    };
    await saveCheckpoint(path, await encodeCheckpoint(stored));
    this.#running.keep(path);
  }
}
