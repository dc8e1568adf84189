/**
 * Memory of the process.
 *
 * @module
 */
import process from "node:process";

/** Bytes of the process. */
export interface ProcessMemory {
  /** The resident set now. */
  readonly rss: number;
  /** The largest resident set so far; null where the system does not tell. */
  readonly peakRss: number | null;
}

/**
 * The resident set of this process and its peak. Needs no permission.
 *
 * @returns bytes
 */
export function processMemory(): ProcessMemory {
  const { rss } = Deno.memoryUsage();
  return { rss, peakRss: peakBytes(process.resourceUsage().maxRSS, rss) };
}

/**
 * Makes bytes of the peak that the system gave.
 *
 * It is in kilobytes, except that Deno hands on the bytes of macOS (denoland/deno#36783): a peak is never much below the
 * resident set, and never hundreds of times above it, so the two are told apart by their size.
 *
 * @param maxRss what `resourceUsage` said
 * @param rss the resident set in bytes
 * @returns bytes, or null
 */
export function peakBytes(maxRss: number, rss: number): number | null {
  if (!(maxRss > 0)) return null;
  const bytes = maxRss > rss / 2 ? maxRss : maxRss * 1024;
  // The kernel updates the peak lazily.
  return Math.max(bytes, rss);
}
