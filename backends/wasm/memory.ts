/**
 * A model in linear memory: written from a checkpoint, read back into one.
 *
 * @module
 */
import type { Kernels } from "../../kernels/load.ts";
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import {
  candidateCount,
  frameLength,
  offsetsOf,
  type Plan,
  shiftOf,
  unitCount,
} from "../../model/plan.ts";
import { combinerPrior } from "../../model/initialise.ts";
import { ringLength } from "../../model/defer.ts";
import { MOMENTUM_TENSORS, stateLengths } from "../../model/state.ts";
import {
  codebookSize,
  formatOf,
  hasMomentum,
  isCodebookFormat,
} from "../../model/weight_format.ts";
import type { UnitState } from "../deferred_cost.ts";
import { optionBits } from "../option_bits.ts";
import { PairMemory } from "./pair_memory.ts";
import { hiddenColumns, type Placement } from "./placement.ts";
import {
  MODEL,
  MODEL_WORDS,
  POINTERS,
  PRUNED,
  scalarsOf,
  SHIFT_WORDS,
  UNIT,
  UNIT_WORDS,
  type UnitField,
} from "./records.ts";
import { ShiftMemory } from "./shift_memory.ts";
import { FORMAT_CODES, type MatrixName, WeightMemory } from "./weight_memory.ts";

/** The field of a unit record that holds a tensor, where it is a plain vector. */
const VECTORS: Readonly<Record<string, UnitField>> = {
  input: "input",
  hidden: "hidden",
  prediction: "prediction",
  signal: "signal",
  integral: "integral",
  minimum: "minimum",
  maximum: "maximum",
  change: "change",
  motion: "motion",
  error: "error",
  "error.mean": "errorMean",
  "lag.input": "lagInput",
  "lag.hidden": "lagHidden",
  "lag.prediction": "lagPrediction",
  "signal.previous": "signalPrevious",
  "encoder.scale": "encoderScale",
  "decoder.scale": "decoderScale",
  "encoder.codebook": "encoderCentroids",
  "decoder.codebook": "decoderCentroids",
};

/** The tensors that {@linkcode WeightMemory} stores. */
const MATRICES: Readonly<Record<string, UnitField>> = {
  encoder: "encoder",
  decoder: "decoder",
  "encoder.momentum": "encoderMomentum",
  "decoder.momentum": "decoderMomentum",
};

/** Whether {@linkcode ShiftMemory} stores a tensor. */
const isShift = (name: string) => name === "shift" || name.startsWith("shift.");

/** Views of a placed model. */
export class ModelMemory {
  readonly plan: Plan;
  readonly place: Placement;
  /** The model record, as integers and as floats. */
  readonly words: Uint32Array;
  readonly floats: Float32Array;
  /** Rates and learning bits, by layer. */
  readonly rates: Float32Array;
  readonly learning: Uint32Array;
  /** Byte offset of the model's memory, and of its record. */
  readonly base: number;
  readonly #buffer: ArrayBufferLike;
  readonly #units: Uint32Array;
  readonly #offsets: ReturnType<typeof offsetsOf>;
  readonly #scalars: ReturnType<typeof scalarsOf>;
  readonly #pairs: PairMemory | undefined;
  readonly #shift: ShiftMemory | undefined;

