/**
 * Where everything of a model lies in linear memory, computed before anything is allocated.
 *
 * @module
 */
import {
  candidateCount,
  frameLength,
  layerOf,
  type Mask,
  offsetsOf,
  type Plan,
  signalLengths,
  type Sources,
  unitCount,
  weightCount,
} from "../../model/plan.ts";
import { ringLength } from "../../model/defer.ts";
import {
  codebookSize,
  formatOf,
  hasScales,
  isCodebookFormat,
  weightBytes,
} from "../../model/weight_format.ts";
import { isInOcts, keptOf } from "./kept.ts";
import { paddedColumns } from "./panels.ts";
import {
  MODEL_WORDS,
  PRUNED,
  RUN_WORDS,
  scalarCount,
  SCRATCH_WORDS,
  SHIFT_WORDS,
  UNIT,
  UNIT_WORDS,
  type UnitField,
} from "./records.ts";
import { GROUP } from "./places.ts";
import { placeShift, shiftRoom } from "./shift_memory.ts";
import { SYNC_BYTES } from "./threads.ts";
import { shapeOf, storedRows } from "./weight_memory.ts";
import { Room } from "./room.ts";

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
  /** Per layer: errors below which a unit does not learn. */
  readonly skipBelow: number;
  /** The records of shift candidates, where there are any, and their contents with pointers from the start. */
  readonly shift: number;
  readonly shiftRecords: Uint32Array;
  /** Powers of the momentum (deferred updates). */
  readonly powers: number;
  /** The two signal spaces. */
  readonly spaces: readonly [number, number];
  /** Bytes of the arriving frame. */
  readonly staging: number;
  /** Squared errors, steps x units. */
  readonly errors: number;
  /** Of a pruned model which quads are kept: tables, and where they go. */
  readonly kept: readonly { readonly at: number; readonly values: Uint32Array | Uint16Array }[];
  /** Of a unit's matrix, the bytes of its weights, of its momentum, and of the tables that say which are kept. */
  readonly matrixBytes: readonly MatrixBytes[];
  /** One of {@linkcode PRUNED}. */
  readonly pruned: number;
  /** Words that threads wait on. */
  readonly sync: number;
  /** One scratch record a thread, with pointers from the start. */
  readonly scratch: readonly { readonly at: number; readonly record: Uint32Array }[];
}

/** What the matrices of a unit take. */
export interface MatrixBytes {
  readonly encoder: number;
  readonly decoder: number;
  /** Tables of both, and their codebooks. */
  readonly index: number;
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
    plan.maxDelay * count * plan.hidden;
  const runs = packRuns(plan);
  const chunkStarts = cutChunks(plan, threads);
  const place = {
    model: room.take(4 * MODEL_WORDS),
    units: room.take(4 * UNIT_WORDS * count),
    runs: room.take(runs.records.byteLength),
    chunk: room.take(chunkStarts.byteLength),
    rates: room.floats(layers),
    learning: room.floats(layers),
    skipBelow: room.floats(plan.skipBelow?.length ?? 0),
    powers: room.floats(ringLength(plan.defer)),
    shift: room.floats(plan.patch === undefined ? 0 : SHIFT_WORDS * plan.layerStart[1]!),
    spaces: [room.floats(spaceLength), room.floats(spaceLength)] as const,
    staging: room.take(frameLength(plan)),
    errors: room.floats(capacity * count),
    sync: room.take(SYNC_BYTES),
  };
  const unitRecords = new Uint32Array(UNIT_WORDS * count);
  const layer = layerOf(plan);
  const signalLength = signalLengths(plan);
  let weightBytes = 0;
  const matrixBytes: MatrixBytes[] = [];
  const kept: Placement["kept"][number][] = [];
  const masks = plan.mask === undefined ? undefined : masksOf(plan, plan.mask);
  const inOcts = masks !== undefined && !isCodebookFormat(formatOf(plan)) && areInOcts(plan, masks);
  let pruned: number = masks === undefined ? PRUNED.no : inOcts ? PRUNED.inOcts : PRUNED.inQuads;
  // What products read of all units lies together, so that a step that only predicts reads one stream.
  const later: (() => void)[] = [];
  for (let u = 0; u < count; u++) {
    const record = unitRecords.subarray(u * UNIT_WORDS, (u + 1) * UNIT_WORDS);
    const before = room.bytes;
    record[UNIT.id] = u;
    record[UNIT.inputs] = plan.inputs[u]!;
    record[UNIT.inputColumns] = paddedColumns(plan.inputs[u]!);
    record[UNIT.outputs] = plan.outputs[u]!;
    record[UNIT.outputColumns] = paddedColumns(plan.outputs[u]!);
    // In the order in which they are read.
    const decoder = placeMatrix(plan, u, "decoder", { masks, inOcts, record, momentum, room });
    const encoder = placeMatrix(plan, u, "encoder", { masks, inOcts, record, momentum, room });
    kept.push(...decoder.kept, ...encoder.kept);
    if (!inOcts && (decoder.partial || encoder.partial)) pruned = PRUNED.partly;
    matrixBytes.push({
      encoder: encoder.bytes,
      decoder: decoder.bytes,
      index: encoder.index + decoder.index,
    });
    weightBytes += room.bytes - before;
    record[UNIT.layer] = layer[u]!;
    record[UNIT.signalLength] = signalLength[u]!;
    record[UNIT.block] = plan.block[u]!;
    later.push(() => {
      const before = room.bytes;
      decoder.placeRest();
      encoder.placeRest();
      weightBytes += room.bytes - before;
      placeVectors(plan, record, room);
      if (plan.defer.every > 0) placePairs(plan, record, room);
    });
    for (const kind of ["signal", "window", "motion", "context"] as const) {
      const [first, length] = runs.ranges[kind](u);
      record[UNIT[`${kind}Runs`]] = place.runs + 4 * RUN_WORDS * first;
      record[UNIT[`${kind}RunCount`]] = length;
    }
  }
  for (const place of later) place();
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
  const words = formatOf(plan) === "f32" && plan.mask === undefined
    ? 0
    : Math.max(output, widest("inputColumns"), hidden);
  const shiftRecords = plan.patch === undefined
    ? new Uint32Array()
    : placeShift(plan, (length) => room.floats(length), (u) => {
      const [first, length] = runs.ranges.patch(u);
      return [place.runs + 4 * RUN_WORDS * first, length];
    });
  const scratch = Array.from({ length: threads }, () => ({
    at: room.take(4 * SCRATCH_WORDS),
    record: Uint32Array.from(
      [
        signal,
        output,
        hidden,
        hidden,
        output,
        signal,
        signal,
        extra,
        ring,
        ring * hidden,
        words,
        words,
        ...shiftRoom(plan),
      ],
      (length) => room.floats(length),
    ),
  }));
  return {
    ...place,
    bytes: room.bytes,
    weightBytes,
    matrixBytes,
    kept,
    pruned,
    unitRecords,
    runRecords: runs.records,
    chunkStarts,
    scratch,
    shiftRecords,
  };
}

