/** Counts what the built kernels do to the weights of a model while a real session of the wasm backend drives them. */
import { MODEL, MODEL_WORDS, UNIT, UNIT_WORDS, type UnitField } from "../backends/wasm/records.ts";
import type { Kernels } from "../kernels/load.ts";
import { instrument, type Loop, type Site } from "./instrument.ts";

/** A matrix of weights, of momentum, or of deferred pairs. */
const MATRICES = [
  "encoder",
  "encoderMomentum",
  "decoder",
  "decoderMomentum",
  "pairInputs",
  "pairDeltas",
  "pairHidden",
  "pairErrors",
] as const;

/** One of them. */
export type MatrixName = typeof MATRICES[number];

/** A value that was loaded so few accesses ago is at hand: an instruction that loads it again reads no memory. */
const AT_HAND = 64;

/** What a step did to one matrix of one unit. */
export interface MatrixCount {
  readonly unit: number;
  readonly layer: number;
  readonly matrix: MatrixName;
  /** Values, padding included. */
  readonly values: number;
  /** Rows as stored. */
  readonly rows: number;
  /** How often its values were read from memory, and stored: the fewest and the most times. */
  readonly reads: readonly [number, number];
  readonly stores: readonly [number, number];
}

/** What a step did. */
export interface StepCount {
  readonly matrices: readonly MatrixCount[];
  /** Different bytes of all matrices that were read, and stored. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Innermost loops that touch matrices. */
  readonly loops: ReadonlySet<Loop>;
  /** Bytes of the narrowest access to a matrix. */
  readonly narrowest: number;
  /** f32 multiplications of these loops, four an instruction. */
  readonly multiplications: number;
  /** Load instructions of these loops that load no weights. */
  readonly vectorLoads: number;
}

/** Of every module that was instrumented: a module may be instantiated again, long after it was compiled. */
const sitesOf = new WeakMap<WebAssembly.Module, readonly Site[]>();

/**
 * Instruments every module that is compiled from now on, until it is disposed: what `WebAssembly` compiles and instantiates is
 * the same module with calls of ours in it.
 */
export class CountedKernels implements Disposable {
  readonly #compile = WebAssembly.compile;
  readonly #Instance = WebAssembly.Instance;
  #sites: readonly Site[] = [];
  /** Times that each word of memory was read and stored in the last step, and the access that loaded it last. */
  #reads = new Uint8Array(0);
  #loaded = new Int32Array(0);
  #stores = new Uint8Array(0);
  /** Words of memory that belong to a matrix. */
  #weights = new Uint8Array(0);
  #accesses = 0;
  /** Executions of each site in the last step, and whether they met a matrix. */
  #executed = new Float64Array(0);
  #met = new Uint8Array(0);
  #matrices: (Omit<MatrixCount, "values" | "reads" | "stores"> & { begin: number; end: number })[] =
    [];

