/**
 * A stored model made smaller: rounded, pruned, and taught again on the way.
 *
 * @module
 */
import { checkShare, contextsAfter, dropContexts } from "../compress/contexts.ts";
import { firstWeights } from "../compress/first_weights.ts";
import { checkPredictOnly } from "../compress/predict_only.ts";
import { checkPruning, densityOf, prune, type PruneOptions } from "../compress/prune.ts";
import { quantise, type Quantised } from "../compress/quantise.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import type { Plan } from "../model/plan.ts";
import { gradualDensity, pruningSteps } from "../model/pruning_schedule.ts";
import { formatOf, type WeightFormat } from "../model/weight_format.ts";
import { DirectFeed } from "./feed.ts";
import { hiddenPower } from "./hidden_power.ts";
import { Running } from "./running.ts";
import { type Source, SourceError } from "../sources/source.ts";

/** The share of the steps in which gradual pruning goes on, unless stated; the rest heals. */
export const PRUNED_BY = 0.75;

/** Steps of the teaching in which contexts are listened to before some are dropped, at most; and the share of the steps, at most. */
const LISTENING = { steps: 200, share: 0.25 };

/** How a model is taught again. */
export interface Retraining {
  /** Where its frames come from; one without end, or with enough of them. It is not closed. */
  readonly source: Source;
  /** Frames of it that are passed over first. Default 0. */
  readonly skip?: number;
  /** Whether these and the ones taken count as seen by the model (`sourceFrames`). Default false: it is another source. */
  readonly sameSource?: boolean;
  /** Steps. */
  readonly steps: number;
  /** Whether it is pruned step by step while it learns (`gradualDensity`), or at once before. Default true. */
  readonly gradual?: boolean;
  /** As in `RunOptions`. */
  readonly backend?: string;
  /** As in `RunOptions`. */
  readonly threads?: number;
}

/** How a model is compressed. */
export interface CompressOptions {
  /** What its weights are to be stored in; as before unless stated. */
  readonly format?: WeightFormat;
  /** What is to be left of them; all unless stated. */
  readonly pruning?: PruneOptions;
  /**
   * The share of its contexts that goes, from 0 to 1; 0 is only what adds nothing. What each adds is measured in the first steps of the
   * teaching, without which nothing is dropped.
   */
  readonly contexts?: number;
  /** Whether the weights of codebooks keep in the end nothing beside their centroids (`predictOnly`). Default false. */
  readonly predictOnly?: boolean;
  /** How it is taught again; not at all unless stated. */
  readonly retraining?: Retraining;
  /** Told of every step that was made, and the density it was made with. */
  readonly made?: (step: number, density: number) => void;
  /** Given what there is whenever the model was pruned and has learned on, and at last what it has become. */
  readonly save?: (stored: StoredCheckpoint, last: boolean) => Promise<void>;
}

/** A compressed model. */
export interface Compressed {
  /** To be saved, and to go on from. */
  readonly stored: StoredCheckpoint;
  /** What the rounding lost, before the model was taught again; of what was pruned before it, nothing. */
  readonly lost: Quantised["lost"];
}

/**
 * Compresses a model. What is pruned at once goes first; then it is rounded, and learns in its new format; gradual pruning goes from
 * all weights to the target in the first three quarters of the steps that come after the contexts have been measured.
 *
 * @param stored the model; it stays as it is
 * @param options how
 * @throws {RangeError} for a weight that the format does not hold, a pruning or a share of contexts that makes no sense
 * @throws {BackendError} when no device takes the compressed model
 * @throws {SourceError} when the source breaks, or has not enough frames
 */
