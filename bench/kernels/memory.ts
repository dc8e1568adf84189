/**
 * A model laid out for a rung (`src/model.rs` has the same records): written from a checkpoint, advanced, read back.
 *
 * @module
 */
import { PAGE, STACK } from "../../kernels/load.ts";
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import {
  frameLength,
  layerOf,
  offsetsOf,
  type Plan,
  type Rule2016,
  signalLengths,
  type Sources,
  unitCount,
  weightCount,
} from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import { SYNC_BYTES } from "../../backends/wasm/threads.ts";
import { BASE, MODEL, type ModelField, UNIT, type UnitField, VECTORS } from "./records.ts";
import { eachWeight, type Layout, paddedTo } from "./layout.ts";

/** Pieces of work for each thread. */
const CHUNKS_PER_THREAD = 16;

/** A model in the memory of a rung. */
export class LadderMemory {
  readonly plan: Plan;
  readonly memory: WebAssembly.Memory;
  /** Addresses of the model record, of each thread's scratch, of the words that threads wait on. */
  readonly model: number;
  readonly scratch: readonly number[];
  readonly sync: number;
  /** First units of the pieces of work; of as many equal shares as there are threads. */
  readonly chunks: Uint32Array;
  readonly shares: Uint32Array;
  step = 0;
  readonly #layout: Layout;
  readonly #words: Uint32Array;
  readonly #floats: Float32Array;
  readonly #units: number;
  readonly #spaces: readonly [number, number];
  readonly #offsets: ReturnType<typeof offsetsOf>;
  #end: number;

  /**
   * Lays a model out and writes its first state.
   *
   * @param plan a model of rule 2016 with polynomial activation, no autoencoder and no delays over 1
   * @param checkpoint its first state
   * @param layout how matrices are stored
   * @param threads how many work on it
   * @throws {TypeError} for another model
   */
  constructor(plan: Plan, checkpoint: Checkpoint, layout: Layout, threads: number) {
    const { rule } = plan;
    if (
      rule.name !== "2016" || rule.activation !== "polynomial" || rule.autoencoder ||
      plan.maxDelay > 1
    ) throw new TypeError("The ladder runs rule 2016 as the built-in models have it, nothing else");
    this.plan = plan;
    this.#layout = layout;
    this.#offsets = offsetsOf(plan);
    this.#end = BASE + (threads + 1) * STACK;
    const count = unitCount(plan);
    const momentum = 2 * 4 * 1.2 * weightCount(plan);
    const bytes = this.#end + momentum + 2 ** 22 + 400 * frameLength(plan);
    const pages = Math.ceil(bytes / PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#words = new Uint32Array(this.memory.buffer);
    this.#floats = new Float32Array(this.memory.buffer);
    this.model = this.#take(MODEL.length);
    this.#units = this.#take(UNIT.length * count);
    this.sync = this.#take(SYNC_BYTES / 4);
    this.chunks = cut(plan, threads * CHUNKS_PER_THREAD);
    this.shares = cut(plan, threads);
    const space = frameLength(plan) + count * plan.hidden;
    this.#spaces = [this.#take(space), this.#take(space)];
    this.#writeModel(rule);
    this.#writeUnits(rule);
    const widest = Math.max(...plan.outputs, ...signalLengths(plan), plan.hidden + 1);
    this.scratch = Array.from({ length: threads }, () => {
      const record = this.#take(5);
      for (let i = 0; i < 5; i++) this.#words[record / 4 + i] = this.#take(widest + 8);
      return record;
    });
    this.#eachPart(checkpoint.tensors, (part, i, place) => this.#floats[place] = part[i]!);
    this.#schedule(-1);
    this.#write("other", this.#spaces[0]);
  }

  /** Room for values, a cache line at a time. */
  #take(length: number): number {
    const at = this.#end;
    this.#end += Math.ceil(length / 16) * 64;
    if (this.#end > this.memory.buffer.byteLength) throw new RangeError("The model does not fit");
    return at;
  }

  #write(field: ModelField, value: number, as: Uint32Array | Float32Array = this.#words) {
    as[this.model / 4 + MODEL.indexOf(field)] = value;
  }