  /** Begins to instrument. */
  constructor() {
    // deno-lint-ignore no-this-alias
    const counts = this;
    WebAssembly.compile = async (bytes) => {
      const { binary, sites } = instrument(new Uint8Array(bytes as ArrayBuffer));
      const module = await counts.#compile.call(WebAssembly, binary);
      sitesOf.set(module, sites);
      return module;
    };
    WebAssembly.Instance = class {
      readonly exports: WebAssembly.Exports;
      constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
        counts.#sites = sitesOf.get(module) ?? [];
        const watch = {
          access: (site: number, offset: number, pointer: number) =>
            counts.#access(site, offset, pointer),
          move: (to: number, from: number, length: number) => counts.#move(to, from, length),
          multiply: (site: number) => void counts.#executed[site]!++,
        };
        const { exports } = new counts.#Instance(module, { ...imports, watch });
        const kernels = exports as unknown as Kernels;
        const memory = imports?.["./kernels_bg.js"]?.["memory"] as WebAssembly.Memory | undefined;
        const work = (model: number, scratch: number) => {
          counts.#begin((memory ?? kernels.memory).buffer, model);
          kernels.work(model, scratch);
        };
        this.exports = { ...exports, work };
      }
    } as typeof WebAssembly.Instance;
  }

  /** Instruments no more. */
  [Symbol.dispose](): void {
    WebAssembly.compile = this.#compile;
    WebAssembly.Instance = this.#Instance;
  }

  /** Finds the matrices in the records of a model, and counts from 0. */
  #begin(buffer: ArrayBufferLike, at: number): void {
    const words = buffer.byteLength / 4;
    this.#reads = new Uint8Array(words);
    this.#loaded = new Int32Array(words).fill(-AT_HAND);
    this.#accesses = 0;
    this.#stores = new Uint8Array(words);
    this.#weights = new Uint8Array(words);
    this.#executed = new Float64Array(this.#sites.length);
    this.#met = new Uint8Array(this.#sites.length);
    this.#matrices = [];
    const memory = new Uint32Array(buffer);
    const model = memory.subarray(at / 4, at / 4 + MODEL_WORDS);
    const hidden = model[MODEL.hidden]!;
    const units = memory[model[MODEL.chunk]! / 4 + model[MODEL.chunks]!]!;
    for (let unit = 0; unit < units; unit++) {
      const first = model[MODEL.unit]! / 4 + unit * UNIT_WORDS;
      const field = (name: UnitField) => memory[first + UNIT[name]]!;
      for (const matrix of MATRICES) {
        const begin = field(matrix) / 4;
        if (begin === 0) continue;
        const rows = matrix.startsWith("pair")
          ? model[MODEL.ring]!
          : matrix.startsWith("encoder")
          ? hidden
          : hidden + 1;
        const columns = /^encoder|Inputs$/.test(matrix)
          ? field("inputColumns")
          : /^decoder|Errors$/.test(matrix)
          ? field("outputColumns")
          : model[MODEL.hiddenColumns]!;
        const end = begin + rows * columns;
        this.#weights.fill(1, begin, end);
        this.#matrices.push({ unit, layer: field("layer"), matrix, rows, begin, end });
      }
    }
  }

  #access(index: number, offset: number, pointer: number): number {
    const site = this.#sites[index]!;
    const at = (pointer + offset) >>> 0;
    const end = (at + site.bytes + 3) >>> 2;
    this.#accesses++;
    for (let word = at >>> 2; word < end; word++) {
      if (site.reads) {
        if (this.#accesses - this.#loaded[word]! >= AT_HAND) this.#reads[word]!++;
        this.#loaded[word] = this.#accesses;
      }
      if (site.writes) this.#stores[word]!++;
      if (this.#weights[word] !== 0) this.#met[index] = 1;
    }
    this.#executed[index]!++;
    return pointer;
  }

  #move(to: number, from: number, length: number): void {
    for (let byte = 0; byte < length; byte += 4) {
      this.#stores[(to + byte) >>> 2]!++;
      if (from !== -1) this.#reads[(from + byte) >>> 2]!++;
    }
  }

  /** What the last step did. */
  lastStep(): StepCount {
    const range = (of: Uint8Array): [number, number] =>
      of.reduce(([least, most], n) => [Math.min(least, n), Math.max(most, n)], [Infinity, 0]);
    const different = (counts: Uint8Array) =>
      4 * counts.reduce((sum, n, word) => sum + Number(n > 0 && this.#weights[word] !== 0), 0);
    const met = this.#sites.filter((_, i) => this.#met[i] === 1);
    const loops = new Set(met.map(({ loop }) => loop).filter((loop) => loop !== null));
    const executed = (of: (site: Site) => boolean) =>
      this.#sites.reduce(
        (sum, site, i) =>
          sum + (site.loop !== null && loops.has(site.loop) && of(site) ? this.#executed[i]! : 0),
        0,
      );
    return {
      matrices: this.#matrices.map(({ begin, end, ...what }) => ({
        ...what,
        values: end - begin,
        reads: range(this.#reads.subarray(begin, end)),
        stores: range(this.#stores.subarray(begin, end)),
      })),
      bytesRead: different(this.#reads),
      bytesWritten: different(this.#stores),
      loops,
      narrowest: Math.min(...met.map(({ bytes }) => bytes)),
      multiplications: 4 * executed(({ bytes }) => bytes === 0),
      vectorLoads: executed((site) => site.reads && !met.includes(site)),
    };
  }
}
