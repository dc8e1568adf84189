/**
 * Questions on their way through a channel.
 *
 * @module
 */
import { type Device, DeviceLostError } from "../backend.ts";
import type { Channel } from "./channel.ts";
import { revived } from "./failures.ts";
import type { CallName, Calls, Reply } from "./protocol.ts";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The caller's end of a channel. */
export class Connection {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, Waiting>();
  readonly #losses = new Map<number, (loss: Awaited<Device["lost"]>) => void>();
  #next = 0;
  /** Why it is closed; null while it is open. */
  closedBy: string | null = null;

  /** @param channel where the backend answers */
  constructor(channel: Channel) {
    this.#channel = channel;
    channel.listen((message) => this.#hear(message as Reply));
    channel.closed.then((why) => this.#end(why));
  }

  /**
   * Asks.
   *
   * @param call what for
   * @param of what it is asked of
   * @throws what was thrown there, as an error of the same class; DeviceLostError when the other end is gone
   */
  call<N extends CallName>(call: N, of: Calls[N]["of"]): Promise<Calls[N]["gives"]> {
    if (this.closedBy !== null) return Promise.reject(new DeviceLostError(this.closedBy));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#channel.send({ id, call, of });
    });
  }

  /** Asks, and blocks this thread until the answer is there. */
  ask<N extends CallName>(call: N, of: Calls[N]["of"]): Calls[N]["gives"] {
    if (this.closedBy !== null) throw new DeviceLostError(this.closedBy);
    return this.#channel.ask({ id: this.#next++, call, of }) as Calls[N]["gives"];
  }

  /**
   * Hears when a device is gone.
   *
   * @param device its number
   * @param lose called once
   */
  watch(device: number, lose: (loss: Awaited<Device["lost"]>) => void): void {
    if (this.closedBy !== null) lose({ reason: "unknown", message: this.closedBy });
    else this.#losses.set(device, lose);
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#channel.close();
    this.#end("The device was closed");
  }

  #hear(reply: Reply): void {
    if ("lost" in reply) {
      this.#losses.get(reply.lost)?.(reply.loss);
      this.#losses.delete(reply.lost);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(revived(reply.error));
    else waiting?.resolve(reply.value);
  }

  #end(why: string): void {
    if (this.closedBy !== null) return;
    this.closedBy = why;
    for (const lose of this.#losses.values()) lose({ reason: "unknown", message: why });
    for (const { reject } of this.#waiting.values()) reject(new DeviceLostError(why));
    this.#losses.clear();
    this.#waiting.clear();
  }
}
