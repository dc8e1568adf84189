/**
 * Where everything of a model lies in linear memory, computed before anything is allocated.
 *
 * @module
 */
import {
  frameLength,
  layerOf,
  offsetsOf,
  type Plan,
  signalLengths,
  type Sources,
  unitCount,
  weightCount,
} from "../../model/plan.ts";
import { ringLength } from "../../model/defer.ts";
import { paddedColumns } from "./panels.ts";
import {
  MODEL_WORDS,
  RUN_WORDS,
  SCALAR_COUNT,
  SCRATCH_WORDS,
  UNIT,
  UNIT_WORDS,
  type UnitField,
} from "./records.ts";
import { SYNC_BYTES } from "./threads.ts";

/** Bytes from the start of the model's memory, and the records that go there. */
export interface Placement {
  /** Bytes of everything. */
  readonly bytes: number;
  /** Of these, weights and momentum with their padding. */
  readonly weightBytes: number;
  /** The model record. */
  readonly model: number;
  /** The unit records, and their contents with pointers from the start. */
  readonly units: number;
  readonly unitRecords: Uint32Array;
  /** The runs of all sources, and their contents. */
  readonly runs: number;
  readonly runRecords: Uint32Array;
  /** First units of the chunks of work. */
  readonly chunk: number;
  readonly chunkStarts: Uint32Array;
  /** Per layer: rates and learning bits. */
  readonly rates: number;
  readonly learning: number;
  /** Powers of the momentum (deferred updates). */
  readonly powers: number;
  /** The two signal spaces. */
  readonly spaces: readonly [number, number];
  /** Bytes of the arriving frame. */
  readonly staging: number;
  /** Squared errors, steps x units. */
  readonly errors: number;
  /** Words that threads wait on. */
  readonly sync: number;
  /** One scratch record a thread, with pointers from the start. */
  readonly scratch: readonly { readonly at: number; readonly record: Uint32Array }[];
}

/** Hands out room, a cache line at a time. */
class Room {
  /** The first line is never handed out: offset 0 means that there is nothing. */
  bytes = 64;
  take(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }
  floats(count: number): number {
    return this.take(4 * count);
  }
}

/**
 * Places a model.
 *
 * @param plan the model
 * @param options how many threads work on it, how many steps' errors it keeps, and whether it has momentum matrices
 */
export function placeModel(
  plan: Plan,
  options: { readonly threads: number; readonly capacity: number; readonly momentum: boolean },
): Placement {
  const { threads, capacity, momentum } = options;
  const room = new Room();
  const count = unitCount(plan);
  const layers = plan.layerStart.length - 1;
  const spaceLength = frameLength(plan) + plan.external.motion + plan.external.parts +
    count * plan.hidden;
  const runs = packRuns(plan);
  const chunkStarts = cutChunks(plan, threads);
  const place = {
    model: room.take(4 * MODEL_WORDS),
    units: room.take(4 * UNIT_WORDS * count),
    runs: room.take(runs.records.byteLength),
    chunk: room.take(chunkStarts.byteLength),
    rates: room.floats(layers),
    learning: room.floats(layers),
    powers: room.floats(ringLength(plan.defer)),
    spaces: [room.floats(spaceLength), room.floats(spaceLength)] as const,
    staging: room.take(frameLength(plan)),
    errors: room.floats(capacity * count),
    sync: room.take(SYNC_BYTES),
  };
  const unitRecords = new Uint32Array(UNIT_WORDS * count);
  const layer = layerOf(plan);
  const signalLength = signalLengths(plan);
  let weightBytes = 0;
  for (let u = 0; u < count; u++) {
    const record = unitRecords.subarray(u * UNIT_WORDS, (u + 1) * UNIT_WORDS);
    const before = room.bytes;
    placeWeights(plan, u, record, momentum, room);
    weightBytes += room.bytes - before;
    record[UNIT.layer] = layer[u]!;
    record[UNIT.signalLength] = signalLength[u]!;
    record[UNIT.block] = plan.block[u]!;
    placeVectors(plan, record, room);
    if (plan.defer.every > 0) placePairs(plan, record, room);
    for (const kind of ["signal", "window", "motion", "context"] as const) {
      const [first, length] = runs.ranges[kind](u);
      record[UNIT[`${kind}Runs`]] = place.runs + 4 * RUN_WORDS * first;
      record[UNIT[`${kind}RunCount`]] = length;
    }
  }
  const widest = (field: UnitField) => {
    let most = 0;
    for (let u = 0; u < count; u++) {
      most = Math.max(most, unitRecords[u * UNIT_WORDS + UNIT[field]]!);
    }
    return most;
  };
  const signal = widest("signalLength");
  const output = widest("outputColumns");
  const hidden = hiddenColumns(plan);
  const extra = Math.max(output, hidden);
  const ring = ringLength(plan.defer);
  const scratch = Array.from({ length: threads }, () => ({
    at: room.take(4 * SCRATCH_WORDS),
    record: Uint32Array.from(
      [signal, output, hidden, hidden, output, signal, signal, extra, ring, ring * hidden],
      (length) => room.floats(length),
    ),
  }));
  return {
    ...place,
    bytes: room.bytes,
    weightBytes,
    unitRecords,
    runRecords: runs.records,
    chunkStarts,
    scratch,
  };
}

