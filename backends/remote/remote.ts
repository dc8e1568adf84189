/**
 * A backend that runs elsewhere: the whole contract, word for word, through a channel.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Plan } from "../../model/plan.ts";
import {
  API_VERSION,
  type Backend,
  type Device,
  type DeviceInfo,
  DeviceLostError,
  type MemoryReport,
  type Readable,
  type Session,
  type StepInput,
  type StepOptions,
  type StepReports,
  type Verdict,
} from "../backend.ts";
import { BackendError } from "../errors.ts";
import { checkInput } from "../session_input.ts";
import type { Channel } from "./channel.ts";
import { Connection } from "./connection.ts";

/**
 * The backend at the other end of a channel, where {@linkcode serve} answers.
 *
 * @param channel the caller's end
 * @returns a backend whose steps are promises; when the channel closes all its devices are lost
 * @throws {BackendError} when the other end speaks another version of the contract
 * @throws {DeviceLostError} when the channel closes before it has said who it is
 */
export async function remoteBackend(channel: Channel): Promise<Backend> {
  const connection = new Connection(channel);
  const { apiVersion, name } = await connection.call("hello", null);
  if (apiVersion !== API_VERSION) {
    throw new BackendError(
      `Backend "${name}" was written for version ${apiVersion} of the contract, this is version ${API_VERSION}`,
    );
  }
  return {
    apiVersion,
    name,
    probe: () => connection.call("probe", null),
    async open(id) {
      return new RemoteDevice(connection, await connection.call("open", { id }));
    },
  };
}

class RemoteDevice implements Device {
  readonly info: DeviceInfo;
  readonly lost: Device["lost"];
  readonly energy?: NonNullable<Device["energy"]>;
  readonly #connection: Connection;
  readonly #number: number;
  readonly #verdicts = new WeakMap<Plan, Verdict>();
  /** Why every call is refused; null while the device is there. */
  #goneBy: string | null = null;
  #lose: (loss: Awaited<Device["lost"]>) => void;

  constructor(
    connection: Connection,
    { device, info, measuresEnergy }: { device: number; info: DeviceInfo; measuresEnergy: boolean },
  ) {
    const { promise, resolve } = Promise.withResolvers<Awaited<Device["lost"]>>();
    this.#connection = connection;
    this.#number = device;
    this.info = info;
    this.lost = promise;
    this.#lose = (loss) => {
      this.#goneBy ??= loss.message;
      resolve(loss);
    };
    connection.watch(device, this.#lose);
    if (measuresEnergy) {
      this.energy = () => this.#alive(() => connection.call("energy", { device }));
    }
  }

  accepts(plan: Plan): Verdict {
    this.checkAlive();
    const known = this.#verdicts.get(plan);
    if (known !== undefined) return known;
    const of = { device: this.#number, id: this.info.id, plan };
    const verdict = this.#connection.ask("accepts", of);
    this.#verdicts.set(plan, verdict);
    return verdict;
  }

  load(plan: Plan, checkpoint: Checkpoint): Promise<Session> {
    return this.#alive(async () => {
      const loaded = await this.#connection.call("load", {
        device: this.#number,
        plan,
        checkpoint,
      });
      return new RemoteSession(this, this.#connection, plan, checkpoint.step, loaded);
    });
  }

  async #alive<T>(call: () => Promise<T>): Promise<T> {
    this.checkAlive();
    return await call();
  }

  /** @throws {DeviceLostError} when the device is gone */
  checkAlive(): void {
    const why = this.#goneBy ?? this.#connection.closedBy;
    if (why !== null) throw new DeviceLostError(why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#goneBy !== null) return;
    this.#lose({ reason: "destroyed", message: "The device was closed" });
    // One whose end is gone has nothing left to close.
    await this.#connection.call("closeDevice", { device: this.#number }).catch(() => {});
  }
}

class RemoteSession implements Session {
  readonly #device: RemoteDevice;
  readonly #connection: Connection;
  readonly #plan: Plan;
  readonly #number: number;
  readonly #memory: MemoryReport;
  #step: number;
  #drained: number;
  #open = true;

  constructor(
    device: RemoteDevice,
    connection: Connection,
    plan: Plan,
    step: number,
    { session, memory }: { session: number; memory: MemoryReport },
  ) {
    this.#device = device;
    this.#connection = connection;
    this.#plan = plan;
    this.#number = session;
    this.#memory = memory;
    this.#step = this.#drained = step;
  }

  memory(): MemoryReport {
    return this.#memory;
  }

  step(input: StepInput, options: StepOptions = {}): Promise<void> {
    this.#check();
    // What can be refused here is refused at once, as by a backend that is at hand.
    const { deepDream: _, ...known } = options;
    checkInput(this.#plan, input, known);
    const gathered = this.#step - this.#drained;
    if (gathered >= this.#device.info.reportCapacity) {
      throw new RangeError(
        `${gathered} steps have not been reported: call report() before the next step`,
      );
    }
    this.#step++;
    return this.#make(input, options);
  }

  async #make({ frame, external }: StepInput, options: StepOptions): Promise<void> {
    // A frame may lie in shared memory, which a message would share instead of copying it.
    const input = external === undefined
      ? { frame: frame.slice() }
      : { frame: frame.slice(), external: external.slice() };
    try {
      await this.#connection.call("step", {
        session: this.#number,
        input,
        options: { ...options },
      });
    } catch (error) {
      // It was refused there, and is no step.
      this.#step--;
      throw error;
    }
  }

  async report(): Promise<StepReports> {
    this.#check();
    const report = await this.#connection.call("report", { session: this.#number });
    this.#drained = report.firstStep + report.steps;
    return report;
  }

  async read(name: Readable, into: Float32Array | Float64Array): Promise<void> {
    this.#check();
    const double = into instanceof Float64Array;
    const { length } = into;
    into.set(await this.#connection.call("read", { session: this.#number, name, length, double }));
  }

  async save(): Promise<Checkpoint> {
    this.#check();
    return await this.#connection.call("save", { session: this.#number });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#connection.call("closeSession", { session: this.#number }).catch(() => {});
  }

  #check(): void {
    this.#device.checkAlive();
    if (!this.#open) throw new DeviceLostError("The session is closed: open the device again");
  }
}