  /**
   * Claims memory and writes all records.
   *
   * @throws {RangeError} when the memory is too small
   */
  constructor(plan: Plan, place: Placement, kernels: Kernels) {
    this.plan = plan;
    this.place = place;
    this.#offsets = offsetsOf(plan);
    this.#scalars = scalarsOf(candidateCount(plan));
    const base = kernels.allocate(place.bytes);
    if (base === 0) throw new RangeError(`The WebAssembly memory has no ${place.bytes} bytes left`);
    if (kernels.model_size() !== 4 * MODEL_WORDS || kernels.unit_size() !== 4 * UNIT_WORDS) {
      throw new TypeError("The built kernels are not those of this version: run kernels/build.sh");
    }
    const { buffer } = kernels.memory;
    this.base = base;
    this.#buffer = buffer;
    const layers = plan.layerStart.length - 1;
    this.words = new Uint32Array(buffer, base + place.model, MODEL_WORDS);
    this.floats = new Float32Array(buffer, base + place.model, MODEL_WORDS);
    this.rates = new Float32Array(buffer, base + place.rates, layers);
    this.learning = new Uint32Array(buffer, base + place.learning, layers);
    this.#units = new Uint32Array(buffer, base + place.units, place.unitRecords.length);
    this.#writeRecords();
    this.#shift = this.#writeShift();
    if (plan.defer.every > 0) {
      this.#pairs = new PairMemory(plan, buffer, this.#units);
      this.#writeDefer();
    }
  }

  #writeDefer(): void {
    const { plan, place, base, words, floats } = this;
    const { every, window } = plan.defer;
    const momentum = hasMomentum(plan) && plan.rule.name === "2016" ? plan.rule.momentum : 0;
    words[MODEL.defer] = every;
    words[MODEL.window] = window;
    words[MODEL.ring] = ringLength(plan.defer);
    words[MODEL.powers] = base + place.powers;
    words[MODEL.hiddenColumns] = hiddenColumns(plan);
    floats[MODEL.gain] = 1 / (1 - momentum);
    const powers = new Float32Array(this.#buffer, base + place.powers, ringLength(plan.defer));
    for (let age = 0; age < powers.length; age++) {
      powers[age] = age < window ? momentum ** (age + 1) : 0;
    }
  }

