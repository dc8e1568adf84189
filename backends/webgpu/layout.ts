/**
 * Where a model lies in the buffers of a device: which units share a shard, where their vectors and matrices begin, and from where
 * they gather. Pure arithmetic: it needs no device.
 *
 * A binding has a largest size, so units are split into shards of neighbours; a shard is a dispatch. What all units read (input and
 * published hidden outputs) is one buffer for all shards.
 *
 * @module
 */
import { layerOf, lengths, type Plan, signalLengths, unitCount } from "../../model/plan.ts";

/** Invocations of a workgroup: the most that every device has. */
export const WORKGROUP = 256;
/** Workgroups of one dimension of a dispatch, on every device. */
const MOST_UNITS = 65535;
/** An entry of a unit's list is an index, of the input or of the published states with the first of these bits. */
export const PUBLISHED = 0x80000000;
/** Set where the entry is feedback (rule 2016: it may not count yet). */
export const FEEDBACK = 0x40000000;

/** Words at the head of the input buffer, in this order; four words a layer follow ({@linkcode LAYER_WORDS}), then frame and external. */
export const HEADER = [
  "first",
  "learn",
  "start",
  "mean_rate",
  "newest",
  "publishing",
  "slot",
  "parity",
  "lateral",
  "feedback",
  "step",
  "seed",
] as const;

/** Of each layer: the rate (a float), whether it learns now, whether it does in the next step. */
export const LAYER_WORDS = 4;

/** Words of a unit's record in the table, in this order. */
export const UNIT = [
  "inputs",
  "outputs",
  "signals",
  "features",
  "layer",
  "block",
  "encoder",
  "decoder",
  "input_at",
  "output_at",
  "signal_at",
  "list",
  "window",
  "id",
] as const;

/** How hidden outputs are spread over invocations: four a lane, `quads` lanes a row, `slices` rows at once. */
export interface Lanes {
  /** Groups of four that a row has. */
  readonly quads: number;
  /** Groups that are computed at once: all of them, up to a workgroup. */
  readonly width: number;
  /** Rows that are computed at once. */
  readonly slices: number;
}

/** The lanes of a row of `values` values. */
export function lanesOf(values: number): Lanes {
  const quads = Math.ceil(values / 4);
  const width = Math.min(quads, WORKGROUP);
  return { quads, width, slices: Math.floor(WORKGROUP / width) };
}

/** A part of a shard's state buffer: some values of each unit, one unit after the other. */
export interface Region {
  /** What WGSL calls it. */
  readonly name: string;
  /** The tensor of a checkpoint that it is; none for scratch. */
  readonly tensor?: string;
  /** Values of each unit. */
  readonly length: (unit: number) => number;
}

/** The regions of a plan, those of a checkpoint first. */
export function regionsOf(plan: Plan): Region[] {
  const { rule, hidden: H } = plan;
  const signals = signalLengths(plan);
  const motions = lengths(plan.motion);
  const input = (u: number) => plan.inputs[u]!;
  const output = (u: number) => plan.outputs[u]!;
  const signal = (u: number) => signals[u]!;
  const hidden = () => H;
  const regions: Region[] = [];
  const add = (name: string, length: Region["length"], tensor?: string) => {
    regions.push(tensor === undefined ? { name, length } : { name, length, tensor });
  };
  // Two inputs take turns. Which of them is the tensor of a checkpoint depends on the step: see `inputRegion`.
  add("input", input, "input");
  add("input_other", input);
  add("hidden", hidden, "hidden");
  add("prediction", output, "prediction");
  add("signal", signal, "signal");
  if (rule.name === "2016") {
    if (rule.integral) add("integral", signal, "integral");
    if (rule.normalise) {
      add("minimum", hidden, "minimum");
      add("maximum", hidden, "maximum");
    }
    if (rule.twoSteps) {
      add("lag_input", input, "lag.input");
      add("lag_hidden", hidden, "lag.hidden");
      add("lag_prediction", output, "lag.prediction");
      if (rule.autoencoder) add("signal_previous", signal, "signal.previous");
    }
  } else {
    add("change", signal, "change");
    if (plan.external.motion > 0) add("motion", (u) => motions[u]!, "motion");
    for (const name of ["scale", "variance", "power"]) add(name, () => 1, name);
    add("moments", () => 3, "combiner.moments");
    add("products", () => 2, "combiner.products");
    add("believed", () => 2, "combiner.weights");
  }
  add("arriving", signal);
  add("error", signal);
  add("delta", output);
  add("back", hidden);
  return regions;
}

/** The region that holds the input of a step. */
export function inputRegion(step: number): "input" | "input_other" {
  return step % 2 === 0 ? "input" : "input_other";
}

/** Some units that share buffers. */
export interface Shard {
  /** The first unit, and the one after the last. */
  readonly first: number;
  readonly end: number;
  /** Groups of four weights; momentum has as many. */
  readonly quads: number;
  /** Words of the table. */
  readonly table: number;
  /** Values of the state, and where each region begins. */
  readonly state: number;
  readonly places: Readonly<Record<string, number>>;
}

/** What limits a layout. */
export interface LayoutLimits {
  /** Bytes of the largest binding. */
  readonly binding: number;
  /** Reports that gather. */
  readonly capacity: number;
  /** Bytes of four weights. */
  readonly quadBytes: number;
}

/** Where a model lies. */
export interface Layout {
  readonly encoder: Lanes;
  readonly decoder: Lanes;
  readonly regions: readonly Region[];
  readonly shards: readonly Shard[];
  /** Words of an input buffer: head, frame, external. */
  readonly input: number;
  /** Where the frame begins in it. */
  readonly data: number;
  /** Values of the published states: one more than the plan keeps, for a step reads the others. */
  readonly published: number;
  /** Why it does not fit; the shards are not to be used then. */
  readonly reasons: readonly string[];
}

