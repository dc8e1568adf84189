import { assert, assertEquals } from "../std_assert.ts";
import type { Report } from "../runtime/report.ts";
import { line, spark, summary } from "./view.ts";

const report: Report = {
  kind: "window",
  step: 200,
  steps: 100,
  mse: { frame: 1e-3, layers: [1e-3, 0.1] },
  copyLastMse: 2e-3,
  skill: 0.5,
  motionSkill: null,
  movingSkill: 0.5,
  density: 1,
  stepsPerSecond: 300,
  ms: { source: 0.1, step: 3, report: 0.1 },
  perStep: { macs: 1e6, bytesRead: 4e6, bytesWritten: 4e6, joules: 1e-3 },
  memory: { weights: 4e6, state: 1e5, scratch: 1e5, wasm: null, rss: 1e8, peakRss: null },
  energy: { method: "modelled", source: "paper", scope: "step", joules: 0.1, low: 0.05, high: 0.2 },
  skippedShare: null,
  dropped: 0,
  backend: "wasm:relaxed",
};

Deno.test("line() shows the error beside that of copying, and joules beside their method", () => {
  const text = line(report);
  for (
    const part of ["step 200", "skill +0.500", "copy-last 2.00e-3", "8.00 MB/step", "(modelled)"]
  ) {
    assert(text.includes(part), `${part} in ${text}`);
  }
});

Deno.test("line() and summary() say how many units skipped, where any may", () => {
  const skipping = { ...report, skippedShare: 0.125 };
  assert(line(skipping).includes("12.5 % skipped"));
  assert(/units that skipped learning +12.5 %/.test(summary(skipping)));
  assert(!line(report).includes("skipped") && !summary(report).includes("skipped"));
});

Deno.test("line() and summary() say what is unknown", () => {
  const blind = { ...report, energy: null, skill: null, stepsPerSecond: null };
  assert(line(blind).includes("energy unknown"));
  assert(summary(blind).includes("unknown"));
  assert(!summary(blind).includes("NaN"));
});

Deno.test("spark() fits any number of values into its width", () => {
  assertEquals(spark([0, 0.5, 1], 10), "▁▅█");
  assert([...spark(Array.from({ length: 1000 }, (_, i) => i), 40)].length <= 40);
  assertEquals(spark([], 10), "");
  assertEquals(spark([-1, 2], 10), "▁█");
});
