/**
 * A model on a device, and its return when the device is lost.
 *
 * @module
 */
import { type Device, DeviceLostError, type Session } from "../backends/backend.ts";
import { BackendError } from "../backends/errors.ts";
import { openFirst } from "../backends/auto.ts";
import { checkSession } from "../backends/plugin.ts";
import { type OpenDevice, openDevice } from "../backends/registry.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import type { StoredCheckpoint } from "../model/checkpoint_file.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import { offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import { loadCheckpoint } from "./checkpoint_store.ts";

/** What a run says when it lost its device and goes on. */
export interface Lost {
  /** Tells it from the other records. */
  readonly kind: "lost";
  /** The step it goes on from: that of the last checkpoint, or the first of the run. */
  readonly step: number;
  /** Steps that were made after it; what they learned is gone. */
  readonly lostSteps: number;
  /** How often this run has lost its device. */
  readonly losses: number;
  /** What the device said. */
  readonly message: string;
}

/** What is opened. */
export interface RunningOptions {
  readonly backend?: string;
  readonly threads?: number;
  readonly isolate?: boolean;
  /** Told which backend `auto` has chosen and why. */
  readonly note?: (sentence: string) => void;
  /** The state to begin with; a new one unless stated. */
  readonly resume?: StoredCheckpoint;
  /** Whether it is to be pruned on the way: the device must take that, too. Default false. */
  readonly prunes?: boolean;
}

/** Losses in a row that a run survives without getting further. */
const MOST_VAIN = 3;
/** A driver that restarts needs a moment: milliseconds before the second and third try. */
const PAUSES = [500, 2000];
/** A lost device is not waited for. */
const FAREWELL_MS = 5000;

/** Whether an error says that the device is gone; a plugin may have a class of its own of that name. */
export function isLoss(error: unknown): boolean {
  return error instanceof Error && error.name === DeviceLostError.name;
}

/** A model on a device. */
export class Running implements AsyncDisposable {
  #plan: Plan;
  readonly #options: RunningOptions;
  #opened: OpenDevice;
  #session: Session;
  /** The file with the last checkpoint of this run. */
  #kept: string | undefined;
  #from: StoredCheckpoint | undefined;
  #furthest: number;
  #vain = 0;
  #losses = 0;
  #open = true;

  private constructor(plan: Plan, options: RunningOptions, { opened, session }: Opened) {
    this.#plan = plan;
    this.#options = options;
    this.#opened = opened;
    this.#session = session;
    this.#from = options.resume;
    this.#furthest = options.resume?.checkpoint.step ?? 0;
  }

  /**
   * Opens a device and loads a model.
   *
   * @param plan the model
   * @param options where, and with which state
   * @throws {BackendError} when no device takes it
   */
  static async open(plan: Plan, options: RunningOptions): Promise<Running> {
    return new Running(plan, options, await open(plan, options, options.resume?.checkpoint));
  }

  /** The model, with the mask that it has now. */
  get plan(): Plan {
    return this.#plan;
  }

  /** The file's contents that the device was last opened with; nothing, where that was a new model. */
  get from(): StoredCheckpoint | undefined {
    return this.#from;
  }

  /** The session; another one after {@linkcode Running.reopen} and {@linkcode Running.become}. */
  get session(): Session {
    return this.#session;
  }

  /** The backend and its device, as in `wasm:relaxed`. */
  get backend(): string {
    const { name, device } = this.#opened;
    return `${name}:${device.info.id}`;
  }

  /** Says that the state of this run is in a file: it goes on from there should the device be lost. */
  keep(path: string): void {
    this.#kept = path;
  }

  /**
   * Goes on with another model on the same device: what is made of the one there is.
   *
   * @param make given the model and its state
   * @throws {BackendError} when the device cannot load it; the model is then what it was
   * @throws {DeviceLostError} when the device is lost meanwhile
   */
  async become(
    make: (
      plan: Plan,
      state: Checkpoint,
    ) => { readonly plan: Plan; readonly checkpoint: Checkpoint },
  ): Promise<void> {
    const { name, device } = this.#opened;
    const before = await this.#session.save();
    const { plan, checkpoint } = make(this.#plan, before);
    // Only one of them needs to fit at a time.
    await this.#session[Symbol.asyncDispose]();
    try {
      this.#session = await load(plan, device, name, checkpoint);
      this.#plan = plan;
    } catch (error) {
      if (isLoss(error)) throw error;
      this.#session = await load(this.#plan, device, name, before);
      throw error;
    }
  }

  /**
   * Opens the device again, with the state of the last checkpoint.
   *
   * @param loss what the session said
   * @param reported the step up to which errors are known
   * @param made the step it had come to
   * @returns a record of it
   * @throws {DeviceLostError} when it was lost several times and came no further, or cannot be opened again
   * @throws {CheckpointError} when the last checkpoint cannot be read
   */
  async reopen(loss: Error, reported: number, made: number): Promise<Lost> {
    this.#losses++;
    if (reported > this.#furthest) {
      this.#furthest = reported;
      this.#vain = 0;
    }
    const { message } = loss;
    await this.#close();
    if (++this.#vain > MOST_VAIN) {
      throw new DeviceLostError(
        `The device was lost ${this.#vain} times and came no further than step ${this.#furthest}: ${message}`,
        { cause: loss },
      );
    }
    const kept = this.#kept;
    const from = kept === undefined ? this.#options.resume : await loadCheckpoint(kept);
    const { mask: _, ...plan } = this.#plan;
    this.#plan = from?.mask === undefined ? plan : { ...plan, mask: from.mask };
    this.#from = from;
    ({ opened: this.#opened, session: this.#session } = await this.#again(from?.checkpoint));
    this.#open = true;
    const step = from?.checkpoint.step ?? 0;
    return { kind: "lost", step, lostSteps: made - step, losses: this.#losses, message };
  }

  async #again(state: Checkpoint | undefined): Promise<Opened> {
    for (let attempt = 0;; attempt++) {
      try {
        return await open(this.#plan, this.#options, state);
      } catch (error) {
        const pause = PAUSES[attempt];
        if (pause === undefined) {
          throw new DeviceLostError(
            `The device was lost and cannot be opened again: ${(error as Error).message}`,
            { cause: error },
          );
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** Ends the session and the device; what a lost one says to that is of no interest, nor whether it answers. */
  async #close(): Promise<void> {
    this.#open = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FAREWELL_MS);
    const farewell = async () => {
      await this.#session[Symbol.asyncDispose]();
      await this.#opened.device[Symbol.asyncDispose]();
    };
    await Promise.race([farewell().catch(() => {}), promise]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    await using _device = this.#opened.device;
    await this.#session[Symbol.asyncDispose]();
  }
}

interface Opened {
  readonly opened: OpenDevice;
  readonly session: Session;
}

async function open(
  plan: Plan,
  options: RunningOptions,
  state: Checkpoint | undefined,
): Promise<Opened> {
  const worst = options.prunes === true && plan.mask === undefined ? masked(plan) : plan;
  const opened = await openWished(worst, options);
  const { name, device } = opened;
  try {
    checkAccepted(worst, device, name);
    return { opened, session: await load(plan, device, name, state) };
  } catch (error) {
    await device[Symbol.asyncDispose]();
    throw error;
  }
}

/** A model with a mask that keeps everything: what takes it takes the model when it is pruned. */
function masked(plan: Plan): Plan {
  const { encoder, decoder } = offsetsOf(plan);
  const units = unitCount(plan);
  const mask = {
    encoder: new Uint8Array(encoder[units]!).fill(1),
    decoder: new Uint8Array(decoder[units]!).fill(1),
  };
  return { ...plan, mask };
}

function checkAccepted(plan: Plan, device: Device, name: string): void {
  const { ok, reasons } = device.accepts(plan);
  if (!ok) {
    throw new BackendError(`Backend "${name}" does not take this model: ${reasons.join("; ")}`);
  }
}

/** The device that is asked for, or the first that takes the model. */
async function openWished(plan: Plan, options: RunningOptions): Promise<OpenDevice> {
  const { backend = "wasm", threads, isolate = false, note } = options;
  const wishes = { ...(threads === undefined ? {} : { threads }), isolate };
  if (backend !== "auto") return await openDevice(backend, wishes);
  const choice = await openFirst(plan, wishes);
  note?.(choice.why);
  return choice;
}

async function load(
  plan: Plan,
  device: Device,
  name: string,
  resumed: Checkpoint | undefined,
): Promise<Session> {
  checkAccepted(plan, device, name);
  const precision = device.info.id === "f64" ? "f64" : "f32";
  const state = resumed ?? initialCheckpoint(plan, { precision });
  try {
    const dense = device.info.defers ? state : denseCheckpoint(plan, state);
    const session = await device.load(plan, dense);
    checkSession(name, session);
    return session;
  } catch (error) {
    if (isLoss(error)) throw error;
    throw new BackendError(
      `Backend "${name}" cannot load this model: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
