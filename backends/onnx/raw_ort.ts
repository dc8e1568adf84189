/**
 * ONNX Runtime's WebAssembly module without its JavaScript API: tensors are places in its memory, which inputs and outputs share.
 *
 * The public API copies every tensor on its way in and out, and outputs that it is given beforehand come back wrong without a word
 * (onnxruntime#25786). The functions used here are those that it is made of; they are no promise of anybody, so the version is fixed.
 *
 * @module
 */
import { importOrt } from "./import_ort.ts";

/** The functions and memory of the module that are used. */
interface OrtModule {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  _malloc(bytes: number): number;
  _free(at: number): void;
  stackSave(): number;
  stackAlloc(bytes: number): number;
  stackRestore(at: number): void;
  setValue(at: number, value: number, type: "i32" | "*"): void;
  getValue(at: number, type: "*"): number;
  UTF8ToString(at: number): string;
  stringToUTF8(text: string, at: number, bytes: number): void;
  lengthBytesUTF8(text: string): number;
  _OrtInit(threads: number, logLevel: number): number;
  _OrtGetLastError(code: number, message: number): void;
  _OrtCreateSessionOptions(...settings: (number | boolean)[]): number;
  _OrtReleaseSessionOptions(options: number): void;
  _OrtCreateSession(model: number, bytes: number, options: number): number | Promise<number>;
  _OrtReleaseSession(session: number): void;
  _OrtCreateTensor(
    element: number,
    data: number,
    bytes: number,
    dims: number,
    rank: number,
    location: number,
  ): number;
  _OrtReleaseTensor(tensor: number): void;
  _OrtCreateRunOptions(logLevel: number, verbosity: number, stop: boolean, tag: number): number;
  _OrtReleaseRunOptions(options: number): void;
  _OrtRun(
    session: number,
    inputNames: number,
    inputs: number,
    inputCount: number,
    outputNames: number,
    outputCount: number,
    outputs: number,
    options: number,
  ): number | Promise<number>;
}

type Factory = (settings: { numThreads: number }) => Promise<OrtModule>;

/** Log only errors. */
const LOG_LEVEL = 3;
/** All optimisations. */
const OPTIMISE = 99;
/** In the memory of the module. */
const ON_CPU = 1;
/** Bytes of an element, by its number in TensorProto. */
const BYTES: Readonly<Record<number, number>> = { 1: 4, 7: 8, 9: 1 };
/** Pages that a memory shared by threads has from the start: 2 GiB, of which only what is touched is used. */
const SHARED_PAGES = 2 ** 15;

/** A tensor in the module's memory. */
export interface RawTensor {
  readonly handle: number;
  readonly at: number;
  readonly bytes: number;
}

const modules = new Map<number, Promise<RawOrt>>();

/** The module, initialised. */
export class RawOrt {
  readonly #module: OrtModule;

  private constructor(module: OrtModule) {
    this.#module = module;
  }

  /**
   * The module for a number of threads, made once.
   *
   * @param threads the caller's included
   * @throws {Error} when it cannot be had
   */
  static get(threads: number): Promise<RawOrt> {
    let module = modules.get(threads);
    if (module === undefined) {
      module = RawOrt.#create(threads);
      // A download that failed may succeed later.
      module.catch(() => modules.delete(threads));
      modules.set(threads, module);
    }
    return module;
  }

