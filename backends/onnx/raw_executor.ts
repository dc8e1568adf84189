/**
 * Runs a graph where its state lies: outputs of a step are the inputs of the next, and weights are written in place.
 *
 * @module
 */
import { MOMENTUM_TENSORS, WEIGHT_TENSORS } from "../../model/state.ts";
import type { Beginning, StepValues } from "./executor.ts";
import { ELEMENT } from "./graph.ts";
import { MomentumScale } from "./momentum_scale.ts";
import { RawOrt, type RawTensor } from "./raw_ort.ts";
import { MOMENTUM_SCALE, NEXT, type StepGraph } from "./step_graph.ts";

/** The state in two places by turns: even steps read the first and write the second. */
type Turns = readonly [RawTensor, RawTensor];

/** A graph in the memory of ONNX Runtime. */
export class RawExecutor {
  readonly immediate = true;
  readonly scratch: number;
  readonly #ort: RawOrt;
  readonly #session: number;
  readonly #inputs = new Map<string, RawTensor>();
  readonly #outputs = new Map<string, RawTensor>();
  readonly #state = new Map<string, Turns>();
  readonly #turns: readonly ReturnType<RawOrt["prepare"]>[];
  readonly #parts: StepGraph["state"];
  readonly #scale: MomentumScale | undefined;
  #turn = 0;
  #step: number;

  private constructor(ort: RawOrt, session: number, { step, counts, fill }: Beginning) {
    this.#ort = ort;
    this.#session = session;
    this.#parts = step.state;
    this.#step = counts.step;
    const scaled = step.graph.inputs.some(({ name }) => name === MOMENTUM_SCALE);
    this.#scale = scaled ? new MomentumScale(step.layout.plan) : undefined;
    let scratch = 0;
    for (const [name, part] of step.state) {
      const tensor = ort.tensor(ELEMENT.float, part.dims);
      const inPlace = WEIGHT_TENSORS.includes(part.tensor);
      const other = inPlace ? tensor : ort.tensor(ELEMENT.float, part.dims);
      this.#state.set(name, [tensor, other]);
      if (!inPlace) scratch += other.bytes;
      fill(name, ort.floats(tensor));
    }
    for (const name of ["step", "learned"] as const) {
      const count = ort.tensor(ELEMENT.int64, []);
      new BigInt64Array(ort.bytes(count).buffer, count.at, 1)[0] = BigInt(counts[name]);
      this.#state.set(name, [count, ort.tensor(ELEMENT.int64, [])]);
    }
    for (const { name, element, dims } of step.graph.inputs) {
      if (this.#state.has(name)) continue;
      const tensor = ort.tensor(ELEMENT[element], dims);
      this.#inputs.set(name, tensor);
      scratch += tensor.bytes;
    }
    for (const { name, element, dims } of step.graph.outputs) {
      if (name.endsWith(NEXT)) continue;
      const tensor = ort.tensor(ELEMENT[element], dims);
      ort.bytes(tensor).fill(0);
      this.#outputs.set(name, tensor);
      scratch += tensor.bytes;
    }
    this.scratch = scratch;
    const declared = new Set(step.graph.inputs.map(({ name }) => name));
    this.#turns = [0, 1].map((turn) => {
      const inputs = new Map(this.#inputs);
      const outputs = new Map(this.#outputs);
      for (const [name, places] of this.#state) {
        if (declared.has(name)) inputs.set(name, places[turn]!);
        outputs.set(`${name}${NEXT}`, places[1 - turn]!);
      }
      return ort.prepare(session, inputs, outputs);
    });
  }

  /**
   * Loads a graph.
   *
   * @param beginning the graph and its state
   * @param threads the caller's included
   */
  static async open(beginning: Beginning, threads: number): Promise<RawExecutor> {
    const ort = await RawOrt.get(threads);
    return new RawExecutor(ort, await ort.load(beginning.model), beginning);
  }

  step({ frame, external, learn, rate }: StepValues): Float32Array {
    const ort = this.#ort;
    ort.floats(this.#inputs.get("frame")!).set(frame);
    const others = this.#inputs.get("external");
    if (others !== undefined) ort.floats(others).set(external);
    ort.bytes(this.#inputs.get("learn")!)[0] = Number(learn);
    ort.floats(this.#inputs.get("rate")!)[0] = rate;
    this.#decay(learn);
    this.#turns[this.#turn]!.run();
    this.#turn = 1 - this.#turn;
    return this.read("mse");
  }

  read(name: string): Float32Array {
    const tensor = this.#state.get(name)?.[this.#turn] ?? this.#outputs.get(name)!;
    const values = this.#ort.floats(tensor);
    const part = this.#parts.get(name);
    if (this.#scale === undefined || part === undefined) return values;
    if (!MOMENTUM_TENSORS.includes(part.tensor)) return values;
    const copy = values.slice();
    this.#scale.apply(part, copy);
    return copy;
  }

  /** Decays momentum, and every sixty steps or so brings it back to its own size. */
  #decay(learn: boolean): void {
    const scale = this.#scale;
    if (scale === undefined) return;
    if (scale.due) {
      for (const [name, part] of this.#parts) {
        if (MOMENTUM_TENSORS.includes(part.tensor)) {
          scale.apply(part, this.#ort.floats(this.#state.get(name)![0]));
        }
      }
      scale.settle();
    }
    scale.advance(this.#step++, learn);
    this.#ort.floats(this.#inputs.get(MOMENTUM_SCALE)!).set(scale.scales);
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const turn of this.#turns) turn.dispose();
    for (const tensor of [...this.#inputs.values(), ...this.#outputs.values()]) {
      this.#ort.release(tensor);
    }
    for (const [first, second] of this.#state.values()) {
      this.#ort.release(first);
      if (second !== first) this.#ort.release(second);
    }
    this.#ort.unload(this.#session);
    return Promise.resolve();
  }
}
