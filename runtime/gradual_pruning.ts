/**
 * A model that is pruned while it runs and learns.
 *
 * @module
 */
import { firstWeights } from "../compress/first_weights.ts";
import { checkPruning, densityOf, prune, type PruneOptions } from "../compress/prune.ts";
import type { StoredCheckpoint } from "../model/checkpoint_file.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import { SpecError } from "../model/parse_spec.ts";
import type { Plan } from "../model/plan.ts";
import {
  DEFAULT_BLOCKS,
  DEFAULT_SCOPE,
  densityDue,
  type PruningSchedule,
  pruningSteps,
} from "../model/pruning_schedule.ts";
import { PRUNED_BY } from "./compression.ts";
import type { Running } from "./running.ts";

/** Steps of a schedule where the run has no end of its own. */
const STEPS = 5000;

/** How a model is to be pruned; in {@linkcode DEFAULT_BLOCKS} unless stated. */
export interface PruningWish extends PruneOptions {
  /** Learning steps from the beginning to the last pruning; three quarters of the run's unless stated, or 5000 where it has no end. */
  readonly steps?: number;
}

/** What becomes of a wish. */
export interface PruningStart {
  /** Where the run begins; nothing, where nothing is to be pruned. */
  readonly schedule?: PruningSchedule;
  /** What a person should know of it. */
  readonly note?: string;
}

/**
 * The schedule of a run: what a checkpoint had begun goes on, unless something else is wished for.
 *
 * @param plan the model
 * @param options the wish, what is resumed, and the steps that are to be made
 * @throws {SpecError} when the model cannot be pruned like that
 */
export function startPruning(
  plan: Plan,
  { pruning: wish, resume, steps: wanted }: {
    readonly pruning?: PruningWish;
    readonly resume?: StoredCheckpoint;
    readonly steps?: number;
  },
): PruningStart {
  const begun = resume?.pruning;
  if (begun !== undefined && (wish === undefined || isSame(wish, begun))) {
    const { made, steps } = begun;
    const now = percent(densityOf(plan));
    if (made <= steps) {
      const note =
        `the pruning goes on: ${made} of ${steps} steps made, ${now} of the weights are left`;
      return { schedule: begun, note };
    }
    const note = `the pruning is finished: ${now} of the weights are left`;
    return { schedule: begun, ...(wish === undefined ? {} : { note }) };
  }
  if (wish === undefined) return {};
  try {
    checkPruning(plan, { blocks: DEFAULT_BLOCKS, ...wish });
  } catch (error) {
    const { message } = error as Error;
    throw new SpecError(`This model cannot be pruned like that: ${message}`, { cause: error });
  }
  const { density, blocks = DEFAULT_BLOCKS, scope = DEFAULT_SCOPE } = wish;
  const from = densityOf(plan);
  if (density >= from) {
    const note = `nothing is left to prune: ${percent(from)} of the weights are there, ${
      percent(density)
    } were to be kept`;
    return { note };
  }
  const length = wish.steps ??
    (wanted === undefined ? STEPS : Math.max(Math.floor(PRUNED_BY * wanted), 1));
  return { schedule: { density, blocks, scope, from, steps: length, made: 0 } };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Whether a wish says nothing that a schedule does not. */
function isSame(wish: PruningWish, begun: PruningSchedule): boolean {
  const { density, blocks = begun.blocks, scope = begun.scope, steps = begun.steps } = wish;
  return density === begun.density && scope === begun.scope && steps === begun.steps &&
    blocks.rows === begun.blocks.rows && blocks.columns === begun.blocks.columns;
}

/** A schedule on its way through a run. */
export class GradualPruning {
  readonly #schedule: PruningSchedule;
  readonly #resume: StoredCheckpoint | undefined;
  readonly #last: number;
  readonly #due: ReadonlySet<number>;
  #made: number;
  /** Prunings that the device did not take are not tried again in this run. */
  #given = false;

  /**
   * @param schedule where it stands
   * @param resume what the run goes on from, where it does
   */
  constructor(schedule: PruningSchedule, resume?: StoredCheckpoint) {
    this.#schedule = schedule;
    this.#resume = resume;
    this.#made = schedule.made;
    this.#last = schedule.steps + 1;
    this.#due = new Set(pruningSteps(schedule.steps));
  }

  /** Where it stands, for a checkpoint. */
  get schedule(): PruningSchedule {
    return { ...this.#schedule, made: this.#made };
  }

  /** Whether the model is to be pruned before the next step. */
  get isDue(): boolean {
    return !this.#given && this.#due.has(this.#made);
  }

  /** Counts a step that was learned from; behind the end nothing changes any more. */
  learned(): void {
    if (this.#made < this.#last) this.#made++;
  }

  /**
   * Prunes.
   *
   * @param running the model that is to be smaller
   * @throws {BackendError} when the device does not take it; the model is then what it was, and is not pruned any further
   */
  async prune(running: Running): Promise<void> {
    const density = densityDue(this.schedule)!;
    const { blocks, scope } = this.#schedule;
    const resume = this.#resume;
    const initial = resume === undefined ? {} : { initial: () => firstWeights(resume) };
    try {
      await running.become((plan, state) =>
        prune(plan, denseCheckpoint(plan, state), { density, blocks, scope, ...initial })
      );
    } catch (error) {
      this.#given = true;
      throw error;
    }
  }
}