/** The matrices of a unit side by side: they are read one after another. */
function placeWeights(
  plan: Plan,
  u: number,
  record: Uint32Array,
  momentum: boolean,
  room: Room,
): void {
  const inputColumns = paddedColumns(plan.inputs[u]!);
  const outputColumns = paddedColumns(plan.outputs[u]!);
  record[UNIT.inputs] = plan.inputs[u]!;
  record[UNIT.inputColumns] = inputColumns;
  record[UNIT.outputs] = plan.outputs[u]!;
  record[UNIT.outputColumns] = outputColumns;
  record[UNIT.decoder] = room.floats((plan.hidden + 1) * outputColumns);
  if (momentum) record[UNIT.decoderMomentum] = room.floats((plan.hidden + 1) * outputColumns);
  record[UNIT.encoder] = room.floats(plan.hidden * inputColumns);
  if (momentum) record[UNIT.encoderMomentum] = room.floats(plan.hidden * inputColumns);
}

/** The vectors of a unit; layer, signal length and block stand in its record. */
function placeVectors(plan: Plan, record: Uint32Array, room: Room): void {
  const { rule, hidden } = plan;
  const signal = record[UNIT.signalLength]!;
  const put = (field: UnitField, length: number) => record[UNIT[field]] = room.floats(length);
  const input = record[UNIT.inputColumns]!;
  const output = record[UNIT.outputColumns]!;
  put("input", input);
  put("nextInput", input);
  put("hidden", hiddenColumns(plan));
  put("prediction", output);
  put("signal", signal);
  put("error", signal);
  if (rule.name === "saccade") {
    put("change", signal);
    put("scalars", SCALAR_COUNT);
    if (record[UNIT.layer] === 0 && plan.external.motion > 0) put("motion", signal);
    return;
  }
  if (rule.integral) put("integral", signal);
  if (rule.normalise) {
    put("minimum", hidden);
    put("maximum", hidden);
  }
  if (!rule.twoSteps) return;
  put("lagInput", input);
  put("lagHidden", hidden);
  put("lagPrediction", output);
  if (rule.autoencoder) put("signalPrevious", signal);
}

/** Values of a vector of H + 1, padded. */
export function hiddenColumns(plan: Plan): number {
  return paddedColumns(plan.hidden + 1);
}

/** The rings of pairs of a unit. */
function placePairs(plan: Plan, record: Uint32Array, room: Room): void {
  const ring = ringLength(plan.defer);
  record[UNIT.pairInputs] = room.floats(ring * record[UNIT.inputColumns]!);
  record[UNIT.pairDeltas] = room.floats(ring * hiddenColumns(plan));
  record[UNIT.pairHidden] = room.floats(ring * hiddenColumns(plan));
  record[UNIT.pairErrors] = room.floats(ring * record[UNIT.outputColumns]!);
}

/** All runs in one table, kind by kind. */
function packRuns(plan: Plan) {
  const records: number[] = [];
  const table = (sources: Sources, kinds?: Uint8Array) => {
    const first = records.length / RUN_WORDS;
    for (let i = 0; i < sources.index.length; i++) {
      records.push(sources.index[i]!, sources.length[i]!, kinds?.[i] ?? 0);
    }
    return (u: number): [number, number] => {
      const begin = sources.start[u]!;
      return [first + begin, sources.start[u + 1]! - begin];
    };
  };
  const ranges = {
    signal: table(plan.signal),
    window: table(plan.window),
    motion: table(plan.motion),
    context: table(plan.context, plan.contextKind),
  };
  return { ranges, records: Uint32Array.from(records) };
}

/** How many pieces each thread gets on average: enough to even out, few enough to claim. */
const CHUNKS_PER_THREAD = 16;

/** First units of pieces of about the same number of weights. */
function cutChunks(plan: Plan, threads: number): Uint32Array {
  const { encoder, decoder } = offsetsOf(plan);
  const count = unitCount(plan);
  const share = weightCount(plan) / (threads * CHUNKS_PER_THREAD);
  const starts = [0];
  for (let u = 1; u < count; u++) {
    if (encoder[u]! + decoder[u]! >= share * starts.length) starts.push(u);
  }
  return Uint32Array.from([...starts, count]);
}