/** Words of a unit's lists. */
export function listLength(plan: Plan): (unit: number) => number {
  const all = [plan.signal, plan.window, plan.motion, plan.context].map(lengths);
  return (unit) => all.reduce((sum, length) => sum + length[unit]!, 0);
}

/** Groups of four weights of a unit's encoder and decoder. */
export function quadsOf(plan: Plan): { encoder(u: number): number; decoder(u: number): number } {
  const { quads: encoder } = lanesOf(plan.hidden);
  const { quads: decoder } = lanesOf(plan.hidden + 1);
  return {
    encoder: (u) => plan.inputs[u]! * encoder,
    decoder: (u) => plan.outputs[u]! * decoder,
  };
}

/**
 * Lays a model out.
 *
 * @param plan the model
 * @param limits of the device
 */
export function layoutOf(plan: Plan, limits: LayoutLimits): Layout {
  const { binding, capacity, quadBytes } = limits;
  const regions = regionsOf(plan);
  const units = unitCount(plan);
  const quads = quadsOf(plan);
  const list = listLength(plan);
  const momentum = plan.rule.name === "2016";
  const data = HEADER.length + LAYER_WORDS * (plan.layerStart.length - 1);
  const input = data + plan.frame.width * plan.frame.height * plan.frame.channels +
    plan.external.motion + plan.external.parts;
  const published = (plan.maxDelay + 1) * units * plan.hidden;
  const reasons: string[] = [];
  const mega = (bytes: number) => `${(bytes / 2 ** 20).toPrecision(3)} MiB`;
  const refuse = (what: string, bytes: number) => {
    reasons.push(`${what} needs ${mega(bytes)}, a binding of this device has ${mega(binding)}`);
  };
  if (4 * input > binding) refuse("A frame", 4 * input);
  if (4 * published > binding || published > FEEDBACK) {
    refuse("What the units publish", 4 * published);
  }

  const shards: Shard[] = [];
  let first = 0;
  const empty = { quads: 0, table: 0, state: 0 };
  let size = empty;
  const close = (end: number) => {
    const places: Record<string, number> = {};
    let state = 0;
    for (const { name, length } of regions) {
      places[name] = state;
      for (let u = first; u < end; u++) state += length(u);
    }
    shards.push({ first, end, ...size, places });
    first = end;
    size = empty;
  };
  for (let u = 0; u < units; u++) {
    const own = {
      quads: quads.encoder(u) + quads.decoder(u),
      table: UNIT.length + list(u),
      state: regions.reduce((sum, { length }) => sum + length(u), 0),
    };
    const fits = (part: typeof own, count: number) =>
      count <= MOST_UNITS && 4 * part.table <= binding && 4 * part.state <= binding &&
      part.quads * Math.max(quadBytes, momentum ? 16 : 0) <= binding &&
      4 * capacity * count <= binding;
    const sum = {
      quads: size.quads + own.quads,
      table: size.table + own.table,
      state: size.state + own.state,
    };
    if (fits(sum, u + 1 - first)) {
      size = sum;
      continue;
    }
    if (u > first) close(u);
    size = own;
    if (fits(own, 1)) continue;
    refuse(
      `Unit ${u}`,
      Math.max(4 * own.table, 4 * own.state, own.quads * (momentum ? 16 : quadBytes)),
    );
    break;
  }
  if (first < units) close(units);
  const [encoder, decoder] = [lanesOf(plan.hidden), lanesOf(plan.hidden + 1)];
  return { encoder, decoder, regions, shards, input, data, published, reasons };
}

/**
 * The table of a shard: a record a unit, then the lists from which units gather (signal, window, motion, context).
 *
 * @param plan the model
 * @param shard some of its units
 */
export function tableOf(plan: Plan, { first, end, table: words }: Shard): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(words);
  const layers = layerOf(plan);
  const quads = quadsOf(plan);
  const [signals, windows, contexts] = [plan.signal, plan.window, plan.context].map(lengths);
  const arriving = plan.frame.width * plan.frame.height * plan.frame.channels +
    plan.external.motion + plan.external.parts;
  const published = unitCount(plan) * plan.hidden;
  let list = (end - first) * UNIT.length;
  const [at, begin] = [{ input: 0, output: 0, signal: 0 }, { quads: 0 }];
  for (let u = first; u < end; u++) {
    const record: Record<typeof UNIT[number], number> = {
      inputs: plan.inputs[u]!,
      outputs: plan.outputs[u]!,
      signals: signals![u]!,
      features: plan.inputs[u]! - 1 - contexts![u]!,
      layer: layers[u]!,
      block: plan.block[u]!,
      encoder: begin.quads,
      decoder: begin.quads + quads.encoder(u),
      input_at: at.input,
      output_at: at.output,
      signal_at: at.signal,
      list,
      window: windows![u]!,
      id: u,
    };
    table.set(UNIT.map((name) => record[name]), (u - first) * UNIT.length);
    at.input += record.inputs;
    at.output += record.outputs;
    at.signal += record.signals;
    begin.quads += quads.encoder(u) + quads.decoder(u);
    for (const sources of [plan.signal, plan.window, plan.motion, plan.context]) {
      for (let run = sources.start[u]!; run < sources.start[u + 1]!; run++) {
        const index = sources.index[run]!;
        const feedback = sources === plan.context && plan.contextKind[run] === 1 ? FEEDBACK : 0;
        const back = (sources.delay[run]! - 1) * published + PUBLISHED - arriving;
        for (let i = index; i < index + sources.length[run]!; i++) {
          table[list++] = (i < arriving ? i : i + back) + feedback;
        }
      }
    }
  }
  return table;
}
