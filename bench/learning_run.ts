/**
 * One model over one source: the first part once, learning, the rest frozen.
 *
 * @module
 */
import type { Spec } from "../model/spec.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import type { Report } from "../runtime/report.ts";
import { run } from "../runtime/runtime.ts";
import type { Source } from "../sources/source.ts";

/** The share of the frames that is learned from. */
export const LEARNED = 0.7;

/** The summaries of both parts. */
export interface Outcome {
  /** The first part, seen once, learned from. */
  readonly first: Report;
  /** The rest, with the weights as they are. */
  readonly frozen: Report;
}

async function summaryOf(reports: AsyncGenerator<Report>): Promise<Report> {
  let last: Report | undefined;
  for await (const report of reports) last = report;
  return last!;
}

/**
 * Runs a new model over a source.
 *
 * @param spec the model
 * @param open opens the source; called once for each part
 * @param frames how many frames it has
 * @param options `save`: a file for the checkpoint between the parts; `backend`: the fastest unless stated
 */
export async function learnOnce(
  spec: Spec,
  open: () => Promise<Source>,
  frames: number,
  options: { readonly save: string; readonly backend?: string },
): Promise<Outcome> {
  const { save, ...where } = options;
  const steps = Math.floor(LEARNED * frames);
  await using source = await open();
  const first = await summaryOf(run({ ...where, spec, source, steps, save, window: 1000 }));
  await using rest = await open();
  const resume = await loadCheckpoint(save);
  const frozen = await summaryOf(
    run({ ...where, spec, source: rest, resume, learn: false, window: 1000 }),
  );
  return { first, frozen };
}

/** A skill with three places behind the point, or a dash. */
export const skillText = (value: number | null | undefined) =>
  value == null ? "-" : value.toFixed(3);
