/**
 * Messages as bytes of a stream: a mark, a length, and what structured clone makes of the message.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";

/** "SACC": whoever else writes to the stream does not begin like this. */
const MARK = 0x53414343;
const HEAD = 8;

/** Thrown where something stands in the stream that is no message. */
export class FrameError extends Error {
  /** @ignore */
  override name = "FrameError";
}

/** The bytes of a message. */
export function encodeFrame(message: unknown): Uint8Array<ArrayBuffer> {
  const body = serialize(message);
  const frame = new Uint8Array(HEAD + body.byteLength);
  const view = new DataView(frame.buffer);
  view.setUint32(0, MARK);
  view.setUint32(4, body.byteLength);
  frame.set(body, HEAD);
  return frame;
}

/**
 * The messages in a stream.
 *
 * @param stream bytes, in pieces of any size
 * @throws {FrameError} where something else stands in it
 */
export async function* decodeFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let wanted = HEAD;
  for await (const piece of stream) {
    pieces.push(piece);
    length += piece.length;
    while (length >= wanted) {
      const bytes = joined(pieces, length);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (view.getUint32(0) !== MARK) throw new FrameError("There is more than messages");
      wanted = HEAD + view.getUint32(4);
      pieces = [bytes];
      if (length < wanted) break;
      yield deserialize(bytes.slice(HEAD, wanted));
      pieces = [bytes.subarray(wanted)];
      length -= wanted;
      wanted = HEAD;
    }
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
