/**
 * The records of `saccade_backend.h`, laid out as C lays them out on machines with pointers of eight bytes.
 *
 * @module
 */

/** Bytes of each kind of field, which it is aligned to; text is of single bytes. */
const BYTES = { u32: 4, f32: 4, u64: 8, f64: 8, pointer: 8, text32: 32, text192: 192 } as const;

/** A kind of field. */
export type FieldKind = keyof typeof BYTES;

/** A record of C: where its fields stand. */
export interface Struct<F extends string = string> {
  /** Bytes of it. */
  readonly bytes: number;
  /** Where each field begins. */
  readonly at: Readonly<Record<F, number>>;
  /** What each field is. */
  readonly kinds: Readonly<Record<F, FieldKind>>;
}

function struct<F extends string>(kinds: Readonly<Record<F, FieldKind>>): Struct<F> {
  const at: Record<string, number> = {};
  let bytes = 0;
  let widest = 1;
  for (const [name, kind] of Object.entries<FieldKind>(kinds)) {
    const alignment = kind.startsWith("text") ? 1 : BYTES[kind];
    bytes = Math.ceil(bytes / alignment) * alignment;
    widest = Math.max(widest, alignment);
    at[name] = bytes;
    bytes += BYTES[kind];
  }
  return { bytes: Math.ceil(bytes / widest) * widest, at: at as Record<F, number>, kinds };
}

/** Four pointers, as `saccade_sources`. */
function sources<N extends string>(name: N) {
  const fields = ["start", "index", "length", "delay"].map((
    part,
  ) => [`${name}.${part}`, "pointer"]);
  return Object.fromEntries(fields) as Record<
    `${N}.${"start" | "index" | "length" | "delay"}`,
    "pointer"
  >;
}

/** All records, by the name that the header gives them without `saccade_`. */
export const STRUCTS = {
  info: struct({
    size: "u32",
    kind: "u32",
    traits: "u32",
    report_capacity: "u32",
    name: "text32",
    id: "text32",
    description: "text192",
  }),
  plan: struct({
    size: "u32",
    rule: "u32",
    options: "u32",
    width: "u32",
    height: "u32",
    channels: "u32",
    external_motion: "u32",
    external_parts: "u32",
    hidden: "u32",
    layers: "u32",
    units: "u32",
    max_delay: "u32",
    motion_radius: "u32",
    defer_every: "u32",
    defer_window: "u32",
    reserved: "u32",
    tau: "f64",
    momentum: "f64",
    bias: "f64",
    encoder_rate: "f64",
    decoder_rate: "f64",
    layer_start: "pointer",
    ...sources("signal"),
    ...sources("window"),
    ...sources("motion"),
    ...sources("context"),
    context_kind: "pointer",
    block: "pointer",
    inputs: "pointer",
    outputs: "pointer",
    encoder_mask: "pointer",
    decoder_mask: "pointer",
  }),
  tensor: struct({ name: "pointer", data: "pointer", length: "u64" }),
  state: struct({
    size: "u32",
    started: "u32",
    step: "u64",
    tensor_count: "u64",
    tensors: "pointer",
    first: "pointer",
    deferred: "u32",
    reserved: "u32",
  }),
  step: struct({
    size: "u32",
    frame_type: "u32",
    number: "u64",
    learned: "u64",
    learn: "u32",
    lateral: "f32",
    feedback: "f32",
    reserved: "u32",
    rates: "pointer",
    learning: "pointer",
  }),
  report: struct({
    size: "u32",
    reserved: "u32",
    steps: "u64",
    macs: "f64",
    bytes_read: "f64",
    bytes_written: "f64",
    device_ns: "f64",
    waited_ns: "f64",
  }),
  memory: struct({ size: "u32", reserved: "u32", weights: "f64", total: "f64" }),
  shapes: struct({
    size: "u32",
    units: "u32",
    hidden: "u32",
    has_momentum: "u32",
    momentum: "f64",
    inputs: "pointer",
    outputs: "pointer",
  }),
  weights: struct({
    encoder: "pointer",
    decoder: "pointer",
    encoder_momentum: "pointer",
    decoder_momentum: "pointer",
  }),
} as const;

/** Anything whose address can be written into a record. */
export type Addressable = ArrayBufferView | null;

/** One record in memory. What it points to lives as long as it does. */
export class StructRecord<F extends string> {
  /** Its bytes, to be passed to the library. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #struct: Struct<F>;
  readonly #view: DataView;
  readonly #kept: Addressable[] = [];

  /**
   * A record of zeros; where it has a field `size`, that is filled in.
   *
   * @param struct its kind
   * @param bytes where it lies, where it is part of an array
   */
  constructor(struct: Struct<F>, bytes = new Uint8Array(struct.bytes)) {
    this.bytes = bytes;
    this.#struct = struct;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, struct.bytes);
    if ("size" in struct.at) this.set("size" as F, struct.bytes);
  }

  /** Writes a number; integers of eight bytes are made of two of four, which makes no garbage. */
  set(field: F, value: number): void {
    const at = this.#struct.at[field];
    const kind = this.#struct.kinds[field];
    if (kind === "u32") this.#view.setUint32(at, value, true);
    else if (kind === "f32") this.#view.setFloat32(at, value, true);
    else if (kind === "f64") this.#view.setFloat64(at, value, true);
    else {
      this.#view.setUint32(at, value, true);
      this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
    }
  }

  /** Keeps an array alive that a part of the record points to. */
  keep<A extends Addressable>(array: A): A {
    this.#kept.push(array);
    return array;
  }

  /** Writes the address of an array, which is kept alive; of an empty one that is null. */
  point(field: F, to: Addressable): void {
    this.keep(to);
    const address = to === null ? null : Deno.UnsafePointer.of(to as Uint8Array<ArrayBuffer>);
    this.#view.setBigUint64(this.#struct.at[field], Deno.UnsafePointer.value(address), true);
  }

  /** Reads a number. */
  get(field: F): number {
    const at = this.#struct.at[field];
    const kind = this.#struct.kinds[field];
    if (kind === "u32") return this.#view.getUint32(at, true);
    if (kind === "f32") return this.#view.getFloat32(at, true);
    if (kind === "f64") return this.#view.getFloat64(at, true);
    return Number(this.#view.getBigUint64(at, true));
  }

  /** Reads text up to its zero. */
  text(field: F): string {
    const at = this.#struct.at[field];
    const end = at + BYTES[this.#struct.kinds[field]];
    const bytes = this.bytes.subarray(at, end);
    const zero = bytes.indexOf(0);
    return new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  }
}
