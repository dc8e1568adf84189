import { assertEquals, assertRejects, assertThrows } from "../std_assert.ts";
import { frames } from "./ffmpeg_testing.ts";
import { readRaw } from "./raw.ts";
import { SourceError } from "./source.ts";

const PIXEL = { width: 1, height: 1 };

function streamOf(...chunks: number[][]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map((chunk) => Uint8Array.from(chunk)));
}

Deno.test("readRaw() cuts the stream into frames, however it arrives", async () => {
  await using source = readRaw(streamOf([1], [2, 3, 4, 5], [6]), { size: PIXEL });
  assertEquals((await frames(source)).map((frame) => [...frame]), [[1, 2, 3], [4, 5, 6]]);
  assertEquals(source.truncated, null);
});

Deno.test("readRaw() scales frames of another size", async () => {
  const from = { width: 2, height: 1 };
  await using source = readRaw(streamOf([0, 0, 0, 10, 20, 30]), { size: PIXEL, from });
  assertEquals((await frames(source)).map((frame) => [...frame]), [[5, 10, 15]]);
});

Deno.test("readRaw() does not deliver a frame that is incomplete, and says so", async () => {
  await using source = readRaw(streamOf([1, 2, 3, 4, 5]), { size: PIXEL });
  assertEquals((await frames(source)).length, 1);
  assertEquals(
    source.truncated,
    "stdin ends in the middle of a frame, after 1 whole frames: the last one has 2 of 3 bytes",
  );
});

Deno.test("readRaw() has nothing to pass over: a pipe holds what comes next", async () => {
  await using source = readRaw(streamOf([1, 1, 1, 2, 2, 2]), { size: PIXEL });
  assertEquals(await source.skip(2), 0);
  const frame = new Uint8Array(3);
  assertEquals([await source.next(frame), frame[0]], [true, 1]);
});

Deno.test("readRaw() reports a stream that breaks", async () => {
  const broken = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error("gone")) });
  await using source = readRaw(broken, { size: PIXEL });
  await assertRejects(
    () => frames(source),
    SourceError,
    "from stdin after 0 whole frames: Error: gone",
  );
});

Deno.test("readRaw() cancels the stream when it is closed", async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
  const source = readRaw(stream, { size: PIXEL });
  const waiting = source.next(new Uint8Array(3));
  await source[Symbol.asyncDispose]();
  assertEquals([cancelled, await waiting, source.truncated], [true, false, null]);
});

Deno.test("readRaw() refuses a size without pixels", () => {
  assertThrows(() => readRaw(streamOf(), { size: { width: 0, height: 1 } }), RangeError, "not 0");
});
