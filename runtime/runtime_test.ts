import type { Energy, Meter, Work } from "../meters/meter.ts";
import { builtinSpec } from "../model/builtin.ts";
import { type Size, type Source, SourceError } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { loadCheckpoint } from "./checkpoint_store.ts";
import type { Report } from "./report.ts";
import { run, type RunOptions } from "./runtime.ts";

const spec = builtinSpec("tiny", { fields: { motion: 0 } });
const size: Size = { width: 20, height: 20 };

async function all(options: Partial<RunOptions>): Promise<Report[]> {
  const reports: Report[] = [];
  await using source = openScene({ size });
  for await (const report of run({ spec, source, meter: null, ...options })) reports.push(report);
  return reports;
}

/** A source of noise that ends or breaks as it is told. */
class Noise implements Source {
  readonly name = "noise";
  readonly size = size;
  readonly live = false;
  readonly dropped = 0;
  truncated: string | null = null;
  constructor(readonly frames: number, readonly end: () => boolean | Promise<boolean>) {}
  #frame = 0;
  next(into: Uint8Array): boolean | Promise<boolean> {
    if (this.#frame++ >= this.frames) return this.end();
    into.fill(this.#frame);
    return true;
  }
  skip(frames: number): Promise<number> {
    this.#frame += frames;
    return Promise.resolve(frames);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("run() makes a record a window, one of what is left, and the sum", async () => {
  const reports = await all({ steps: 25, window: 10 });
  assertEquals(reports.map(({ kind, step, steps }) => [kind, step, steps]), [
    ["window", 10, 10],
    ["window", 20, 10],
    ["window", 25, 5],
    ["summary", 25, 25],
  ]);
});

Deno.test("run() says how many units skipped learning, and null where none may", async () => {
  const share = async (skip_below: number[], options: Partial<RunOptions> = {}) => {
    const spec = builtinSpec("tiny", { fields: { motion: 0, skip_below } });
    const reports = await all({ spec, steps: 20, window: 10, ...options });
    return reports.map(({ skippedShare }) => skippedShare);
  };
  assertEquals(await share([0]), [null, null, null]);
  // Nobody learns in the first two steps, so nobody skips: of 30 units 16 are in layer 0.
  assertEquals(await share([4]), [0.8, 1, 0.9]);
  assertEquals((await share([4, 0]))[1]!.toFixed(6), (16 / 30).toFixed(6));
  assertEquals(await share([4], { learn: false }), [0, 0, 0]);
  assertEquals(await share([4], { backend: "null" }), [null, null, null]);
});

Deno.test("run() makes no window longer than the device can gather", async () => {
  const [window, summary] = await all({ steps: 1200, window: 5000 });
  assertEquals([window!.steps, summary!.steps], [1200, 1200]);
  assert(window!.skill !== null && window!.perStep.bytesRead > 0);
});

Deno.test("run() ends after the step at hand when it is stopped", async () => {
  const stop = new AbortController();
  let steps = 0;
  await using source = openScene({ size });
  for await (const report of run({ spec, source, meter: null, window: 5, stop: stop.signal })) {
    steps = report.step;
    stop.abort();
  }
  assertEquals(steps, 5);
});

Deno.test("run() does not wait for a source that never answers", async () => {
  const stop = new AbortController();
  const source = new Noise(3, () => new Promise(() => queueMicrotask(() => stop.abort())));
  const reports: Report[] = [];
  for await (const report of run({ spec, source, meter: null, stop: stop.signal })) {
    reports.push(report);
  }
  assertEquals(reports.at(-1)!.steps, 3);
});

Deno.test("run() saves what was learned before it says that a source broke", async () => {
  const save = await Deno.makeTempFile();
  try {
    const source = new Noise(7, () => Promise.reject(new SourceError("the camera is gone")));
    const reports: Report[] = [];
    await assertRejects(
      async () => {
        for await (const report of run({ spec, source, meter: null, save })) reports.push(report);
      },
      SourceError,
      "the camera is gone",
    );
    assertEquals(reports.at(-1)!.kind, "summary");
    assertEquals((await loadCheckpoint(save)).checkpoint.step, 7);
  } finally {
    await Deno.remove(save);
  }
});

Deno.test("run() refuses a source without frames", async () => {
  const source = new Noise(0, () => false);
  await assertRejects(
    async () => await Array.fromAsync(run({ spec, source, meter: null })),
    SourceError,
    "no frames",
  );
});

/** A counter that says one joule a lap. */
class Counter implements Meter {
  readonly source = "counter";
  readonly scope = "test";
  readonly laps: Work[] = [];
  constructor(readonly method: Meter["method"]) {}
  start(): Promise<void> {
    return Promise.resolve();
  }
  lap(work: Work): Promise<Energy | null> {
    this.laps.push(work);
    const { method, source, scope } = this;
    return Promise.resolve({ method, source, scope, joules: 1, low: 1, high: 1 });
  }
}

Deno.test("a modelled meter is asked every window, and the sum adds up", async () => {
  const meter = new Counter("modelled");
  const reports = await all({ steps: 20, window: 10, meter });
  assertEquals(reports.map(({ energy }) => energy?.joules), [1, 1, 2]);
  assertEquals(reports.map(({ perStep }) => perStep.joules), [0.1, 0.1, 0.1]);
  assert(meter.laps.every(({ macs, weightBytes }) => macs > 0 && weightBytes > 0));
});

Deno.test("a counter is not read for windows shorter than a second: their energy is unknown", async () => {
  const meter = new Counter("measured");
  const reports = await all({ steps: 20, window: 10, meter });
  assertEquals(reports.map(({ energy }) => energy?.joules ?? null), [null, null, 1]);
  assertEquals(meter.laps.length, 1);
});

Deno.test("no meter, no joules", async () => {
  for (const { energy, perStep } of await all({ steps: 4, window: 2 })) {
    assertEquals([energy, perStep.joules], [null, null]);
  }
});

Deno.test("what the model sees can be looked at", async () => {
  let seen = 0;
  const view = {
    wanted: () => seen === 0,
    show({ width, frame, prediction, error }: { [k: string]: unknown }) {
      seen++;
      assertEquals(width, 20);
      for (const bytes of [frame, prediction, error]) {
        assertEquals((bytes as Uint8Array).length, 1200);
      }
    },
  };
  await all({ steps: 5, view: view as unknown as NonNullable<RunOptions["view"]> });
  assertEquals(seen, 1);
});
