import { assertEquals } from "../std_assert.ts";
import { ByteReader } from "./byte_reader.ts";

function readerOf(...chunks: string[]): ByteReader {
  return new ByteReader(
    ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk))),
  );
}

Deno.test("ByteReader.fill() joins chunks", async () => {
  const into = new Uint8Array(4);
  assertEquals(await readerOf("ab", "", "cdef").fill(into), 4);
  assertEquals(new TextDecoder().decode(into), "abcd");
});

Deno.test("ByteReader.fill() leaves what it has no room for", async () => {
  const reader = readerOf("abc"), into = new Uint8Array(1);
  for (const letter of "abc") {
    await reader.fill(into);
    assertEquals(new TextDecoder().decode(into), letter);
  }
});

Deno.test("ByteReader.fill() says how much there was at the end", async () => {
  assertEquals(await readerOf("ab").fill(new Uint8Array(4)), 2);
});

Deno.test("ByteReader.line() leaves what follows", async () => {
  const reader = readerOf("on", "e\ntwo");
  assertEquals(await reader.line(9), "one");
  assertEquals(await reader.line(9), null);
});

Deno.test("ByteReader.line() gives up on a line that is too long", async () => {
  assertEquals(await readerOf("abcdefgh\n").line(4), null);
});

Deno.test("ByteReader.ready() is false at the end", async () => {
  assertEquals(await readerOf().ready(), false);
});

Deno.test("ByteReader.cancel() ends the stream behind it", async () => {
  let cancelled = false;
  const reader = new ByteReader(new ReadableStream({ cancel: () => void (cancelled = true) }));
  await reader.cancel();
  assertEquals(cancelled, true);
});
