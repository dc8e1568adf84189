import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { createScaler, fitRegion } from "./scale.ts";
import type { Size } from "./source.ts";

/** A grey picture from one value a pixel. */
function grey(values: number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value, value, value]));
}

function noise({ width, height }: Size): Uint8Array {
  let state = 1;
  return Uint8Array.from(
    { length: width * height * 3 },
    () => (state = (state * 48271) % 2147483647) & 255,
  );
}

/** The definition, without speed: the average over the area, found by splitting it into equal cells. */
function areaAverage(source: Uint8Array, from: Size, to: Size): Uint8Array {
  const into = new Uint8Array(to.width * to.height * 3);
  for (let i = 0; i < into.length; i++) {
    const channel = i % 3, x = Math.floor(i / 3) % to.width, y = Math.floor(i / 3 / to.width);
    let sum = 0;
    for (let cellY = 0; cellY < from.height; cellY++) {
      for (let cellX = 0; cellX < from.width; cellX++) {
        const row = Math.floor((y * from.height + cellY) / to.height);
        const column = Math.floor((x * from.width + cellX) / to.width);
        sum += source[(row * from.width + column) * 3 + channel]!;
      }
    }
    into[i] = Math.floor(sum / (from.width * from.height) + 0.5);
  }
  return into;
}

for (
  const [from, to] of [
    [[16, 12], [5, 7]],
    [[7, 5], [7, 3]],
    [[5, 4], [9, 11]],
    [[160, 12], [60, 6]],
  ] as const
) {
  Deno.test(`createScaler() averages the exact area from ${from} to ${to}`, () => {
    const source = { width: from[0], height: from[1] }, target = { width: to[0], height: to[1] };
    const picture = noise(source);
    const into = new Uint8Array(target.width * target.height * 3);
    createScaler(source, target, "stretch")(picture, into);
    assertEquals(into, areaAverage(picture, source, target));
  });
}

Deno.test("createScaler() copies a picture that already has the size", () => {
  const size = { width: 6, height: 5 };
  const into = new Uint8Array(90);
  createScaler(size, size, "crop")(noise(size), into);
  assertEquals(into, noise(size));
});

Deno.test("createScaler() rounds half a level up", () => {
  const into = new Uint8Array(3);
  createScaler({ width: 2, height: 1 }, { width: 1, height: 1 }, "stretch")(grey([1, 2]), into);
  assertEquals(into, grey([2]));
});

Deno.test("createScaler() crops both ends of the longer side evenly", () => {
  const into = new Uint8Array(3 * 4);
  const scale = createScaler({ width: 4, height: 2 }, { width: 2, height: 2 }, "crop");
  scale(grey([1, 2, 3, 4, 5, 6, 7, 8]), into);
  assertEquals(into, grey([2, 3, 6, 7]));
});

Deno.test("fitRegion() crops a tall picture above and below", () => {
  assertEquals(fitRegion({ width: 90, height: 160 }, { width: 60, height: 60 }, "crop"), {
    x: 0,
    y: 35,
    width: 90,
    height: 90,
  });
});

Deno.test("fitRegion() keeps at least one pixel", () => {
  const region = fitRegion({ width: 2, height: 900 }, { width: 500, height: 1 }, "crop");
  assertEquals([region.width, region.height], [2, 1]);
});

Deno.test("createScaler() refuses a side that is no whole number", () => {
  assertThrows(
    () => createScaler({ width: 0, height: 2 }, { width: 1, height: 1 }, "stretch"),
    RangeError,
    "not 0",
  );
});

Deno.test("createScaler() refuses a picture of another length", () => {
  const scale = createScaler({ width: 2, height: 1 }, { width: 1, height: 1 }, "stretch");
  assertThrows(() => scale(new Uint8Array(5), new Uint8Array(3)), RangeError, "6 bytes");
});

Deno.test("createScaler() takes under a millisecond from 160x120 to 60x60", () => {
  const from = { width: 160, height: 120 }, to = { width: 60, height: 60 };
  const scale = createScaler(from, to, "crop");
  const picture = noise(from), into = new Uint8Array(60 * 60 * 3);
  let best = Infinity;
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    scale(picture, into);
    best = Math.min(best, performance.now() - start);
  }
  assert(best < 1, `the fastest of 200 took ${best} ms`);
});