export async function compress(
  stored: StoredCheckpoint,
  options: CompressOptions,
): Promise<Compressed> {
  const { pruning, contexts, retraining, save, predictOnly = false } = options;
  const before = planOf(stored);
  const dense = denseCheckpoint(before, stored.checkpoint);
  // What goes at once goes first: scales and codebooks are then those of what is left.
  const atOnce = pruning !== undefined && !(retraining?.gradual ?? retraining !== undefined);
  let left = stored.contexts;
  // Drawn again for every pruning: between them nobody holds another model's worth of weights.
  const began = () =>
    firstWeights({ spec: stored.spec, ...(left === undefined ? {} : { contexts: left }) });
  const start = atOnce
    ? prune(before, dense, { ...pruning, initial: began })
    : { plan: before, checkpoint: dense };
  const { plan, checkpoint, lost } = quantise(
    start.plan,
    start.checkpoint,
    options.format ?? formatOf(before),
    { predictOnly: predictOnly && retraining === undefined },
  );
  const format = formatOf(plan);
  // While it is taught every update is written at once; whether they are deferred when it runs is up to its specification.
  const spec = { ...stored.spec, format };
  let frames = stored.sourceFrames;
  const { pruning: under, ...rest } = stored;
  const wrap = (plan: Plan, checkpoint: Checkpoint): StoredCheckpoint => ({
    ...rest,
    spec,
    checkpoint,
    sourceFrames: frames,
    ...(plan.mask === undefined ? {} : { mask: plan.mask }),
    ...(left === undefined ? {} : { contexts: left }),
    // What a run had begun goes on, but where this prunes instead.
    ...(under === undefined || pruning !== undefined ? {} : { pruning: under }),
  });
  let state: { plan: Plan; checkpoint: Checkpoint } = {
    plan: { ...plan, defer: { every: 0, window: 0 } },
    checkpoint,
  };
  // What makes no sense is refused before an hour of teaching.
  if (predictOnly) checkPredictOnly(format);
  if (contexts !== undefined) checkShare(contexts);
  if (pruning !== undefined && !atOnce) checkPruning(state.plan, pruning);
  if (retraining === undefined) {
    const compressed = wrap(state.plan, state.checkpoint);
    await save?.(compressed, true);
    return { stored: compressed, lost };
  }
  const { source, steps, skip = 0, sameSource = false, gradual = true } = retraining;
  const { frame: size, rule } = plan;
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: rule.name === "saccade" ? rule.motion : 0, skip });
  const listening = contexts === undefined ? 0 : listeningSteps(steps);
  const from = densityOf(plan);
  let made = 0;
  for (const { end, done } of scheduleOf(steps, pruning !== undefined && gradual, listening)) {
    let density = atOnce ? pruning.density : densityOf(state.plan);
    if (pruning !== undefined && !atOnce && done > 0) {
      density = gradualDensity(pruning.density, done, from);
      state = prune(state.plan, state.checkpoint, {
        ...pruning,
        density,
        initial: began,
      });
    }
    const begin = made;
    const taught = await teach(state.plan, state.checkpoint, feed, retraining, end - begin, (n) => {
      options.made?.(begin + n, density);
    });
    made += taught.steps;
    if (sameSource) frames = skip + made;
    if (made < end) {
      throw new SourceError(source.truncated ?? `${source.name} ended after ${made} frames`);
    }
    state = { plan: state.plan, checkpoint: taught.checkpoint };
    if (contexts !== undefined && (end === listening || end === steps)) {
      // In the end those go whose weights have all been pruned.
      const share = end === listening ? contexts : 0;
      const { kept, ...smaller } = dropContexts(state.plan, state.checkpoint, {
        share,
        power: taught.power,
      });
      left = contextsAfter(left, kept);
      state = smaller;
    }
    if (predictOnly && end === steps) {
      state = quantise(state.plan, state.checkpoint, format, { predictOnly: true });
    }
    await save?.(wrap(state.plan, state.checkpoint), end === steps);
  }
  return { stored: wrap(state.plan, state.checkpoint), lost };
}

/** The first steps of the teaching: what contexts add is measured in them. */
function listeningSteps(steps: number): number {
  const listening = Math.min(LISTENING.steps, Math.floor(LISTENING.share * steps));
  if (listening > 0) return listening;
  throw new RangeError(
    `Contexts are measured in a quarter of the steps, and ${steps} are too few: make 4 or more`,
  );
}

/** Runs of steps, and the share of the schedule that lies behind at the beginning of each. */
function scheduleOf(
  steps: number,
  gradual: boolean,
  listening: number,
): { end: number; done: number }[] {
  const first = listening > 0 ? [{ end: listening, done: 0 }] : [];
  const rest = steps - listening;
  if (!gradual || rest < 2) return [...first, { end: steps, done: 1 }];
  const pruned = Math.max(Math.floor(PRUNED_BY * rest), 1);
  const ends = pruningSteps(pruned);
  return first.concat([...ends, rest].map((end, i) => ({
    end: listening + end,
    done: (ends[i - 1] ?? 0) / pruned,
  })));
}

async function teach(
  plan: Plan,
  checkpoint: Checkpoint,
  feed: DirectFeed,
  { backend = "auto", threads }: Retraining,
  steps: number,
  made: (step: number) => void,
): Promise<{ steps: number; power: Float64Array; checkpoint: Checkpoint }> {
  const resume = { spec: {}, checkpoint, sourceFrames: 0 };
  const options = { backend, resume, ...(threads === undefined ? {} : { threads }) };
  await using running = await Running.open(plan, options);
  const { session } = running;
  const heard = await hiddenPower({ plan, session, feed, steps, learn: true, made });
  return { ...heard, checkpoint: await session.save() };
}
