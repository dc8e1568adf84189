/**
 * Room in linear memory.
 *
 * @module
 */

/** Hands out room, a cache line at a time. */
export class Room {
  /** The first line is never handed out: offset 0 means that there is nothing. */
  bytes = 64;
  /** Takes bytes; returns where they begin. */
  take(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }
  /** Takes f32 or words. */
  floats(count: number): number {
    return this.take(4 * count);
  }
}
