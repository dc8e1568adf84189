/**
 * Gathers what steps cost and how good they were, and makes records of it.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { densityOf } from "../compress/prune.ts";
import type { Energy, Meter } from "../meters/meter.ts";
import { processMemory } from "../meters/memory.ts";
import { type Plan, unitCount } from "../model/plan.ts";
import { maySkip } from "../model/skipping.ts";
import type { Source } from "../sources/source.ts";
import type { Feed } from "./feed.ts";
import type { Report } from "./report.ts";
import type { Running } from "./running.ts";
import { ScoreSum } from "./score.ts";

/** How often a checkpoint is written: after so many steps or so many seconds. */
export type CheckpointInterval = { readonly steps: number } | { readonly seconds: number };

/** Reports gather on the device; they are drained after so many steps at the latest. */
const GATHER = 512;
/** A counter is not read more often than this, in milliseconds: below, its noise is larger than the steps'. */
const SHORTEST_LAP_MS = 1000;

/** What one record is made of. */
class Span {
  readonly score: ScoreSum;
  readonly begin = performance.now();
  readonly dropped: number;
  steps = 0;
  sourceMs = 0;
  stepMs = 0;
  reportMs = 0;
  macs = 0;
  bytesRead = 0;
  bytesWritten = 0;
  skipped = 0;

  constructor(layers: number, dropped: number) {
    this.score = new ScoreSum(layers);
    this.dropped = dropped;
  }

  spend(source: number, step: number, report: number): void {
    this.sourceMs += source;
    this.stepMs += step;
    this.reportMs += report;
  }
}

/** Makes the records of a run. */
export class Recorder {
  readonly #plan: Plan;
  #density: number;
  #session: Session;
  #backend: string;
  readonly #source: Pick<Source, "dropped">;
  readonly #layers: number;
  /** Host-side scores of the steps that have not been drained: copy, motion. */
  readonly #pending = new Float64Array(2 * GATHER);
  #gathered = 0;
  #step: number;
  #window: Span;
  readonly #total: Span;
  #meter: Meter | null = null;
  #lap = { begin: 0, macs: 0, bytesRead: 0, bytesWritten: 0, steps: 0 };
  #energy: Energy[] = [];
  #metered = 0;
  #saved: { step: number; at: number };

  /** @param options what is recorded, and the number of the first step */
  constructor(
    options: {
      readonly plan: Plan;
      readonly session: Session;
      readonly backend: string;
      readonly source: Pick<Source, "dropped">;
      readonly step: number;
      readonly window: number;
    },
  ) {
    const { plan, session, backend, source, step } = options;
    this.#plan = plan;
    this.#density = densityOf(plan);
    this.#session = session;
    this.#backend = backend;
    this.#source = source;
    this.#layers = plan.layerStart.length - 1;
    this.#step = step;
    this.#window = new Span(this.#layers, source.dropped);
    this.#total = new Span(this.#layers, source.dropped);
    this.#saved = { step, at: performance.now() };
  }

  /** Starts the clock and the meter. */
  async start(meter: Meter | null): Promise<void> {
    this.#meter = meter;
    await meter?.start();
    this.#lap.begin = performance.now();
  }

  /** Whether steps are waiting for a record. */
  get hasSteps(): boolean {
    return this.#window.steps > 0;
  }

  /** Whether reports must be drained before the next step. */
  get isFull(): boolean {
    return this.#gathered === GATHER;
  }

  /** Steps the model has made in its life. */
  get step(): number {
    return this.#step;
  }

  /** The step up to which errors are known. */
  get reported(): number {
    return this.#step - this.#gathered;
  }

  /** Goes on with another model, the session of which has made no step; what the last one made has been drained. */
  change(session: Session, density: number): void {
    this.#session = session;
    this.#density = density;
  }

