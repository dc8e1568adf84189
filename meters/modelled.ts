/**
 * Energy where there is no sensor: operations and bytes times published picojoules.
 *
 * @module
 */
import type { Energy, Meter, Work } from "./meter.ts";

/**
 * Picojoules, from M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9: 45 nm, 0.9 V.
 * A newer process needs less; the proportions between arithmetic and memory stay.
 */
export const PICOJOULES = {
  /** An f32 multiplication (3.7) and an f32 addition (0.9). */
  mac: 3.7 + 0.9,
  /** A 64-bit access to an 8 KB memory. */
  kilobytes: 10,
  /** A 64-bit access to a 1 MB memory. */
  megabyte: 100,
  /** A 64-bit access to DRAM, at least. */
  dramLow: 1300,
  /** A 64-bit access to DRAM, at most. */
  dramHigh: 2600,
} as const;

/** What the model assumes of the machine. */
export interface ModelledOptions {
  /** Bytes that the largest cache holds; a model with more weights streams them from DRAM. Default 32 MiB. */
  readonly cacheBytes?: number;
}

/**
 * Picojoules of one 64-bit access to weights, by the memory that they fit in.
 *
 * `low` takes the smallest memory that holds them all. `high` takes DRAM, whatever their number: between two frames other work
 * may have displaced them. `point` is what `low` says up to 1 MB, the middle of the DRAM figures (1950) where no cache
 * holds them, and between these the geometric mean of 1 MB and dear DRAM (510), as the paper has no figure for larger caches.
 *
 * @param weightBytes bytes of weights and momentum the model holds
 * @param cacheBytes bytes the largest cache holds
 * @returns picojoules
 */
export function accessPicojoules(
  weightBytes: number,
  cacheBytes: number,
): { readonly low: number; readonly point: number; readonly high: number } {
  const { kilobytes, megabyte, dramLow, dramHigh } = PICOJOULES;
  if (weightBytes <= 8 * 1024) return { low: kilobytes, point: kilobytes, high: dramHigh };
  if (weightBytes <= 1024 * 1024) return { low: megabyte, point: megabyte, high: dramHigh };
  if (weightBytes <= cacheBytes) {
    return { low: megabyte, point: Math.sqrt(megabyte * dramHigh), high: dramHigh };
  }
  return { low: dramLow, point: (dramLow + dramHigh) / 2, high: dramHigh };
}

/**
 * A meter that needs no sensor: `macs` f32 multiplications and additions, and every byte of weights and momentum read or
 * written, in accesses of 64 bits ({@linkcode accessPicojoules}).
 *
 * @param options what to assume of the machine
 * @returns the meter; a window in which nothing was counted is null
 * @throws {RangeError} when `cacheBytes` is no number of bytes
 *
 * @example A window of 1000 steps of a model of 4 MB
 * ```ts
 * import { openModelled } from "./modelled.ts";
 *
 * const meter = openModelled();
 * await meter.start();
 * const energy = await meter.lap({ macs: 3e9, bytesRead: 8e9, bytesWritten: 4e9, weightBytes: 4e6 });
 * console.log(`${energy?.joules} J, ${energy?.low} to ${energy?.high}`);
 * ```
 */
export function openModelled(options: ModelledOptions = {}): Meter {
  const cacheBytes = options.cacheBytes ?? 32 * 1024 * 1024;
  if (!(cacheBytes >= 0)) {
    throw new RangeError(`cacheBytes is ${cacheBytes}: it must be a number of bytes`);
  }
  return new ModelledMeter(cacheBytes);
}

class ModelledMeter implements Meter {
  readonly method = "modelled";
  readonly source = "Horowitz, ISSCC 2014, 45 nm";
  readonly scope =
    "f32 multiply-accumulates and weight traffic; no idle power, no display, no camera, no other work";
  readonly #cacheBytes: number;
  #trouble: string | null = null;

  constructor(cacheBytes: number) {
    this.#cacheBytes = cacheBytes;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  lap(work: Work): Promise<Energy | null> {
    const { macs, bytesRead, bytesWritten, weightBytes } = work;
    const arithmetic = macs * PICOJOULES.mac;
    const accesses = (bytesRead + bytesWritten) / 8;
    const counted = arithmetic + accesses;
    this.#trouble = null;
    if (!(counted > 0) || !Number.isFinite(counted) || !(weightBytes >= 0)) {
      this.#trouble = "The backend counted no work in this window, so its energy is not known";
      return Promise.resolve(null);
    }
    const { low, point, high } = accessPicojoules(weightBytes, this.#cacheBytes);
    const joules = (picojoules: number) => (arithmetic + accesses * picojoules) * 1e-12;
    const { method, source, scope } = this;
    return Promise.resolve({
      method,
      source,
      scope,
      joules: joules(point),
      low: joules(low),
      high: joules(high),
    });
  }
}
