/**
 * A model tried on some frames: how well each layer predicts beside copying what was last, learning on the way or frozen.
 *
 * @module
 */
import type { Session, StepInput } from "../backends/backend.ts";
import type { Energy, Meter } from "../meters/meter.ts";
import type { Plan } from "../model/plan.ts";
import type { Feed } from "./feed.ts";
import { Signals } from "./signals.ts";

/** Frames that have nothing of theirs behind them to be predicted from. */
const FIRST = 2;
/** Errors gather on the device; they are drained after so many steps at the latest. */
const GATHER = 512;

/** What is tried. */
export interface TrialOptions {
  /** The model. */
  readonly plan: Plan;
  /** A session of it. */
  readonly session: Session;
  /** Where frames come from; started. */
  readonly feed: Feed;
  /** Steps at most; the trial ends where the frames end. */
  readonly steps: number;
  /** Whether it learns. */
  readonly learn: boolean;
  /** Who knows the joules; nobody unless stated. */
  readonly meter?: Meter | null;
  /** Told of every step that was made. */
  readonly made?: (step: number) => void;
}

/** How well a layer predicted. Null where nothing was counted, or nothing moved. */
export interface LayerScore {
  /** Mean squared error. */
  readonly mse: number | null;
  /** That of copying: the last frame, or for the layers above the hidden outputs that were last. */
  readonly copyLast: number | null;
  /** 1 - mse / copyLast. */
  readonly skill: number | null;
}

/** What came of it. */
export interface Trial {
  /** Steps made. */
  readonly steps: number;
  /** Scores of each layer, without the first two steps. */
  readonly layers: readonly LayerScore[];
  /** The error of each step in layer 0. */
  readonly errors: readonly number[];
  /** That of copying the last frame; the first is NaN. */
  readonly copies: readonly number[];
  /**
   * Steps a second over the second half, without the frames and the scores; null where there was none. In the first half code
   * that has not run before is still being compiled.
   */
  readonly stepsPerSecond: number | null;
  /** What all its steps cost, frames and scores included where it was measured; null when no meter knows. */
  readonly energy: Energy | null;
}

/**
 * Tries a model.
 *
 * @param options what is tried
 * @throws {SourceError} when the source breaks
 */
export async function tryModel(options: TrialOptions): Promise<Trial> {
  const { plan, session, feed, learn, made, meter = null } = options;
  const layers = plan.layerStart.length - 1;
  const { frame, external } = feed;
  const input: StepInput = external === undefined ? { frame } : { frame, external };
  const signals = new Signals(plan);
  const [mse, copy] = [new Float64Array(layers), new Float64Array(layers)];
  const errors: number[] = [];
  const copies: number[] = [];
  const milliseconds: number[] = [];
  const work = { macs: 0, bytesRead: 0, bytesWritten: 0 };
  const drain = async () => {
    const report = await session.report();
    work.macs += report.macs;
    work.bytesRead += report.bytesRead;
    work.bytesWritten += report.bytesWritten;
    for (let i = 0; i < report.steps; i++) {
      errors.push(report.mse[i * layers]!);
      if (errors.length <= FIRST) continue;
      for (let layer = 0; layer < layers; layer++) mse[layer]! += report.mse[i * layers + layer]!;
    }
  };
  await meter?.start();
  while (copies.length < options.steps && await feed.next()) {
    const begin = performance.now();
    await session.step(input, { learn });
    milliseconds.push(performance.now() - begin);
    copies.push(feed.scores.copy);
    await signals.add(session, copy);
    copy[0]! += feed.scores.copy;
    if (copies.length <= FIRST) copy.fill(0);
    if (copies.length % GATHER === 0) await drain();
    made?.(copies.length);
  }
  await drain();
  const weightBytes = session.memory().weights;
  const energy = copies.length === 0 ? null : await meter?.lap({ ...work, weightBytes }) ?? null;
  const warm = milliseconds.slice(milliseconds.length >> 1);
  const counted = copies.length - FIRST;
  return {
    steps: copies.length,
    layers: Array.from(mse, (sum, layer) => scoreOf(sum, copy[layer]!, counted)),
    errors,
    copies,
    stepsPerSecond: warm.length === 0
      ? null
      : 1000 * warm.length / warm.reduce((sum, each) => sum + each),
    energy,
  };
}

function scoreOf(mse: number, copy: number, counted: number): LayerScore {
  const mean = (sum: number) => counted > 0 && Number.isFinite(sum) ? sum / counted : null;
  return {
    mse: mean(mse),
    copyLast: mean(copy),
    skill: counted > 0 && copy > 0 && Number.isFinite(mse) ? 1 - mse / copy : null,
  };
}
