/**
 * Choosing the best meter there is.
 *
 * @module
 */
import type { Meter } from "./meter.ts";
import { type ModelledOptions, openModelled } from "./modelled.ts";
import { openRapl, type RaplOptions } from "./rapl.ts";

/** What the meters are told. */
export interface MeterOptions {
  /** Where RAPL counters are. */
  readonly rapl?: RaplOptions;
  /** What the model assumes of the machine. */
  readonly modelled?: ModelledOptions;
}

/** What one meter said of itself. */
export interface MeterSurvey {
  /** Its name. */
  readonly name: string;
  /** Whether it can be read now. */
  readonly available: boolean;
  /** What it covers, or why it cannot be read: one sentence. */
  readonly detail: string;
}

/**
 * Opens the best meter: RAPL where its counters can be read, else the model of operations and bytes.
 *
 * @param options where to look and what to assume
 * @returns a meter that was not started yet
 */
export async function openMeter(options: MeterOptions = {}): Promise<Meter> {
  const rapl = await openRapl(options.rapl);
  return "meter" in rapl ? rapl.meter : openModelled(options.modelled);
}

/**
 * Asks every meter whether it can be read, best first.
 *
 * @param options where to look and what to assume
 * @returns one record a meter
 */
export async function surveyMeters(options: MeterOptions = {}): Promise<MeterSurvey[]> {
  const rapl = await openRapl(options.rapl);
  const modelled = openModelled(options.modelled);
  return [
    "meter" in rapl
      ? { name: "rapl", available: true, detail: describe(rapl.meter) }
      : { name: "rapl", available: false, detail: rapl.unavailable },
    { name: "modelled", available: true, detail: describe(modelled) },
  ];
}

function describe(meter: Meter): string {
  return `${meter.method} by ${meter.source}: ${meter.scope}`;
}
