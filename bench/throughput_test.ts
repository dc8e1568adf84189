import { assertEquals } from "../std_assert.ts";
import { naiveRate } from "./throughput.ts";

const row = (backend: string, stepsPerSecond: number) => ({ backend, stepsPerSecond });

Deno.test("naiveRate() is that of the naive loops, unless they were left uncompiled", () => {
  assertEquals(naiveRate([row("reference", 2.4), row("naive", 5.7), row("wasm", 46)]), 5.7);
  assertEquals(naiveRate([row("naive", 5.7)]), 5.7);
  assertEquals(naiveRate([row("reference", 2.4), row("naive", 1.2)]), NaN);
  assertEquals(naiveRate([row("wasm", 46)]), NaN);
});
