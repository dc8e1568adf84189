/**
 * The end of a connection where a backend runs.
 *
 * @module
 */
import type { Backend, Device, Session } from "../backend.ts";
import type { Channel } from "./channel.ts";
import { sendable } from "./failures.ts";
import type { CallName, Calls, Reply, Request } from "./protocol.ts";

/**
 * Answers what is asked of a backend, until the other end is gone; then it closes all devices.
 *
 * @param backend who answers
 * @param channel where the questions come from
 */
export async function serve(
  backend: Backend,
  channel: Pick<Channel, "closed" | "listen" | "send">,
): Promise<void> {
  const server = new Server(backend, (reply) => channel.send(reply));
  channel.listen((message) => server.hear(message as Request));
  await channel.closed;
  await server.end();
}

type Answers = { readonly [N in CallName]: (of: Calls[N]["of"]) => unknown };

class Server {
  readonly #send: (reply: Reply) => void;
  readonly #devices = new Map<number, Device>();
  readonly #sessions = new Map<number, Session>();
  readonly #answers: Answers;
  #next = 0;

  constructor(backend: Backend, send: (reply: Reply) => void) {
    this.#send = send;
    this.#answers = {
      hello: () => ({ apiVersion: backend.apiVersion, name: backend.name }),
      probe: () => backend.probe(),
      open: ({ id }) => this.#open(backend, id),
      accepts: ({ device, plan }) => this.#device(device).accepts(plan),
      load: ({ device, plan, checkpoint }) => this.#load(device, plan, checkpoint),
      energy: ({ device }) => this.#device(device).energy?.(),
      closeDevice: ({ device }) => this.#device(device)[Symbol.asyncDispose](),
      step: ({ session, input, options }) => this.#session(session).step(input, options),
      report: ({ session }) => this.#session(session).report(),
      read: ({ session, name, length, double }) => this.#read(session, name, length, double),
      save: ({ session }) => this.#session(session).save(),
      closeSession: ({ session }) => this.#session(session)[Symbol.asyncDispose](),
    };
  }

  /** Every call is begun when it arrives: the backend sees them in the order in which they were made. */
  async hear({ id, call, of }: Request): Promise<void> {
    try {
      const value = await (this.#answers[call] as (of: unknown) => unknown)(of);
      this.#send({ id, value: value ?? null });
    } catch (error) {
      this.#send({ id, error: sendable(error) });
    }
  }

  async end(): Promise<void> {
    for (const device of this.#devices.values()) await device[Symbol.asyncDispose]();
  }

  #device(number: number): Device {
    const device = this.#devices.get(number);
    if (device === undefined) throw new RangeError(`There is no device ${number}`);
    return device;
  }

  #session(number: number): Session {
    const session = this.#sessions.get(number);
    if (session === undefined) throw new RangeError(`There is no session ${number}`);
    return session;
  }

  async #open(backend: Backend, id: string): Promise<Calls["open"]["gives"]> {
    const device = await backend.open(id);
    const number = this.#next++;
    this.#devices.set(number, device);
    device.lost.then((loss) => this.#send({ lost: number, loss }));
    return { device: number, info: device.info, measuresEnergy: device.energy !== undefined };
  }

  async #load(
    device: number,
    plan: Calls["load"]["of"]["plan"],
    checkpoint: Calls["load"]["of"]["checkpoint"],
  ): Promise<Calls["load"]["gives"]> {
    const session = await this.#device(device).load(plan, checkpoint);
    const number = this.#next++;
    this.#sessions.set(number, session);
    return { session: number, memory: session.memory() };
  }

  async #read(
    session: number,
    name: Calls["read"]["of"]["name"],
    length: number,
    double: boolean,
  ): Promise<Float32Array | Float64Array> {
    const into = double ? new Float64Array(length) : new Float32Array(length);
    await this.#session(session).read(name, into);
    return into;
  }
}
