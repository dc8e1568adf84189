import { scaling } from "./bench.ts";
import { assertEquals } from "../std_assert.ts";
import type { Row } from "../bench/throughput.ts";

const row = (threads: number, stepsPerSecond: number, roofGbPerSecond: number): Row => ({
  name: "",
  spec: "small",
  rule: "2016",
  backend: "wasm",
  format: "f32",
  threads,
  defer: 0,
  stepsPerSecond,
  weightsPerSecond: 0,
  bytesPerStep: 0,
  gbPerSecond: 0,
  shareOfBandwidth: null,
  roofGbPerSecond,
  waiting: null,
  cached: null,
});

Deno.test("a row of more threads that gains little is held against what the memory gains", () => {
  assertEquals(scaling([row(1, 100, 40), row(2, 150, 50)]), [
    "2 threads bring 1.50 times one: passes over memory alone gain 1.25 times\n",
  ]);
  assertEquals(scaling([row(1, 100, 40), row(2, 170, 50)]), []);
  assertEquals(scaling([row(2, 150, 50)]), []);
});
