import { assert, assertEquals, assertThrows } from "../../std_assert.ts";
import type { Row } from "../throughput.ts";
import { type ModelResult, type PageData, render, speedTable } from "./page.ts";

const row = (backend: string, stepsPerSecond: number, threads = 1): Row => ({
  name: `small 2016 ${backend} ${threads}`,
  spec: "small",
  rule: "2016",
  backend,
  format: "f32",
  threads,
  defer: 0,
  stepsPerSecond,
  weightsPerSecond: 1e6 * stepsPerSecond,
  bytesPerStep: 16e6,
  gbPerSecond: 0.016 * stepsPerSecond,
  cached: null,
  waiting: null,
  roofGbPerSecond: null,
  shareOfBandwidth: backend === "wasm" ? 0.75 : null,
});

const peer = (name: string, stepsPerSecond: number, threads = 1) => ({
  name,
  version: "9.8.7",
  threads,
  deviation: { values: 2e-6, learned: 3e-5 },
  stepsPerSecond,
});

const result: ModelResult = {
  spec: "small",
  rule: "2016",
  units: 265,
  weights: 1e6,
  rows: [row("reference", 10), row("naive", 20), row("wasm", 200, 2)],
  peers: [
    peer("numpy", 50),
    peer("numpy", 40, 2),
    peer("numpy einsum", 80),
    peer("TensorFlow.js", 8),
  ],
};

const data: PageData = {
  machine: {
    processor: null,
    cores: 2,
    memory: 8 * 2 ** 30,
    system: "a system",
    deno: "2.9.6",
    load: 0.25,
    date: "2026-01-02",
  },
  command: "deno task bench:peers --only small",
  results: [result],
  missing: [],
};

const cells = (table: string) =>
  table.split("\n").slice(2).map((line) => line.slice(2, -2).split(" | "));

Deno.test("speedTable() has the slowest first", () => {
  const rates = cells(speedTable(result)).map((row) => row[3]);
  assertEquals(rates, ["8.0", "10.0", "20.0", "40.0", "50.0", "80.0", "200.0"]);
});

Deno.test("speedTable() compares with the fastest row of each peer", () => {
  const ratios = cells(speedTable(result)).at(-1)!.slice(-4);
  assertEquals(ratios, ["10.0", "4.0", "2.5", "25.0"]);
});

Deno.test("speedTable() knows no ratio to a peer that was not there", () => {
  const ratios = cells(speedTable({ ...result, peers: [] })).at(-1)!.slice(-4);
  assertEquals(ratios, ["10.0", "-", "-", "-"]);
});

Deno.test("render() fills the template that comes along", async () => {
  const template = await Deno.readTextFile(new URL("./benchmarks.template.md", import.meta.url));
  const page = render(template, { ...data, missing: ["numpy is left out: no python3"] });
  for (
    const part of [
      "deno task bench:peers --only small\n",
      "| processor | unknown |",
      "| memory | 8.0 GiB |",
      "### `small`, rule 2016: 265 units, 1.00 M weights",
      "| small | 2016 | numpy 9.8.7 | 2 | 2.0e-6 | 3.0e-5 |",
      "| small | 2016 | numpy einsum 9.8.7 | 1 | 2.0e-6 | 3.0e-5 |",
      "Not in these tables: numpy is left out: no python3",
    ]
  ) {
    assert(page.includes(part), part);
  }
  assert(!page.includes("{{"), page);
});

Deno.test("render() refuses a template with places it does not know, or without one of its own", () => {
  assertThrows(() => render("{{weather}}", data), RangeError, "{{weather}}");
  assertThrows(() => render("{{machine}} {{results}}", data), RangeError, "{{command}}");
});