/** The masks of a unit's matrices. */
function masksOf(plan: Plan, mask: Mask) {
  const { encoder, decoder } = offsetsOf(plan);
  return {
    encoder: (u: number) => mask.encoder.subarray(encoder[u], encoder[u + 1]),
    decoder: (u: number) => mask.decoder.subarray(decoder[u], decoder[u + 1]),
  };
}

type Masks = ReturnType<typeof masksOf>;

function areInOcts(plan: Plan, masks: Masks): boolean {
  for (let u = 0; u < unitCount(plan); u++) {
    for (const name of ["decoder", "encoder"] as const) {
      if (!isInOcts(masks[name](u), shapeOf(plan, u, name))) return false;
    }
  }
  return true;
}

/** A matrix of a unit in its format, its scales or its codebook, and where it is pruned which quads are kept. */
function placeMatrix(
  plan: Plan,
  u: number,
  name: "encoder" | "decoder",
  { masks, inOcts, record, momentum, room }: {
    masks: Masks | undefined;
    inOcts: boolean;
    record: Uint32Array;
    momentum: boolean;
    room: Room;
  },
) {
  const mask = masks?.[name](u);
  const shape = shapeOf(plan, u, name);
  const format = formatOf(plan);
  // Places of a codebook are packed in groups of quads.
  const group = isCodebookFormat(format) ? GROUP : 1;
  let count = 4 * group *
    Math.ceil(storedRows(plan, shape) * paddedColumns(shape.columns) / (4 * group));
  let [index, partial] = [0, false];
  const kept: Placement["kept"][number][] = [];
  if (mask !== undefined) {
    const quads = keptOf(mask, shape, { inOcts, group });
    const startsAt = room.take(quads.starts.byteLength);
    const indexAt = room.take(quads.index.byteLength);
    record[UNIT[`${name}Starts`]] = startsAt;
    record[UNIT[`${name}Index`]] = indexAt;
    kept.push({ at: startsAt, values: quads.starts }, { at: indexAt, values: quads.index });
    index = quads.starts.byteLength + quads.index.byteLength;
    count = 4 * quads.index.length;
    partial = quads.partial;
  }
  const inBytes = format === "i8" && mask === undefined;
  const each = weightBytes(format);
  // The byte that only learning needs lies apart.
  const isApart = inBytes || isCodebookFormat(format);
  const size = codebookSize(format);
  index += 4 * size;
  record[UNIT[name]] = room.take((isApart ? each - 1 : each) * count);
  const placeRest = () => {
    if (isApart) record[UNIT[`${name}Lower`]] = room.take(count);
    if (momentum) record[UNIT[`${name}Momentum`]] = room.floats(count);
    if (inBytes) record[UNIT[`${name}Sums`]] = room.floats(storedRows(plan, shape));
    if (hasScales(format)) record[UNIT[`${name}Scale`]] = room.floats(storedRows(plan, shape));
    if (size > 0) {
      record[UNIT[`${name}Centroids`]] = room.floats(size);
      record[UNIT[`${name}Scale`]] = room.floats(1);
    }
  };
  return { bytes: each * count, index, kept, partial, placeRest };
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
  if (plan.surprise !== undefined) put("errorMean", 1);
  if (rule.name === "saccade") {
    put("change", signal);
    put("scalars", scalarCount(candidateCount(plan)));
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

/** All runs in one table, kind by kind. Hidden outputs of longer ago stand behind those of the last step. */
function packRuns(plan: Plan) {
  const records: number[] = [];
  const published = unitCount(plan) * plan.hidden;
  const table = (sources: Sources, kinds?: Uint8Array) => {
    const first = records.length / RUN_WORDS;
    for (let i = 0; i < sources.index.length; i++) {
      const ago = Math.max(sources.delay[i]! - 1, 0);
      records.push(sources.index[i]! + ago * published, sources.length[i]!, kinds?.[i] ?? 0);
    }
    return (u: number): [number, number] => {
      const begin = sources.start[u]!;
      return [first + begin, sources.start[u + 1]! - begin];
    };
  };
  const none = (): [number, number] => [0, 0];
  const ranges = {
    signal: table(plan.signal),
    window: table(plan.window),
    motion: table(plan.motion),
    context: table(plan.context, plan.contextKind),
    patch: plan.patch === undefined ? none : table(plan.patch),
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