  #writeShift(): ShiftMemory | undefined {
    const { plan, place, base, words, floats } = this;
    const shift = shiftOf(plan);
    if (shift === undefined) return undefined;
    words[MODEL.shifts] = shift.memories.length;
    words[MODEL.shiftRadius] = shift.radius;
    floats[MODEL.shiftPrior] = combinerPrior(plan)[2]!;
    floats.set(shift.memories, MODEL.shiftMemory0);
    words[MODEL.shift] = base + place.shift;
    const records = new Uint32Array(this.#buffer, base + place.shift, place.shiftRecords.length);
    // The first and the last word of a record are numbers, the others pointers.
    records.set(place.shiftRecords.map((value, i) => {
      const word = i % SHIFT_WORDS;
      return word === 0 || word === SHIFT_WORDS - 1 ? value : value + base;
    }));
    return new ShiftMemory(plan, this.#buffer, records);
  }

  #writeRecords(): void {
    const { plan, place, base, words, floats } = this;
    const { rule } = plan;
    this.#units.set(place.unitRecords);
    for (let at = 0; at < this.#units.length; at += UNIT_WORDS) {
      for (const field of POINTERS) {
        const word = at + UNIT[field];
        if (this.#units[word] !== 0) this.#units[word]! += base;
      }
    }
    new Uint32Array(this.#buffer, base + place.runs, place.runRecords.length).set(place.runRecords);
    for (const { at, values } of place.kept) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      new Uint8Array(this.#buffer, base + at, bytes.length).set(bytes);
    }
    new Uint32Array(this.#buffer, base + place.chunk, place.chunkStarts.length)
      .set(place.chunkStarts);
    for (const { at, record } of place.scratch) {
      new Uint32Array(this.#buffer, base + at, record.length).set(record.map((p) => p + base));
    }
    words[MODEL.rule] = rule.name === "2016" ? 2016 : 1;
    words[MODEL.hidden] = plan.hidden;
    words[MODEL.unit] = base + place.units;
    words[MODEL.chunk] = base + place.chunk;
    words[MODEL.chunks] = place.chunkStarts.length - 1;
    words[MODEL.hiddenAt] = frameLength(plan) + plan.external.motion + plan.external.parts;
    words[MODEL.format] = FORMAT_CODES[formatOf(plan)];
    words[MODEL.pruned] = place.pruned;
    words[MODEL.rates] = base + place.rates;
    words[MODEL.learning] = base + place.learning;
    if (plan.skipBelow !== undefined) {
      const at = base + place.skipBelow;
      new Float32Array(this.#buffer, at, plan.skipBelow.length).set(plan.skipBelow);
      words[MODEL.skipBelow] = at;
    }
    floats[MODEL.surprise] = plan.surprise ?? 0;
    if (rule.name === "2016") {
      words[MODEL.options] = optionBits(rule);
      floats[MODEL.tau] = rule.tau;
      floats[MODEL.momentum] = rule.momentum;
      floats[MODEL.bias] = rule.bias;
    } else {
      floats[MODEL.bias] = 1;
      floats[MODEL.encoderRate] = rule.encoderRate;
      floats[MODEL.decoderRate] = rule.decoderRate;
      floats[MODEL.motionPrior] = plan.external.motion > 0 ? 0.7 : 0;
    }
  }

  /** A signal space, or a part of one. */
  space(parity: number, begin = 0, end = this.words[MODEL.hiddenAt]!): Float32Array {
    const at = this.base + this.place.spaces[parity & 1]!;
    return new Float32Array(this.#buffer, at + 4 * begin, end - begin);
  }

  /** The hidden outputs in a signal space: those that are read first, then older ones. */
  hidden(parity: number): Float32Array {
    const begin = this.words[MODEL.hiddenAt]!;
    const { hidden, maxDelay } = this.plan;
    return this.space(parity, begin, begin + maxDelay * unitCount(this.plan) * hidden);
  }

  /** Squared errors of the units, steps x units. */
  errors(capacity: number): Float32Array {
    const length = capacity * unitCount(this.plan);
    return new Float32Array(this.#buffer, this.base + this.place.errors, length);
  }

  #vector(u: number, field: UnitField, length: number): Float32Array {
    return new Float32Array(this.#buffer, this.#units[u * UNIT_WORDS + UNIT[field]]!, length);
  }

  /** Where each unit's part of a tensor begins. */
  #begin(name: string): (u: number) => number {
    const { encoder, decoder, signal, input, output } = this.#offsets;
    const H = this.plan.hidden;
    const motion = this.plan.external.motion;
    if (name === "error.mean") return (u) => u;
    const isCodebook = isCodebookFormat(formatOf(this.plan));
    if (isCodebook && name.endsWith(".scale")) return (u) => u;
    if (name === "encoder.scale") return (u) => u * H;
    if (name === "decoder.scale") return (u) => u * (H + 1);
    if (name.endsWith(".codebook")) return (u) => u * codebookSize(formatOf(this.plan));
    if (name.startsWith("encoder")) return (u) => encoder[u]!;
    if (name.startsWith("decoder")) return (u) => decoder[u]!;
    if (name.endsWith("input")) return (u) => input[u]!;
    if (name.endsWith("prediction")) return (u) => output[u]!;
    if (/hidden$|^minimum$|^maximum$/.test(name)) return (u) => u * H;
    // Layer 0 comes first, and its candidates are as long as its signals.
    if (name === "motion") return (u) => Math.min(signal[u]!, motion);
    return (u) => signal[u]!;
  }

  /** Pairs every unit's part of a tensor with its place in memory. */
  #eachUnit(
    name: string,
    tensor: Tensor,
    plain: (part: Tensor, memory: Float32Array) => void,
    matrix: (part: Tensor, memory: WeightMemory) => void,
  ): void {
    const { plan } = this;
    const at = { buffer: this.#buffer, inOcts: this.place.pruned === PRUNED.inOcts };
    for (let u = 0; u < unitCount(plan); u++) {
      const scalars = this.#scalars[name];
      if (scalars !== undefined) {
        const [first, length] = scalars;
        const memory = this.#vector(u, "scalars", first + length).subarray(first);
        plain(tensor.subarray(u * length, (u + 1) * length), memory);
        continue;
      }
      const begin = this.#begin(name);
      const part = tensor.subarray(begin(u), begin(u + 1));
      if (MATRICES[name] !== undefined) {
        matrix(part, new WeightMemory(plan, u, name as MatrixName, this.#record(u), at));
      } else if (part.length > 0) {
        plain(part, this.#vector(u, VECTORS[name]!, part.length));
      }
    }
  }

  #record(u: number): Uint32Array {
    return this.#units.subarray(u * UNIT_WORDS, (u + 1) * UNIT_WORDS);
  }

  /** Writes a checkpoint's tensors; where updates are deferred the weights have the momentum in them. */
  write({ tensors, step, deferred }: Checkpoint): void {
    // Weights of fixed point are stored by their scales, others by their codebooks.
    const isGrid = (name: string) => name.endsWith(".scale") || name.endsWith(".codebook");
    const gridsFirst = Object.entries(tensors)
      .sort(([a], [b]) => Number(isGrid(b)) - Number(isGrid(a)));
    for (const [name, tensor] of gridsFirst) {
      if (name.startsWith("pairs.")) continue;
      if (!this.#holds(name)) continue;
      if (name === "frame") this.space(step + 1, 0, tensor.length).set(tensor);
      else if (name === "published") this.hidden(step).set(tensor);
      else if (isShift(name)) this.#shift!.write(name, tensor);
      else {
        this.#eachUnit(name, tensor, (part, memory) => memory.set(part), (part, memory) => {
          memory.write(part);
        });
      }
    }
    const { bias } = this.plan.rule.name === "2016" ? this.plan.rule : { bias: 1 };
    const H = this.plan.hidden;
    for (let u = 0; u < unitCount(this.plan); u++) this.#vector(u, "hidden", H + 1)[H] = bias;
    this.#pairs?.write(deferred === undefined ? null : tensors);
  }

  /** Whether there is room for a tensor: momentum that is 0 has none where updates are deferred. */
  #holds(name: string): boolean {
    const field = MATRICES[name];
    return field === undefined || this.#units[UNIT[field]] !== 0;
  }

  /**
   * Copies one tensor out.
   *
   * @param name as in a checkpoint, or `error`
   * @param step steps made
   * @param into as long as the tensor
   */
  read(name: string, step: number, into: Tensor): void {
    if (name === "frame") into.set(this.space(step + 1, 0, into.length));
    else if (name === "published") into.set(this.hidden(step).subarray(0, into.length));
    else if (isShift(name)) this.#shift!.read(name, into);
    else {
      this.#eachUnit(
        name,
        into,
        (part, memory) => part.set(memory),
        (part, memory) => memory.read(part),
      );
    }
  }

  /** Writes 1 for every unit that would have learned in the last step but for its small error, 0 for the others. */
  readSkipped(into: Uint8Array): void {
    for (let u = 0; u < into.length; u++) into[u] = this.#units[u * UNIT_WORDS + UNIT.skipped]!;
  }

  /** The counts of the pairs of a unit as they were at the last `markPairs`, where updates are deferred. */
  pairStates(): (unit: number) => UnitState {
    return this.#pairs!.states();
  }

  /** Notes the counts of the pairs, where there are any. */
  markPairs(): void {
    this.#pairs?.mark();
  }

  /** Whether a momentum that was loaded still counts. */
  #carries(): boolean {
    return this.#holds("encoder.momentum") && this.#pairs!.carried() < this.plan.defer.window;
  }

  /** All tensors of a checkpoint. */
  tensors(step: number): Record<string, Float32Array> {
    const out: Record<string, Float32Array> = {};
    for (const [name, length] of Object.entries(stateLengths(this.plan))) {
      if (this.#pairs !== undefined && MOMENTUM_TENSORS.includes(name) && !this.#carries()) {
        continue;
      }
      out[name] = new Float32Array(length);
      this.read(name, step, out[name]);
    }
    if (this.#pairs !== undefined) Object.assign(out, this.#pairs.read());
    return out;
  }
}
