/**
 * The safetensors format: eight bytes of length, a JSON header, the tensors one after another. Python reads it as well.
 *
 * @module
 */

/** A tensor of floats of 16 bits. */
export interface HalfTensor {
  /** IEEE 754 binary16, or bfloat16. */
  readonly dtype: "F16" | "BF16";
  /** The bits of each number. */
  readonly words: Uint16Array;
}

/** A tensor that can be stored. */
export type StoredTensor =
  | Float32Array
  | Float64Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | HalfTensor;

/** What a file holds. */
export interface TensorFile {
  /** Strings by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Flat tensors by name. */
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

/** Dtypes by name, with the bytes of an element. */
const DTYPES = { F32: 4, F64: 8, F16: 2, BF16: 2, I16: 2, I8: 1, U8: 1 } as const;
type Dtype = keyof typeof DTYPES;

/** A header longer than this is no header. */
const MAX_HEADER = 100_000_000;

interface Entry {
  dtype: Dtype;
  shape: number[];
  data_offsets: [number, number];
}

function dtypeOf(tensor: StoredTensor): Dtype {
  if ("dtype" in tensor) return tensor.dtype;
  if (tensor instanceof Float32Array) return "F32";
  if (tensor instanceof Float64Array) return "F64";
  if (tensor instanceof Int16Array) return "I16";
  return tensor instanceof Int8Array ? "I8" : "U8";
}

/** The numbers of a tensor as they lie in memory. */
function bytesOf(tensor: StoredTensor): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = "dtype" in tensor ? tensor.words : tensor;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function tensorOf(dtype: Dtype, bytes: ArrayBuffer): StoredTensor {
  switch (dtype) {
    case "F32":
      return new Float32Array(bytes);
    case "F64":
      return new Float64Array(bytes);
    case "I16":
      return new Int16Array(bytes);
    case "I8":
      return new Int8Array(bytes);
    case "U8":
      return new Uint8Array(bytes);
    default:
      return { dtype, words: new Uint16Array(bytes) };
  }
}

/**
 * Encodes a file without copying its tensors.
 *
 * @param file metadata and tensors; equal content gives equal bytes
 * @returns the parts of the file, in order; they share memory with the tensors
 */
export function encodeTensors({ metadata, tensors }: TensorFile): Uint8Array<ArrayBuffer>[] {
  const header: Record<string, unknown> = {
    __metadata__: Object.fromEntries(sorted(metadata)),
  };
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let end = 0;
  // Wide elements first, so that every tensor is aligned to its own size.
  const entries = sorted(tensors);
  entries.sort(([, a], [, b]) => DTYPES[dtypeOf(b)] - DTYPES[dtypeOf(a)]);
  for (const [name, tensor] of entries) {
    const begin = end;
    const bytes = bytesOf(tensor);
    end += bytes.length;
    header[name] = {
      dtype: dtypeOf(tensor),
      shape: [bytes.length / DTYPES[dtypeOf(tensor)]],
      data_offsets: [begin, end],
    } satisfies Entry;
    parts.push(bytes);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(json, 8);
  return [head, ...parts];
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1);
}

/**
 * Decodes a file.
 *
 * @param bytes the whole file
 * @returns metadata and copies of the tensors
 * @throws {SyntaxError} when it is no safetensors file, or not a whole one
 */
export function decodeTensors(bytes: Uint8Array): TensorFile {
  if (bytes.length < 8) throw new SyntaxError("the file is too short to be a safetensors file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER || bytes[8] !== 0x7b) {
    throw new SyntaxError("the file does not begin like a safetensors file");
  }
  if (8 + length > bytes.length) {
    throw new SyntaxError(`the file is truncated: its header should have ${length} bytes`);
  }
  let header: Record<string, Entry> & { __metadata__?: Record<string, string> };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length));
    header = JSON.parse(text);
  } catch {
    throw new SyntaxError("the file's header is not JSON");
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const data = bytes.subarray(8 + length);
  const tensors: Record<string, StoredTensor> = {};
  let end = 0;
  // An empty tensor begins where the next one does, and comes before it.
  const inOrder = Object.entries(entries).sort(([, a], [, b]) =>
    [0, 1].map((i) => (a?.data_offsets?.[i] ?? 0) - (b?.data_offsets?.[i] ?? 0))
      .find((order) => order !== 0) ?? 0
  );
  for (const [name, entry] of inOrder) {
    checkEntry(name, entry, end);
    end = entry.data_offsets[1];
    if (end > data.length) {
      throw new SyntaxError(
        `the file is truncated: tensor "${name}" should end at byte ${end} of the data, which has ${data.length}`,
      );
    }
    const copy = data.slice(entry.data_offsets[0], end).buffer;
    tensors[name] = tensorOf(entry.dtype, copy);
  }
  if (end !== data.length) {
    throw new SyntaxError(`the file has ${data.length - end} bytes behind its last tensor`);
  }
  return { metadata, tensors };
}

/** Refuses an entry that does not begin where the last one ended, or has another size than its shape says. */
function checkEntry(name: string, entry: Entry, begin: number): void {
  const [from, to] = Array.isArray(entry?.data_offsets) ? entry.data_offsets : [NaN, NaN];
  if (from !== begin || !Number.isSafeInteger(to) || to < from || !Array.isArray(entry.shape)) {
    throw new SyntaxError(`tensor "${name}" lies where it cannot be`);
  }
  const size = DTYPES[entry.dtype];
  if (size === undefined) {
    throw new SyntaxError(
      `tensor "${name}" is of type "${entry.dtype}": ${Object.keys(DTYPES).join(", ")} are known`,
    );
  }
  if (entry.shape.reduce((product, side) => product * side, size) !== to - from) {
    throw new SyntaxError(`tensor "${name}" is not as long as its shape says`);
  }
}
