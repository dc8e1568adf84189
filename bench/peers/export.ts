/**
 * A compiled model as a folder that a program in any language can read: `model.json` and one file of numbers. Units of equal
 * shape stand together in a group, so that a library of tensors can take them in one batch.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import {
  frameLength,
  layerOf,
  lengths,
  offsetsOf,
  type Plan,
  signalLengths,
  type Sources,
  unitCount,
} from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";

/** Units of equal shape. g is their number; tensors of the group are named by its index, a dot and their own name. */
export interface Group {
  /** Whether it is of layer 0. */
  readonly ground: boolean;
  /** Units, ascending. */
  readonly units: readonly number[];
  /** q: values of a unit's signal. */
  readonly signal: number;
  /** Values of one signal block. */
  readonly block: number;
  /** Values of a unit's context. */
  readonly context: number;
  /** n: columns of a unit's encoder. */
  readonly inputs: number;
  /** m: rows of a unit's decoder. */
  readonly outputs: number;
}

/** Where a tensor lies in `model.bin`, little-endian. */
export interface Placed {
  readonly type: "f32" | "i32" | "u8";
  readonly shape: readonly number[];
  /** Byte offset, a multiple of 4. */
  readonly at: number;
}

/** What `model.json` holds. */
export interface ExportedModel {
  readonly rule: Plan["rule"];
  /** H. */
  readonly hidden: number;
  readonly units: number;
  /** Values of a frame and of the external input of a step. */
  readonly frame: number;
  readonly external: number;
  readonly layerStart: readonly number[];
  readonly groups: readonly Group[];
  /**
   * `frames` [count, frame] and, with motion, `candidates` [count, external], in the order they are played. Of group 3, for
   * example: `3.encoder` [g, H, n], `3.decoder` [g, m, H + 1], `3.rate` [g], and where a unit finds its values: of layer 0
   * `3.signal` [g, q], `3.window` and `3.motion` in [frame | external], where there are any; above, `3.signal` [g, children],
   * and everywhere `3.context` [g, contexts], are the units whose hidden outputs of the step before are read.
   */
  readonly tensors: Readonly<Record<string, Placed>>;
}

/** Frames in the order they are played, and motion candidates where the model has motion. */
export interface ExportedInput {
  readonly frames: readonly Uint8Array[];
  readonly candidates: readonly Float32Array[];
}

/**
 * Puts units of equal shape together.
 *
 * @param plan a compiled model
 * @returns groups in the order of their first unit
 */
export function groupsOf(plan: Plan): Group[] {
  const layers = layerOf(plan);
  const signal = signalLengths(plan);
  const context = lengths(plan.context);
  const groups = new Map<string, Group & { units: number[] }>();
  for (let u = 0; u < unitCount(plan); u++) {
    const shape = {
      ground: layers[u] === 0,
      signal: signal[u]!,
      block: plan.block[u]!,
      context: context[u]!,
      inputs: plan.inputs[u]!,
      outputs: plan.outputs[u]!,
    };
    const key = JSON.stringify(shape);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...shape, units: [u] });
    else group.units.push(u);
  }
  return [...groups.values()];
}

/** Why the peers, which know the rules as the built-in models use them, would not run the same step. */
function check(plan: Plan): void {
  const { rule } = plan;
  const refuse = (what: string) => {
    throw new RangeError(`The peers do not run ${what}: export another model`);
  };
  if (plan.maxDelay > 1 || plan.external.parts > 0) refuse("models that are split");
  if (plan.contextFrom.some((from) => from > 0)) refuse("contexts that begin after step 0");
  for (let layer = 0; layer < plan.layerStart.length - 1; layer++) {
    if (rateAt(plan.rates, layer, 0) === 0) refuse("layers that do not learn from step 0");
  }
  if (rule.name !== "2016") return;
  if (rule.activation !== "polynomial") refuse(`activation "${rule.activation}"`);
  if (rule.derivative || rule.integral || rule.error || !rule.previous) {
    refuse("features other than the block and the block before");
  }
  if (!rule.twoSteps || !rule.normalise || rule.autoencoder || rule.bias !== 1) {
    refuse("rule 2016 without two-step prediction, normalised outputs and bias units");
  }
}

