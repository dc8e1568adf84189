/**
 * The step of a model that `export.ts` has written, in TensorFlow.js: units of equal shape in one batch, SIMD, one thread.
 *
 *     deno run --allow-all tfjs_step.ts FOLDER
 *
 * @module
 */
import type { ExportedModel } from "./export.ts";
import { answer } from "./protocol.ts";
import { startWasm, type State, type Steps, tf } from "./tfjs.ts";
import { rule2016 } from "./tfjs_2016.ts";
import { ruleSaccade } from "./tfjs_saccade.ts";

/** The folder that was exported, and what it takes to read tensors. */
class Model {
  readonly #bytes: Uint8Array;
  readonly #model: ExportedModel;

  constructor(folder: string, model: ExportedModel) {
    this.#bytes = Deno.readFileSync(`${folder}/model.bin`);
    this.#model = model;
  }

  has(name: string): boolean {
    return this.#model.tensors[name] !== undefined;
  }

  values(name: string): Float32Array | Int32Array | Uint8Array {
    const { type, shape, at } = this.#model.tensors[name]!;
    const length = shape.reduce((product, size) => product * size, 1);
    const Values = { f32: Float32Array, i32: Int32Array, u8: Uint8Array }[type];
    return new Values(this.#bytes.buffer as ArrayBuffer, at, length);
  }

  tensor(name: string): tf.Tensor {
    const { type, shape } = this.#model.tensors[name]!;
    const values = this.values(name) as Float32Array | Int32Array;
    return tf.tensor(values, [...shape], type === "f32" ? "float32" : "int32");
  }
}

/** A model in the middle of its life. */
class Runner {
  readonly #model: ExportedModel;
  readonly #frames: Float32Array[];
  readonly #candidates: Float32Array[] = [];
  readonly #steps: Steps[];
  #states: State[];
  #t = 0;

  constructor(folder: string) {
    const model: ExportedModel = JSON.parse(Deno.readTextFileSync(`${folder}/model.json`));
    const data = new Model(folder, model);
    this.#model = model;
    const bytes = data.values("frames");
    this.#frames = Array.from({ length: bytes.length / model.frame }, (_, i) => {
      const frame = bytes.subarray(i * model.frame, (i + 1) * model.frame);
      return Float32Array.from(frame, (byte) => byte / 255);
    });
    const { rule } = model;
    this.#steps = model.groups.map((group) =>
      rule.name === "2016"
        ? rule2016(rule, group, model.hidden)
        : ruleSaccade(rule, group, model.hidden)
    );
    if (data.has("candidates")) {
      const values = data.values("candidates") as Float32Array;
      this.#candidates = Array.from(
        { length: values.length / model.external },
        (_, i) => values.subarray(i * model.external, (i + 1) * model.external),
      );
    }
    // Hidden outputs are kept group after group, which saves putting them in order: who reads them is told so.
    const place = new Int32Array(model.units);
    const order = model.groups.flatMap((group) => group.units);
    for (const [at, unit] of order.entries()) place[unit] = at;
    this.#states = model.groups.map(({ ground }, i) => {
      const units = (name: string) => {
        const shape = [...model.tensors[name]!.shape];
        return tf.tensor((data.values(name) as Int32Array).map((u) => place[u]!), shape, "int32");
      };
      const state: State = {
        encoder: data.tensor(`${i}.encoder`),
        decoder: data.tensor(`${i}.decoder`),
        rate: tf.reshape(data.tensor(`${i}.rate`), [-1, 1]),
        signalIndex: ground ? data.tensor(`${i}.signal`) : units(`${i}.signal`),
      };
      if (data.has(`${i}.context`)) state["contextIndex"] = units(`${i}.context`);
      for (const name of ["window", "motion"]) {
        if (data.has(`${i}.${name}`)) state[`${name}Index`] = data.tensor(`${i}.${name}`);
      }
      return this.#replace(state, () => this.#steps[i]!.start(state));
    });
  }

  /** Makes the next state and frees what is not in it. */
  #replace(old: State, make: () => State): State {
    const next = tf.tidy(make as () => tf.TensorContainerObject) as State;
    const kept = new Set(Object.values(next));
    for (const tensor of Object.values(old)) if (!kept.has(tensor)) tensor.dispose();
    return next;
  }

  step(): void {
    const t = this.#t++;
    const n = t % this.#frames.length;
    const parts = [this.#frames[n]!, ...this.#candidates.slice(n, n + 1)];
    const arriving = tf.tidy(() => ({
      frame: tf.concat(parts.map((values) => tf.tensor1d(values))),
      published: tf.concat(this.#states.map(({ published }) => published!), 0),
    }));
    this.#states = this.#states.map((state, i) =>
      this.#replace(state, () => this.#steps[i]!.step(state, arriving, t))
    );
    tf.dispose(arriving);
  }

  /** Mean squared error of each layer in the last step. */
  mse(): number[] {
    const { groups, layerStart } = this.#model;
    const layers = layerStart.length - 1;
    const [total, count] = [new Array<number>(layers).fill(0), new Array<number>(layers).fill(0)];
    for (const [i, { units, signal }] of groups.entries()) {
      const squares = this.#states[i]!["squares"]!.dataSync();
      for (const [k, unit] of units.entries()) {
        const layer = layerStart.findLastIndex((start) => start <= unit);
        total[layer]! += squares[k]!;
        count[layer]! += signal;
      }
    }
    return total.map((sum, layer) => sum / count[layer]!);
  }

  /** All tensors that are compared, group after group. */
  save(path: string): void {
    using file = Deno.openSync(path, { write: true, create: true, truncate: true });
    for (const state of this.#states) {
      for (const name of ["encoder", "decoder", "p", "published"]) {
        const values = state[name]!.dataSync() as Float32Array;
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      }
    }
  }
}

if (import.meta.main) {
  const version = await startWasm();
  const runner = new Runner(Deno.args[0]!);
  await answer(version, runner);
}
