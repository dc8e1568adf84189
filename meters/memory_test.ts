import { assert, assertEquals } from "../std_assert.ts";
import { peakBytes, processMemory } from "./memory.ts";

const MB = 1024 * 1024;

Deno.test("processMemory() grows with what the process holds", () => {
  const before = processMemory();
  const held = new Uint8Array(64 * MB).fill(1);
  const after = processMemory();
  assert(held[held.length - 1] === 1);
  assert(after.rss > before.rss + 32 * MB, `${before.rss} then ${after.rss}`);
  assert(after.peakRss! >= after.rss);
});

Deno.test("processMemory() gives bytes", () => {
  const { rss, peakRss } = processMemory();
  for (const bytes of [rss, peakRss!]) assert(bytes > 20 * MB && bytes < 20_000 * MB, `${bytes}`);
});

Deno.test("peakBytes() tells kilobytes from bytes", () => {
  assertEquals(peakBytes(120 * 1024, 100 * MB), 120 * MB);
  assertEquals(peakBytes(120 * MB, 100 * MB), 120 * MB);
});

Deno.test("peakBytes() is never below the resident set", () => {
  assertEquals(peakBytes(99 * 1024, 100 * MB), 100 * MB);
});

Deno.test("peakBytes() is null where the system says nothing", () => {
  assertEquals(peakBytes(0, 100 * MB), null);
});