  #field(unit: number, field: UnitField): number {
    return (this.#units / 4) + unit * UNIT.length + UNIT.indexOf(field);
  }

  #table(values: Uint32Array): number {
    const at = this.#take(values.length);
    this.#words.set(values, at / 4);
    return at;
  }

  #writeModel(rule: Rule2016): void {
    const { plan } = this;
    const layers = plan.layerStart.length - 1;
    const bits = [
      rule.derivative,
      rule.integral,
      rule.error,
      rule.previous,
      rule.twoSteps,
      rule.normalise,
    ];
    this.#write("options", bits.reduce((sum, on, bit) => sum | (Number(on) << bit), 0));
    this.#write("hidden", plan.hidden);
    this.#write("units", this.#units);
    this.#write("chunk", this.#table(this.chunks));
    this.#write("chunks", this.chunks.length - 1);
    this.#write("hiddenAt", frameLength(plan));
    this.#write("errors", this.#take(unitCount(plan)));
    this.#write("rates", this.#take(layers));
    this.#write("learning", this.#take(layers));
    this.#write("tau", rule.tau, this.#floats);
    this.#write("momentum", rule.momentum, this.#floats);
    this.#write("bias", rule.bias, this.#floats);
  }

  #writeUnits(rule: Rule2016): void {
    const { plan } = this;
    const layers = layerOf(plan);
    const signals = signalLengths(plan);
    const signalRuns = this.#runs(plan.signal);
    const contextRuns = this.#runs(plan.context, plan.contextKind);
    for (let u = 0; u < unitCount(plan); u++) {
      const set = (field: UnitField, value: number) => this.#words[this.#field(u, field)] = value;
      const [inputs, outputs, signal] = [plan.inputs[u]!, plan.outputs[u]!, signals[u]!];
      set("layer", layers[u]!);
      set("signalLength", signal);
      set("outputs", outputs);
      set("block", plan.block[u]!);
      for (const name of ["decoder", "encoder"] as const) {
        const [rows, columns] = this.#shape(name, u);
        const stored = paddedTo(this.#layout, columns);
        set(name, this.#take(rows * stored));
        set(`${name}Momentum`, this.#take(rows * stored));
        set(`${name}Rows`, rows);
        set(`${name}Columns`, stored);
      }
      // Eight more than the values: what padded rows meet is zero.
      const vectors: readonly (readonly [readonly UnitField[], number])[] = [
        [["input", "nextInput"], inputs],
        [["hidden"], plan.hidden + 1],
        [["prediction"], outputs],
        [["signal"], signal],
        [rule.integral ? ["integral"] : [], signal],
        [rule.normalise ? ["minimum", "maximum"] : [], plan.hidden],
        [rule.twoSteps ? ["lagInput"] : [], inputs],
        [rule.twoSteps ? ["lagHidden"] : [], plan.hidden],
        [rule.twoSteps ? ["lagPrediction"] : [], outputs],
      ];
      for (const [fields, length] of vectors) {
        for (const field of fields) set(field, this.#take(length + 8));
      }
      for (
        const [kind, runs, sources] of [["signal", signalRuns, plan.signal], [
          "context",
          contextRuns,
          plan.context,
        ]] as const
      ) {
        set(`${kind}Runs`, runs + 12 * sources.start[u]!);
        set(`${kind}RunCount`, sources.start[u + 1]! - sources.start[u]!);
      }
    }
  }

  #runs(sources: Sources, kinds?: Uint8Array): number {
    const records = Array.from(
      sources.index,
      (index, i) => [index, sources.length[i]!, kinds?.[i] ?? 0],
    );
    return this.#table(Uint32Array.from(records.flat()));
  }

  /** Rows and columns of a matrix as stored, without padding. */
  #shape(name: string, u: number): [number, number] {
    const { plan } = this;
    if (name === "encoder") return [plan.hidden, plan.inputs[u]!];
    const [outputs, values] = [plan.outputs[u]!, plan.hidden + 1];
    return this.#layout.hiddenMajor ? [values, outputs] : [outputs, values];
  }

  /** Visits every value of the tensors that a rung keeps: the tensor, the index in it and the place in memory, in values. */
  #eachPart(
    tensors: Readonly<Record<string, Tensor>>,
    visit: (tensor: Tensor, index: number, place: number) => void,
  ): void {
    const { plan } = this;
    const H = plan.hidden;
    for (const [name, tensor] of Object.entries(tensors)) {
      if (name === "frame") continue;
      if (name === "published") {
        const at = this.#spaces[this.step & 1]! / 4 + frameLength(plan);
        for (let i = 0; i < tensor.length; i++) visit(tensor, i, at + i);
        continue;
      }
      const [matrix, momentum] = name.split(".");
      for (let u = 0; u < unitCount(plan); u++) {
        if (matrix === "encoder" || matrix === "decoder") {
          const at =
            this.#words[this.#field(u, momentum === undefined ? matrix : `${matrix}Momentum`)]! / 4;
          const begin = this.#offsets[matrix][u]!;
          const [rows, columns] = this.#shape(matrix, u);
          const transposed = matrix === "decoder" && this.#layout.hiddenMajor;
          eachWeight(this.#layout, rows, columns, (place, row, column) => {
            const index = transposed ? column * rows + row : row * columns + column;
            visit(tensor, begin + index, at + place);
          });
          continue;
        }
        const [field, kind] = VECTORS[name]!;
        const at = this.#words[this.#field(u, field)]! / 4;
        const [begin, end] = kind === "hidden"
          ? [u * H, (u + 1) * H]
          : [this.#offsets[kind][u]!, this.#offsets[kind][u + 1]!];
        for (let i = begin; i < end; i++) visit(tensor, i, at + i - begin);
      }
    }
  }

  #schedule(t: number): void {
    const { plan } = this;
    const rates = this.#words[this.model / 4 + MODEL.indexOf("rates")]! / 4;
    const learning = this.#words[this.model / 4 + MODEL.indexOf("learning")]! / 4;
    for (let layer = 0; layer + 1 < plan.layerStart.length; layer++) {
      const rate = rateAt(plan.rates, layer, t);
      this.#floats[rates + layer] = rate;
      this.#words[learning + layer] = Number(rate !== 0) |
        (rateAt(plan.rates, layer, t + 1) !== 0 ? 2 : 0);
    }
    this.#write("lateralFactor", Number(t >= plan.contextFrom[0]!), this.#floats);
    this.#write("feedbackFactor", Number(t >= plan.contextFrom[1]!), this.#floats);
  }

  /** Writes a frame and what the next step is to do. Whoever steps then lets the threads work, and calls {@linkcode done}. */
  prepare(frame: Uint8Array): void {
    const [space, other] = [this.#spaces[this.step & 1]!, this.#spaces[(this.step + 1) & 1]!];
    for (let i = 0; i < frame.length; i++) this.#floats[space / 4 + i] = frame[i]! / 255;
    this.#schedule(this.step);
    this.#write("space", space);
    this.#write("other", other);
    this.#write("claimed", 0);
  }

  /** All units have made their step. */
  done(): void {
    this.step++;
  }

  /** Copies tensors out: those of a checkpoint but for the frame. */
  read(lengths: Readonly<Record<string, number>>): Record<string, Float32Array> {
    const tensors = Object.fromEntries(
      Object.entries(lengths).filter(([name]) => name !== "frame")
        .map(([name, length]) => [name, new Float32Array(length)]),
    );
    this.#eachPart(tensors, (tensor, i, place) => tensor[i] = this.#floats[place]!);
    return tensors;
  }
}

/** First units of pieces of about the same number of weights. */
function cut(plan: Plan, pieces: number): Uint32Array {
  const { encoder, decoder } = offsetsOf(plan);
  const share = weightCount(plan) / pieces;
  const starts = [0];
  for (let u = 1; u < unitCount(plan); u++) {
    if (starts.length < pieces && encoder[u]! + decoder[u]! >= share * starts.length) {
      starts.push(u);
    }
  }
  return Uint32Array.from([...starts, unitCount(plan)]);
}
