import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../std_assert.ts";
import { accessPicojoules, openModelled } from "./modelled.ts";

const CACHE = 32 * 1024 * 1024;

Deno.test("openModelled() prices arithmetic at 4.6 pJ a multiply-accumulate", async () => {
  const energy = await openModelled().lap({
    macs: 1e12,
    bytesRead: 0,
    bytesWritten: 0,
    weightBytes: 1e9,
  });
  assertAlmostEquals(energy!.joules, 4.6, 1e-12);
  assertEquals([energy!.low, energy!.high], [energy!.joules, energy!.joules]);
});

Deno.test("openModelled() prices reads and writes alike, in accesses of 8 bytes", async () => {
  const energy = await openModelled().lap({
    macs: 0,
    bytesRead: 6e9,
    bytesWritten: 2e9,
    weightBytes: 1e9,
  });
  assertAlmostEquals(energy!.low, 1.3, 1e-12);
  assertAlmostEquals(energy!.joules, 1.95, 1e-12);
  assertAlmostEquals(energy!.high, 2.6, 1e-12);
});

Deno.test("accessPicojoules() follows the memory that the weights fit in", () => {
  assertEquals(accessPicojoules(8192, CACHE), { low: 10, point: 10, high: 2600 });
  assertEquals(accessPicojoules(8193, CACHE), { low: 100, point: 100, high: 2600 });
  assertAlmostEquals(accessPicojoules(CACHE, CACHE).point, 509.9, 0.1);
  assertEquals(accessPicojoules(CACHE + 1, CACHE), { low: 1300, point: 1950, high: 2600 });
});

Deno.test("accessPicojoules() never falls as the model grows, and the point lies in the range", () => {
  let last = 0;
  for (let bytes = 1; bytes < 1e9; bytes *= 1.5) {
    const { low, point, high } = accessPicojoules(bytes, CACHE);
    assert(low <= point && point <= high && point >= last, `${bytes} bytes`);
    last = point;
  }
});

Deno.test("openModelled() labels its figures", async () => {
  const energy = await openModelled().lap({
    macs: 1,
    bytesRead: 8,
    bytesWritten: 8,
    weightBytes: 8,
  });
  assertEquals(energy!.method, "modelled");
  assert(energy!.source.includes("Horowitz") && energy!.source.includes("45 nm"));
  assert(energy!.scope.includes("no idle power"));
});

Deno.test("openModelled() knows nothing of a window without work", async () => {
  const meter = openModelled();
  assertEquals(
    await meter.lap({ macs: 0, bytesRead: 0, bytesWritten: 0, weightBytes: 100 }),
    null,
  );
  assert(meter.trouble?.includes("counted no work"));
  assertEquals(
    await meter.lap({ macs: NaN, bytesRead: 8, bytesWritten: 0, weightBytes: 100 }),
    null,
  );
});

Deno.test("openModelled() refuses a cache that is no number of bytes", () => {
  assertThrows(() => openModelled({ cacheBytes: NaN }), RangeError, "must be a number of bytes");
});
