/** Messages in a stream of bytes. */
import { assertEquals, assertRejects } from "../../std_assert.ts";
import { decodeFrames, encodeFrame, FrameError } from "./frames.ts";

const MESSAGES = [
  { id: 1, call: "step", of: { frame: new Uint8Array([1, 2, 3]), rate: Infinity } },
  null,
  { tensors: { a: Float32Array.of(0.5, NaN), b: new Float64Array(0) } },
  "ä".repeat(1000),
];

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

function joined(): Uint8Array {
  const frames = MESSAGES.map(encodeFrame);
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}

Deno.test("messages arrive whole, however the stream is cut", async () => {
  const bytes = joined();
  for (const length of [1, 7, 8, 9, 1000, bytes.length]) {
    assertEquals(await Array.fromAsync(decodeFrames(pieces(bytes, length))), MESSAGES);
  }
});

Deno.test("what is no message is noticed, and half a one is none", async () => {
  const text = new TextEncoder().encode("hello, I am a plugin that prints\n");
  await assertRejects(() => Array.fromAsync(decodeFrames(pieces(text, 5))), FrameError);
  const half = joined().subarray(0, 30);
  assertEquals(await Array.fromAsync(decodeFrames(pieces(half, 30))), []);
});
