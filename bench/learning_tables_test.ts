import { assert, assertEquals } from "../std_assert.ts";
import { bestCell, convNetTable, partsTable, speedText } from "./learning_tables.ts";

const machine = {
  processor: "a processor",
  cores: 2,
  memory: 8e9,
  system: "a system",
  deno: "2.9.6",
  load: 0,
  date: "2026-01-01",
};

Deno.test("bestCell() takes the best variant for each part, by the mean of its seeds", () => {
  const slow = [[0.2, 0.5], [0.3, 0.5]] as const;
  const fast = [[0.6, 0.1], [0.1, 0.2]] as const;
  assertEquals(bestCell({ slow, fast }), "0.350 ±0.250 / 0.500");
  assertEquals(bestCell({ still: [[null, 0.1]] }), "- / 0.100");
});

Deno.test("the tables have a dash for whoever could not be had", () => {
  const parts = [[[0.1, 0.2]]] as const;
  const rows = [
    { name: "a", parts, flow: { x: [[0.3, 0.4]] as const }, convNet: null },
    { name: "b", parts, flow: null, convNet: { "1e-3": [[0.5, 0.6]] as const } },
  ];
  assertEquals(partsTable(["networks"], rows).split("\n").slice(2), [
    "| a | 0.100 / 0.200 | 0.300 / 0.400 | - |",
    "| b | 0.100 / 0.200 | - | 0.500 / 0.600 |",
  ]);
  assertEquals(convNetTable(rows).split("\n"), [
    "| clip | rate 1e-3 |",
    "|---|---|",
    "| a | - |",
    "| b | 0.500 / 0.600 |",
  ]);
  assert(convNetTable(rows.slice(0, 1)).includes("PyTorch could not be had"));
});

Deno.test("speedText() says the weights, the work and the pace", () => {
  const speed = {
    version: "1.2.3",
    weights: 21123,
    macs: [75_686_400, 220_838_400] as const,
    framesPerSecond: { 1: 57.4, 2: 90 },
  };
  const text = speedText(speed, machine);
  assert(
    text.startsWith("It has 21,123 weights and takes 76 million multiply-adds to predict, 221"),
  );
  assert(
    text.includes(
      "57 frames a second on 1 thread, 90 frames a second on 2 threads (a processor, 2",
    ),
  );
});
