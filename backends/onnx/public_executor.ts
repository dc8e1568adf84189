/**
 * Runs a graph through the public API: where the raw module cannot be had (a browser), and on WebGPU.
 *
 * @module
 */
import type { Beginning, StepValues } from "./executor.ts";
import { importOrt } from "./import_ort.ts";
import { partLength } from "./layout.ts";
import { NEXT } from "./step_graph.ts";

/** What is used of a tensor of onnxruntime-web. */
interface OrtTensor {
  readonly data: Float32Array | BigInt64Array;
  readonly location: string;
  getData(): Promise<Float32Array>;
  dispose(): void;
}

/** What is used of a session of onnxruntime-web. */
interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** What is used of onnxruntime-web; a page can give the module that it has loaded itself. */
export interface OrtModule {
  readonly env: {
    readonly wasm: { numThreads?: number };
    /** The device is there once a session has been made. */
    readonly webgpu?: { readonly device?: { readonly lost: Promise<{ message: string }> } };
  };
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<OrtSession>;
  };
  readonly Tensor: new (
    type: "float32" | "int64" | "bool",
    data: Float32Array | BigInt64Array | Uint8Array,
    dims: readonly number[],
  ) => OrtTensor;
}

/** Where the graph runs. */
export type Provider = "wasm" | "webgpu";

/**
 * The public module for a provider.
 *
 * @param provider where graphs will run
 * @throws {Error} when it cannot be had
 */
export async function publicOrt(provider: Provider): Promise<OrtModule> {
  const { Worker } = globalThis;
  try {
    return await importOrt<OrtModule>(`/${provider}`);
  } finally {
    globalThis.Worker = Worker;
  }
}

let busy: Promise<unknown> = Promise.resolve();

/** One call after another, over all sessions: the build for WebGPU breaks when one begins while another waits for the device. */
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const done = busy.then(call);
  busy = done.catch(() => {});
  return done;
}

type Lost = Promise<{ message: string }>;

/** Who is to hear that a device is gone. */
const listeners = new WeakMap<Lost, Set<(message: string) => void>>();

/**
 * Listens for the loss of a device, which outlives sessions: what waited for its promise itself would be held as long as the device.
 *
 * @param lost settles when the device is gone
 * @param tell called then
 * @returns ends it
 */
function listen(lost: Lost, tell: (message: string) => void): () => void {
  let all = listeners.get(lost);
  if (all === undefined) {
    const own = new Set<(message: string) => void>();
    listeners.set(lost, all = own);
    lost.then(({ message }) => own.forEach((tell) => tell(message)));
  }
  all.add(tell);
  return () => all.delete(tell);
}

/** A graph in a session of the public API. On WebGPU its state stays on the device, on WebAssembly it is copied twice a step. */
export class PublicExecutor {
  readonly immediate = false;
  readonly scratch: number;
  readonly lost?: Promise<string>;
  readonly #ort: OrtModule;
  readonly #session: OrtSession;
  readonly #dims: ReadonlyMap<string, readonly number[]>;
  /** What goes into the next step. */
  #state: Map<string, OrtTensor>;
  /** What came out of the last one. */
  #shown = new Map<string, OrtTensor>();
  /** Ends listening for the loss of the device: that the runtime gives it back with its last session is none. */
  readonly #deafen: () => void = () => {};

  private constructor(
    ort: OrtModule,
    session: OrtSession,
    { step, counts, fill }: Beginning,
    lost: Lost | undefined,
  ) {
    if (lost !== undefined) {
      const { promise, resolve } = Promise.withResolvers<string>();
      this.lost = promise;
      this.#deafen = listen(lost, (message) => resolve(`The GPU is gone: ${message}`));
    }
    this.#ort = ort;
    this.#session = session;
    const ports = [...step.graph.inputs, ...step.graph.outputs];
    this.#dims = new Map(ports.map(({ name, dims }) => [name, dims]));
    this.#state = new Map();
    let scratch = 0;
    for (const [name, part] of step.state) {
      const values = new Float32Array(partLength(part));
      fill(name, values);
      // Outputs stand beside the inputs.
      scratch += values.byteLength;
      this.#state.set(name, new ort.Tensor("float32", values, part.dims));
    }
    for (const name of ["step", "learned"] as const) {
      const count = BigInt64Array.of(BigInt(counts[name]));
      this.#state.set(name, new ort.Tensor("int64", count, []));
    }
    for (const { name, dims } of step.graph.outputs) {
      if (name.endsWith(NEXT)) continue;
      const zeros = new Float32Array(dims.reduce((product, size) => product * size, 1));
      this.#shown.set(name, new ort.Tensor("float32", zeros, dims));
    }
    this.scratch = scratch;
  }

  /**
   * Loads a graph.
   *
   * @param beginning the graph and its state
   * @param ort the module
   * @param provider where it runs
   */
  static async open(
    beginning: Beginning,
    ort: OrtModule,
    provider: Provider,
  ): Promise<PublicExecutor> {
    const { Worker } = globalThis;
    const stays = Array.from(
      beginning.step.state.keys(),
      (name) => [`${name}${NEXT}`, "gpu-buffer"],
    );
    try {
      const options = {
        executionProviders: [provider],
        logSeverityLevel: 3,
        ...(provider === "webgpu" ? { preferredOutputLocation: Object.fromEntries(stays) } : {}),
      };
      const create = () => ort.InferenceSession.create(beginning.model, options);
      const session = await inTurn(create);
      // A promise where the version asks for the device only then.
      const device = provider === "webgpu" ? await ort.env.webgpu?.device : undefined;
      return new PublicExecutor(ort, session, beginning, device?.lost);
    } finally {
      // As in the raw module, Node's Worker would be left in the place of the global one.
      globalThis.Worker = Worker;
    }
  }

  async step({ frame, external, learn, rate }: StepValues): Promise<Float32Array> {
    const { Tensor } = this.#ort;
    const given: Record<string, OrtTensor> = {
      frame: new Tensor("float32", frame, this.#dims.get("frame")!),
      external: new Tensor("float32", external, [external.length]),
      learn: new Tensor("bool", Uint8Array.of(Number(learn)), []),
      rate: new Tensor("float32", Float32Array.of(rate), []),
    };
    const feeds = Object.fromEntries(
      [...Object.entries(given), ...this.#state].filter(([name]) => this.#dims.has(name)),
    );
    const outputs = await inTurn(() => this.#session.run(feeds));
    const before = this.#state;
    this.#state = new Map(
      Array.from(before.keys(), (name) => [name, outputs[`${name}${NEXT}`]!]),
    );
    for (const name of this.#shown.keys()) this.#shown.set(name, outputs[name]!);
    for (const tensor of before.values()) tensor.dispose();
    return await this.read("mse");
  }

  async read(name: string): Promise<Float32Array> {
    const tensor = this.#state.get(name) ?? this.#shown.get(name)!;
    return await inTurn(() => tensor.getData());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#deafen();
    for (const tensor of [...this.#state.values(), ...this.#shown.values()]) tensor.dispose();
    await inTurn(() => this.#session.release());
  }
}
