/**
 * The end of a device: once it is gone, whatever waits for it is told, and every later call as well.
 *
 * @module
 */
import { type Device, DeviceLostError } from "../backend.ts";

/** What is known of the end. */
type End = Awaited<Device["lost"]>;

/** Whether a device is there, for its sessions to ask. */
export class Loss {
  /** Settles once, when the device is gone; never rejects. */
  readonly promise: Promise<End>;
  readonly #settle: (end: End) => void;
  /** Whoever waits: a race against one promise for ever would keep something of every wait. */
  readonly #waiting = new Set<(error: Error) => void>();
  #error: DeviceLostError | undefined;

  /** A device that is there. */
  constructor() {
    const { promise, resolve } = Promise.withResolvers<End>();
    this.promise = promise;
    this.#settle = resolve;
  }

  /** Says that the device is gone; only the first time counts. */
  lose(end: End): void {
    if (this.#error !== undefined) return;
    this.#error = new DeviceLostError(end.message);
    this.#settle(end);
    for (const reject of this.#waiting) reject(this.#error);
    this.#waiting.clear();
  }

  /** Throws when the device is gone. */
  check(): void {
    if (this.#error !== undefined) throw new DeviceLostError(this.#error.message);
  }

  /**
   * Waits for the device, but not for ever.
   *
   * @param work what is waited for; that it fails means that the device is gone
   * @param what it is, for the message
   * @param seconds after which the device counts as lost
   * @returns the same, rejected when the device is lost before
   */
  async guard<T>(work: Promise<T>, what: string, seconds: number): Promise<T> {
    this.check();
    const { promise, reject } = Promise.withResolvers<never>();
    this.#waiting.add(reject);
    const timer = setTimeout(() => {
      const message = `The GPU did not answer within ${seconds} s (${what}): open it again`;
      this.lose({ reason: "unknown", message });
    }, 1000 * seconds);
    try {
      const done = await Promise.race([work, promise]);
      this.check();
      return done;
    } catch (error) {
      this.lose({ reason: "unknown", message: `The GPU is lost (${what}): ${text(error)}` });
      throw this.#error;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(reject);
    }
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
