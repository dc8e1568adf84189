/**
 * The step of a model that `export.ts` has written, in TensorFlow.js on its WebAssembly backend: units of equal shape in one
 * batch, SIMD, one thread.
 *
 * Two things of the library decide its speed. Its operators never write in place, so an update makes four new matrices. And of
 * its products only those of two plain matrices go to XNNPACK, batches and sums run in plain loops: so a batch of products with
 * vectors is done as a product element by element and one plain product with a column of ones: 1.2 times the steps a second.
 *
 * Threads: the library turns them off where it sees Node, which Deno resembles; its workers are started from blobs, which
 * Deno's `node:worker_threads` refuses; and it takes half as many threads as there are cores, one of two.
 *
 *     deno run --allow-all tfjs_step.ts FOLDER
 *
 * @module
 */
// deno-lint-ignore no-import-prefix
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
// deno-lint-ignore no-import-prefix
import { setWasmPaths, version_wasm } from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { fileURLToPath } from "node:url";
import type { Rule2016 } from "../../model/plan.ts";
import type { ExportedModel, Group } from "./export.ts";
import { answer } from "./protocol.ts";

const { add, concat, div, gather, matMul, mul, reshape, slice, square, sub, sum } = tf;

/** Tensors of a group, by name; a step replaces most of them. */
type State = Record<string, tf.Tensor>;

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

const ones = new Map<number, tf.Tensor2D>();

/** W x of a batch: [g, rows, columns] times [g, columns]. */
function product(weights: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const [g, rows, columns] = weights.shape as [number, number, number];
  if (!ones.has(columns)) ones.set(columns, tf.keep(tf.ones([columns, 1])));
  const terms = mul(weights, reshape(x, [g, 1, columns]));
  const flat = reshape(terms, [g * rows, columns]) as tf.Tensor2D;
  return reshape(matMul(flat, ones.get(columns)!), [g, rows]);
}

/** The first H entries of W' e of a batch. */
function transposed(weights: tf.Tensor, e: tf.Tensor, hidden: number): tf.Tensor {
  const [g, rows] = weights.shape as [number, number];
  const all = matMul(reshape(e, [g, 1, rows]) as tf.Tensor3D, weights as tf.Tensor3D);
  return reshape(slice(all, [0, 0, 0], [g, 1, hidden]), [g, hidden]);
}

function outer(d: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const g = d.shape[0]!;
  return mul(reshape(d, [g, d.shape[1]!, 1]), reshape(x, [g, 1, x.shape[1]!]));
}

/** z / (2 (|z| + 1)) + 1/2. */
function activate(z: tf.Tensor): tf.Tensor {
  return add(div(z, add(mul(tf.abs(z), 2), 2)), 0.5);
}

/** 1/2 (1 - |2 a - 1|)^2, from the activation. */
function slope(a: tf.Tensor): tf.Tensor {
  return mul(square(sub(1, tf.abs(sub(mul(a, 2), 1)))), 0.5);
}

/** What a rule is to the runner: tensors to begin with, and a step that makes the next ones. */
interface Steps {
  /** The state before the first frame: with `published` and `squares`. */
  start(state: State): State;
  step(state: State, space: tf.Tensor): State;
}