/**
 * Writes `model.json` and `model.bin`.
 *
 * @param plan a compiled model; all layers learn and all contexts are on from step 0
 * @param checkpoint its first state, f32
 * @param input what it will see
 * @param folder where to write; it exists
 * @returns what `model.json` holds
 * @throws {RangeError} for options that the peers do not know
 */
export async function exportModel(
  plan: Plan,
  checkpoint: Checkpoint,
  input: ExportedInput,
  folder: string,
): Promise<ExportedModel> {
  check(plan);
  const { encoder, decoder } = checkpoint.tensors;
  const at = offsetsOf(plan);
  const layers = layerOf(plan);
  const H = plan.hidden;
  const groups = groupsOf(plan);
  const tensors: Record<string, Placed> = {};
  let end = 0;
  using file = await Deno.open(`${folder}/model.bin`, {
    write: true,
    create: true,
    truncate: true,
  });
  const put = async (
    name: string,
    shape: readonly number[],
    parts: Iterable<Float32Array | Int32Array | Uint8Array>,
  ) => {
    const begin = end;
    let type: Placed["type"] = "f32";
    for (const part of parts) {
      type = part instanceof Float32Array ? "f32" : part instanceof Int32Array ? "i32" : "u8";
      await writeAll(file, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
      end += part.byteLength;
    }
    await writeAll(file, new Uint8Array(-end & 3));
    end += -end & 3;
    tensors[name] = { type, shape, at: begin };
  };
  for (const [i, { ground, units, context, inputs, outputs }] of groups.entries()) {
    const g = units.length;
    const cut = (from: ArrayLike<number>, starts: Float64Array) =>
      units.map((u) => (from as Float32Array).subarray(starts[u]!, starts[u + 1]!));
    await put(`${i}.encoder`, [g, H, inputs], cut(encoder!, at.encoder));
    await put(`${i}.decoder`, [g, outputs, H + 1], cut(decoder!, at.decoder));
    const rates = units.map((u) => rateAt(plan.rates, layers[u]!, 0));
    await put(`${i}.rate`, [g], [Float32Array.from(rates)]);
    const reads = (name: "signal" | "context") =>
      put(`${i}.${name}`, ...rowsOf(units.map((u) => readUnits(plan, plan[name], u))));
    if (context > 0) await reads("context");
    if (!ground) {
      await reads("signal");
      continue;
    }
    for (const name of ["signal", "window", "motion"] as const) {
      const rows = units.map((u) => indices(plan[name], u));
      if (rows[0]!.length > 0) await put(`${i}.${name}`, ...rowsOf(rows));
    }
  }
  const { frames, candidates } = input;
  await put("frames", [frames.length, frameLength(plan)], frames);
  if (plan.external.motion > 0) {
    await put("candidates", [candidates.length, plan.external.motion], candidates);
  }
  const model: ExportedModel = {
    rule: plan.rule,
    hidden: H,
    units: unitCount(plan),
    frame: frameLength(plan),
    external: plan.external.motion,
    layerStart: [...plan.layerStart],
    groups,
    tensors,
  };
  await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(model));
  return model;
}

/** The shape of rows of equal length, and they. */
function rowsOf(rows: Int32Array[]): [number[], Int32Array[]] {
  return [[rows.length, rows[0]!.length], rows];
}

/** The units whose hidden outputs a unit reads; libraries copy rows much faster than single values. */
function readUnits(plan: Plan, { start, index }: Sources, unit: number): Int32Array {
  const head = frameLength(plan) + plan.external.motion;
  return Int32Array.from(
    index.subarray(start[unit]!, start[unit + 1]!),
    (at) => (at - head) / plan.hidden,
  );
}

/** A unit's runs, element by element. */
function indices({ start, index, length }: Sources, unit: number): Int32Array {
  const out: number[] = [];
  for (let run = start[unit]!; run < start[unit + 1]!; run++) {
    for (let i = 0; i < length[run]!; i++) out.push(index[run]! + i);
  }
  return Int32Array.from(out);
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