  /**
   * Goes on with another session, from a step that lies behind. What was not reported of the steps between nobody knows: they are not
   * counted.
   */
  goOn({ session, backend, plan }: Running, step: number): void {
    this.change(session, densityOf(plan));
    this.#backend = backend;
    for (const span of [this.#window, this.#total, this.#lap]) span.steps -= this.#gathered;
    this.#gathered = 0;
    this.#step = step;
    this.#saved = { step, at: performance.now() };
  }

  /** Counts a step. */
  add({ copy, motion }: Feed["scores"]): void {
    this.#pending[2 * this.#gathered] = copy;
    this.#pending[2 * this.#gathered++ + 1] = motion;
    this.#step++;
    this.#window.steps++;
    this.#total.steps++;
    this.#lap.steps++;
  }

  /** Adds the milliseconds of a step. */
  spend(source: number, step: number, report: number): void {
    this.#window.spend(source, step, report);
    this.#total.spend(source, step, report);
  }

  /** Takes what gathered on the device. */
  async drain(): Promise<void> {
    const begin = performance.now();
    const report = await this.#session.report();
    for (const span of [this.#window, this.#total]) {
      for (let i = 0; i < report.steps; i++) {
        // No pair of constants: to take an array apart makes garbage, and this is done for every step.
        const copy = this.#pending[2 * i]!;
        const motion = this.#pending[2 * i + 1]!;
        span.score.add(report.firstStep + i, report.mse, i * this.#layers, copy, motion);
      }
      if (report.steps > 0) span.skipped += report.skipped ?? NaN;
    }
    for (const sum of [this.#window, this.#total, this.#lap]) {
      sum.macs += report.macs;
      sum.bytesRead += report.bytesRead;
      sum.bytesWritten += report.bytesWritten;
    }
    this.#gathered = 0;
    this.spend(0, 0, performance.now() - begin);
  }

  /** Ends a window. */
  async window(): Promise<Report> {
    await this.drain();
    const lap = await this.#lapMeter(false);
    const report = this.#record("window", this.#window, lap.energy, lap.steps);
    this.#window = new Span(this.#layers, this.#source.dropped);
    return report;
  }

  /** The whole run. */
  async summary(): Promise<Report> {
    await this.drain();
    await this.#lapMeter(true);
    return this.#record("summary", this.#total, sum(this.#energy), this.#metered);
  }

  /** Whether a checkpoint is due; says so once. */
  checkpointDue(every: CheckpointInterval): boolean {
    const now = performance.now();
    const due = "steps" in every
      ? this.#step - this.#saved.step >= every.steps
      : now - this.#saved.at >= 1000 * every.seconds;
    if (due) this.#saved = { step: this.#step, at: now };
    return due;
  }

  /** Reads the meter; a counter not before it has something to say. */
  async #lapMeter(last: boolean): Promise<{ energy: Energy | null; steps: number }> {
    const { begin, steps, ...work } = this.#lap;
    const meter = this.#meter;
    const early = meter?.method !== "modelled" && performance.now() - begin < SHORTEST_LAP_MS;
    if (meter === null || steps === 0 || (early && !last)) return { energy: null, steps: 0 };
    const weightBytes = this.#session.memory().weights;
    const energy = await meter.lap({ ...work, weightBytes });
    this.#lap = { begin: performance.now(), macs: 0, bytesRead: 0, bytesWritten: 0, steps: 0 };
    if (energy !== null) {
      this.#energy.push(energy);
      this.#metered += steps;
      this.#energy = [sum(this.#energy)!];
    }
    return { energy, steps };
  }

  /** @param metered the steps that `energy` was spent on */
  #record(kind: Report["kind"], span: Span, energy: Energy | null, metered: number): Report {
    const { steps, score, dropped, begin, ...cost } = span;
    const each = (total: number) => steps === 0 ? 0 : total / steps;
    const scores = score.means();
    const seconds = (performance.now() - begin) / 1000;
    const { weights, state, scratch, reserved } = this.#session.memory();
    return {
      kind,
      step: this.#step,
      steps,
      mse: { frame: scores.mse[0] ?? null, layers: scores.mse },
      copyLastMse: scores.copyLastMse,
      skill: scores.skill,
      motionSkill: scores.motionSkill,
      movingSkill: scores.movingSkill,
      density: this.#density,
      stepsPerSecond: steps === 0 || seconds === 0 ? null : steps / seconds,
      ms: { source: each(cost.sourceMs), step: each(cost.stepMs), report: each(cost.reportMs) },
      perStep: {
        macs: each(cost.macs),
        bytesRead: each(cost.bytesRead),
        bytesWritten: each(cost.bytesWritten),
        joules: energy === null || metered === 0 ? null : energy.joules / metered,
      },
      skippedShare: !maySkip(this.#plan) || Number.isNaN(cost.skipped)
        ? null
        : each(cost.skipped) / unitCount(this.#plan),
      memory: { weights, state, scratch, wasm: reserved ?? null, ...processMemory() },
      energy,
      dropped: this.#source.dropped - dropped,
      backend: this.#backend,
    };
  }
}

/** Adds energies of one method. */
function sum(energies: readonly Energy[]): Energy | null {
  const [first] = energies;
  if (first === undefined) return null;
  const add = (of: "joules" | "low" | "high") => energies.reduce((total, e) => total + e[of], 0);
  return { ...first, joules: add("joules"), low: add("low"), high: add("high") };
}
