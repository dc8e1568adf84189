import { assertEquals, assertThrows } from "../std_assert.ts";
import { type Clock, paceSource } from "./pace.ts";
import type { Source } from "./source.ts";

const frame = new Uint8Array(3);

function endless(): Source & { closed: boolean } {
  return {
    name: "endless",
    size: { width: 1, height: 1 },
    live: false,
    dropped: 0,
    truncated: null,
    closed: false,
    next: () => true,
    skip: (frames) => Promise.resolve(frames),
    [Symbol.asyncDispose]() {
      this.closed = true;
      return Promise.resolve();
    },
  };
}

/** Time that passes only while someone waits; every timer is late by `lateness`. */
function toyClock(lateness = 0): Clock & { time: number } {
  return {
    time: 1000,
    now() {
      return this.time;
    },
    wait(milliseconds) {
      this.time += milliseconds + lateness;
      return Promise.resolve();
    },
  };
}

Deno.test("paceSource() waits between frames, not before the first", async () => {
  const clock = toyClock();
  await using source = paceSource(endless(), 10, clock);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    await source.next(frame);
    times.push(clock.time);
  }
  assertEquals(times, [1000, 1100, 1200]);
});

Deno.test("paceSource() keeps the rate with late timers", async () => {
  const clock = toyClock(5);
  await using source = paceSource(endless(), 10, clock);
  for (let i = 0; i < 11; i++) await source.next(frame);
  assertEquals(clock.time, 2005);
});

Deno.test("paceSource() does not hurry after a slow reader", async () => {
  const clock = toyClock();
  await using source = paceSource(endless(), 10, clock);
  await source.next(frame);
  clock.time += 5000;
  await source.next(frame);
  await source.next(frame);
  assertEquals(clock.time, 6100);
});

Deno.test("paceSource() does not wait for frames that are skipped", async () => {
  const clock = toyClock();
  await using source = paceSource(endless(), 1, clock);
  assertEquals(await source.skip(100), 100);
  assertEquals(clock.time, 1000);
});

Deno.test("paceSource() stops waiting when it is closed", async () => {
  const inner = endless();
  const source = paceSource(inner, 1e-3);
  await source.next(frame);
  const waiting = source.next(frame);
  await source[Symbol.asyncDispose]();
  assertEquals([await waiting, inner.closed], [false, true]);
});

for (const fps of [0, -1, NaN, Infinity]) {
  Deno.test(`paceSource() refuses a rate of ${fps}`, () => {
    assertThrows(() => paceSource(endless(), fps), RangeError, `not ${fps}`);
  });
}