/** Rule 2016 with two-step prediction and normalised outputs. */
function rule2016(rule: Rule2016, group: Group, H: number): Steps {
  const g = group.units.length;
  const { signal: q, block, inputs: n, outputs: m } = group;
  const one = tf.keep(tf.ones([g, 1]));
  const predict = (state: State, lag: State): State => {
    const h = activate(product(state["encoder"]!, state["x"]!));
    const withBias = concat([h, one], 1);
    const p = activate(product(state["decoder"]!, withBias));
    const minimum = add(tf.minimum(h, state["minimum"]!), 1e-6);
    const maximum = sub(tf.maximum(h, state["maximum"]!), 1e-6);
    const published = div(sub(h, minimum), sub(maximum, minimum));
    return { ...state, ...lag, h: withBias, p, minimum, maximum, published };
  };
  return {
    start(state) {
      const lag = { lagX: tf.zeros([g, n]), lagH: tf.zeros([g, H + 1]), lagP: tf.zeros([g, m]) };
      return predict({
        ...state,
        encoderMomentum: tf.zeros([g, H, n]),
        decoderMomentum: tf.zeros([g, m, H + 1]),
        x: concat([tf.zeros([g, n - 1]), one], 1),
        last: tf.zeros([g, q]),
        minimum: tf.zeros([g, H]),
        maximum: tf.ones([g, H]),
        squares: tf.zeros([g]),
      }, lag);
    },
    step(state, space) {
      const { lagX, lagH, lagP, x, h, p, last, rate } = state as Record<string, tf.Tensor> & State;
      // score
      const now = gather(space, state["signalIndex"]!);
      const squares = sum(square(sub(now, slice(p!, [0, 0], [g, q]))), 1);
      // learn, from what was computed a step earlier
      const error = sub(concat([last!, now], 1), lagP!);
      const dz = mul(mul(error, slope(lagP!)), rate!);
      const back = transposed(state["decoder"]!, dz, H);
      const dh = mul(back, slope(slice(lagH!, [0, 0], [g, H])));
      const moved = (momentum: tf.Tensor, d: tf.Tensor, x: tf.Tensor) =>
        add(mul(momentum, rule.momentum), outer(d, x));
      const decoderMomentum = moved(state["decoderMomentum"]!, dz, lagH!);
      const encoderMomentum = moved(state["encoderMomentum"]!, dh, lagX!);
      const decoder = add(state["decoder"]!, decoderMomentum);
      const encoder = add(state["encoder"]!, encoderMomentum);
      // observe
      const blocks = [g, q / block, 1, block];
      const features = concat([reshape(now, blocks), reshape(last!, blocks)], 2);
      const context = gather(space, state["contextIndex"]!);
      const next = concat([reshape(features, [g, 2 * q]), context, one], 1);
      // predict
      return predict(
        {
          ...state,
          encoder,
          decoder,
          encoderMomentum,
          decoderMomentum,
          x: next,
          last: now,
          squares,
        },
        { lagX: x!, lagH: h!, lagP: p! },
      );
    },
  };
}

/** A model in the middle of its life. */
class Runner {
  readonly #model: ExportedModel;
  readonly #frames: Float32Array[];
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
    if (rule.name !== "2016") throw new RangeError("Only rule 2016 is written in TensorFlow.js");
    this.#steps = model.groups.map((group) => rule2016(rule, group, model.hidden));
    const places = this.#places();
    this.#states = model.groups.map((_, i) => {
      const index = (name: string) => tf.tensor(places(data.values(name)), shapeOf(name), "int32");
      const shapeOf = (name: string) => [...model.tensors[name]!.shape];
      const state: State = {
        encoder: data.tensor(`${i}.encoder`),
        decoder: data.tensor(`${i}.decoder`),
        rate: tf.reshape(data.tensor(`${i}.rate`), [-1, 1]),
        signalIndex: index(`${i}.signal`),
      };
      if (data.has(`${i}.context`)) state["contextIndex"] = index(`${i}.context`);
      return this.#replace(state, () => this.#steps[i]!.start(state));
    });
  }

  /** Hidden outputs are kept group after group, which saves putting them in order: indices are changed once instead. */
  #places(): (index: ArrayLike<number>) => Int32Array {
    const { groups, units, hidden, frame, external } = this.#model;
    const head = frame + external;
    const order = groups.flatMap((group) => group.units);
    const place = new Int32Array(units);
    for (const [at, unit] of order.entries()) place[unit] = at;
    return (index) =>
      Int32Array.from(
        index,
        (i) =>
          i < head
            ? i
            : head + place[Math.floor((i - head) / hidden)]! * hidden + (i - head) % hidden,
      );
  }

  /** Makes the next state and frees what is not in it. */
  #replace(old: State, make: () => State): State {
    const next = tf.tidy(make as () => tf.TensorContainerObject) as State;
    const kept = new Set(Object.values(next));
    for (const tensor of Object.values(old)) if (!kept.has(tensor)) tensor.dispose();
    return next;
  }

  step(): void {
    const frame = this.#frames[this.#t++ % this.#frames.length]!;
    const space = tf.tidy(() => {
      const published = this.#states.map(({ published }) => reshape(published!, [-1]));
      return concat([tf.tensor1d(frame), ...published] as tf.Tensor1D[]);
    });
    this.#states = this.#states.map((state, i) =>
      this.#replace(state, () => this.#steps[i]!.step(state, space))
    );
    space.dispose();
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
  const binary = "npm:@tensorflow/tfjs-backend-wasm@4.22.0/dist/tfjs-backend-wasm-simd.wasm";
  setWasmPaths(fileURLToPath(new URL("./", import.meta.resolve(binary))));
  await tf.setBackend("wasm");
  if (!await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) throw new Error("There is no SIMD here");
  const runner = new Runner(Deno.args[0]!);
  await answer(version_wasm, runner);
}
