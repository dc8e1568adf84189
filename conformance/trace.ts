/**
 * Runs a session over the steps of a case and keeps all that can be seen of it.
 *
 * @module
 */
import {
  type Device,
  READABLE,
  type Readable,
  type Session,
  type StepReports,
} from "../backends/backend.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import type { Stimulus } from "./stimulus.ts";

/** All that can be seen of a session after some steps. */
export interface Trace {
  /** Steps x layers. */
  readonly mse: Float64Array;
  /** What it saves at the end. */
  readonly checkpoint: Checkpoint;
  /** What it can be read at the end. */
  readonly reads: Readonly<Record<Readable, Float64Array>>;
}

/** One step, whether the backend throws, rejects or returns nothing. */
export async function stepOnce(session: Session, { input, options }: Stimulus): Promise<void> {
  await session.step(input, options);
}

/** The lengths of what can be read of a plan. */
export function readLengths(plan: Plan): Readonly<Record<Readable, number>> {
  const at = offsetsOf(plan);
  const units = unitCount(plan);
  const signal = at.signal[units]!;
  return {
    prediction: at.output[units]!,
    hidden: units * plan.hidden,
    error: signal,
    signal,
  };
}

/** Reads one tensor. */
export async function readOf(
  session: Session,
  plan: Plan,
  name: Readable,
): Promise<Float64Array> {
  const into = new Float64Array(readLengths(plan)[name]).fill(NaN);
  await session.read(name, into);
  return into;
}

/** What can be seen of a session that has run; its reports are drained. */
export async function observe(
  session: Session,
  plan: Plan,
  reports: StepReports,
): Promise<Trace> {
  const reads: Partial<Record<Readable, Float64Array>> = {};
  for (const name of READABLE) reads[name] = await readOf(session, plan, name);
  return {
    mse: reports.mse,
    checkpoint: await session.save(),
    reads: reads as Record<Readable, Float64Array>,
  };
}

/**
 * Loads a model, runs it and says what can be seen.
 *
 * @param device where
 * @param plan the model
 * @param checkpoint its state
 * @param stimuli its steps, each awaited
 */
export async function trace(
  device: Device,
  plan: Plan,
  checkpoint: Checkpoint,
  stimuli: readonly Stimulus[],
): Promise<Trace> {
  await using session = await device.load(plan, checkpoint);
  for (const stimulus of stimuli) await stepOnce(session, stimulus);
  return await observe(session, plan, await session.report());
}