  static async #create(threads: number): Promise<RawOrt> {
    const { default: factory } = await importOrt<{ default: Factory }>(
      "/ort-wasm-simd-threaded.mjs",
    );
    const make = () => keepingWorker(() => factory({ numThreads: threads }));
    const module = threads === 1 ? await make() : await withFinalMemory(make);
    const ort = new RawOrt(module);
    ort.#check(module._OrtInit(threads, LOG_LEVEL), "cannot start");
    return ort;
  }

  /** Loads a model. */
  async load(model: Uint8Array): Promise<number> {
    const module = this.#module;
    const at = this.#allocate(model.length);
    module.HEAPU8.set(model, at);
    const options = module._OrtCreateSessionOptions(
      OPTIMISE,
      true,
      true,
      0,
      false,
      0,
      0,
      LOG_LEVEL,
      0,
      0,
    );
    const session = await module._OrtCreateSession(at, model.length, options);
    module._free(at);
    module._OrtReleaseSessionOptions(options);
    if (session === 0) throw this.#error("cannot load the graph");
    return session;
  }

  /** Ends a model. */
  unload(session: number): void {
    this.#module._OrtReleaseSession(session);
  }

  /**
   * A tensor.
   *
   * @param element its type, by the number in TensorProto
   * @param dims its shape
   * @param over a tensor whose memory it shares
   */
  tensor(element: number, dims: readonly number[], over?: RawTensor): RawTensor {
    const module = this.#module;
    const bytes = dims.reduce((product, size) => product * size, BYTES[element]!);
    const at = over?.at ?? this.#allocate(Math.max(bytes, 8));
    const stack = module.stackSave();
    const shape = module.stackAlloc(4 * Math.max(dims.length, 1));
    for (const [i, size] of dims.entries()) module.setValue(shape + 4 * i, size, "i32");
    const handle = module._OrtCreateTensor(element, at, bytes, shape, dims.length, ON_CPU);
    module.stackRestore(stack);
    if (handle === 0) throw this.#error("cannot make a tensor");
    return { handle, at, bytes };
  }

  /** Ends a tensor. */
  release({ handle, at }: RawTensor, shared = false): void {
    this.#module._OrtReleaseTensor(handle);
    if (!shared) this.#module._free(at);
  }

  /** The bytes of a tensor; a view that is good until the memory grows. */
  bytes({ at, bytes }: RawTensor): Uint8Array<ArrayBuffer> {
    return this.#module.HEAPU8.subarray(at, at + bytes);
  }

  /** The floats of a tensor; a view that is good until the memory grows. */
  floats({ at, bytes }: RawTensor): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#module.HEAPU8.buffer, at, bytes >> 2);
  }

  /**
   * Prepares to run a model over certain tensors.
   *
   * @param session what `load` gave
   * @param inputs tensors by name
   * @param outputs tensors by name, written by each run
   */
  prepare(
    session: number,
    inputs: ReadonlyMap<string, RawTensor>,
    outputs: ReadonlyMap<string, RawTensor>,
  ): { run: () => void; dispose: () => void } {
    const module = this.#module;
    const texts: number[] = [];
    const list = (values: readonly number[]) => {
      const at = this.#allocate(4 * Math.max(values.length, 1));
      for (const [i, value] of values.entries()) module.setValue(at + 4 * i, value, "*");
      return at;
    };
    const names = (tensors: ReadonlyMap<string, RawTensor>) =>
      list(Array.from(tensors.keys(), (name) => {
        const bytes = module.lengthBytesUTF8(name) + 1;
        const at = this.#allocate(bytes);
        module.stringToUTF8(name, at, bytes);
        texts.push(at);
        return at;
      }));
    const inputNames = names(inputs);
    const outputNames = names(outputs);
    const inputList = list(Array.from(inputs.values(), ({ handle }) => handle));
    const handles = Array.from(outputs.values(), ({ handle }) => handle);
    const outputList = list(handles);
    const options = module._OrtCreateRunOptions(LOG_LEVEL, 0, false, 0);
    return {
      run: () => {
        const code = module._OrtRun(
          session,
          inputNames,
          inputList,
          inputs.size,
          outputNames,
          outputs.size,
          outputList,
          options,
        );
        // Only the builds for WebGPU answer later.
        this.#check(code as number, "cannot run the graph");
      },
      dispose: () => {
        for (const at of [...texts, inputNames, outputNames, inputList, outputList]) {
          module._free(at);
        }
        module._OrtReleaseRunOptions(options);
      },
    };
  }

  #allocate(bytes: number): number {
    const at = this.#module._malloc(bytes) >>> 0;
    if (at === 0) throw new RangeError(`ONNX Runtime has no memory for ${bytes} bytes more`);
    return at;
  }

  #check(code: number, what: string): void {
    if (code !== 0) throw this.#error(what);
  }

  #error(what: string): Error {
    const module = this.#module;
    const stack = module.stackSave();
    const at = module.stackAlloc(8);
    module._OrtGetLastError(at, at + 4);
    const message = module.UTF8ToString(module.getValue(at + 4, "*"));
    module.stackRestore(stack);
    return new Error(`ONNX Runtime ${what}: ${message}`);
  }
}

/** Where it finds Node, the module puts Node's Worker in the place of the global one, which others use. */
async function keepingWorker<T>(make: () => Promise<T>): Promise<T> {
  const { Worker } = globalThis;
  try {
    return await make();
  } finally {
    globalThis.Worker = Worker;
  }
}

/**
 * Gives the module a memory that never grows: threads would go on with the old bounds, and hang at random (denoland/deno#35658).
 * The module makes its memory itself, so the constructor is another one meanwhile.
 */
async function withFinalMemory<T>(make: () => Promise<T>): Promise<T> {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      const final = descriptor.shared === true && descriptor.maximum !== 0;
      super(final ? { ...descriptor, initial: SHARED_PAGES, maximum: SHARED_PAGES } : descriptor);
    }
  };
  try {
    return await make();
  } finally {
    WebAssembly.Memory = Memory;
  }
}
