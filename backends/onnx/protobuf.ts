/**
 * Writes protocol buffers: as much of the wire format as ONNX needs.
 *
 * @module
 */

/** A number on the wire; negative ones as 64 bits in two's complement. */
export type Integer = number | bigint;

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

/** A message being written, field after field. Bytes that are given are kept, not copied, until {@linkcode Message.bytes}. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /**
   * A field of whole numbers, one after another: ONNX is proto2, where repeated numbers are not packed.
   *
   * @param field its number
   * @param values one, or several of a repeated field
   */
  int(field: number, ...values: readonly Integer[]): this {
    for (const value of values) {
      this.#tag(field, VARINT);
      this.#append(varint(value));
    }
    return this;
  }

  /** A field of type float. */
  float(field: number, value: number): this {
    this.#tag(field, FIXED32);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(bytes);
  }

  /** A field of type string. */
  text(field: number, value: string): this {
    return this.data(field, new TextEncoder().encode(value));
  }

  /** A field of type bytes. */
  data(field: number, value: Uint8Array): this {
    this.#tag(field, BYTES);
    this.#append(varint(value.length));
    return this.#append(value);
  }

  /** A message within this one. */
  message(field: number, value: Message): this {
    this.#tag(field, BYTES);
    this.#append(varint(value.#length));
    for (const part of value.#parts) this.#append(part);
    return this;
  }

  /** The whole message. */
  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #tag(field: number, type: number): void {
    this.#append(varint(field * 8 + type));
  }

  #append(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

/** Seven bits a byte, the lowest first. */
function varint(value: Integer): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
