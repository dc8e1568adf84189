import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { castAt } from "./scene_cast.ts";
import { openScene, type SceneOptions } from "./synthetic.ts";

const SIZE = { width: 60, height: 60 };

/** Some frames, one after another. */
function film(count: number, options: Partial<SceneOptions> = {}): Uint8Array[] {
  const { size = SIZE } = options;
  const scene = openScene({ size, ...options });
  return Array.from({ length: count }, () => {
    const frame = new Uint8Array(size.width * size.height * 3);
    scene.next(frame);
    return frame;
  });
}

function meanSquare(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length / 255 ** 2;
}

Deno.test("openScene() repeats itself exactly for the same seed", () => {
  assertEquals(film(5, { seed: 3 }), film(5, { seed: 3 }));
});

Deno.test("openScene() has another ground and other objects for another seed", () => {
  const [a] = film(1, { seed: 1 }), [b] = film(1, { seed: 2 });
  assert(meanSquare(a!, b!) > 0.01);
  const shapes = (seed: number) => new Set(castAt(seed, 0, 1, 1).map(({ halfWidth }) => halfWidth));
  assertEquals([...shapes(1)].filter((width) => shapes(2).has(width)), []);
});

Deno.test("openScene() skips without painting, and goes on exactly", async () => {
  const scene = openScene({ size: SIZE, seed: 7 });
  const frame = new Uint8Array(60 * 60 * 3);
  assertEquals(await scene.skip(40), 40);
  scene.next(frame);
  assertEquals(frame, film(41, { seed: 7 })[40]);
});

Deno.test("openScene() skips a billion frames at once", async () => {
  const scene = openScene({ size: SIZE });
  assertEquals(await scene.skip(1e9), 1e9);
  assertEquals(scene.next(new Uint8Array(60 * 60 * 3)), true);
});

Deno.test("openScene() moves twice as far at half the rate", () => {
  assertEquals(film(5, { fps: 12.5 })[4], film(9, { fps: 25 })[8]);
});

Deno.test("openScene() ends after its frames", async () => {
  const scene = openScene({ size: SIZE, frames: 3 });
  const frame = new Uint8Array(60 * 60 * 3);
  assertEquals([1, 2, 3, 4, 5].map(() => scene.next(frame)), [true, true, true, false, false]);
  assertEquals(await scene.skip(1), 0);
  assertEquals(await openScene({ size: SIZE, frames: 3 }).skip(9), 3);
});

Deno.test("openScene() counts the pixels of its objects exactly", () => {
  const scene = openScene({ size: { width: 60, height: 45 }, seed: 11 });
  const unit = Math.sqrt(60 * 45), frame = new Uint8Array(60 * 45 * 3);
  for (let n = 0; n < 60; n++) {
    scene.next(frame);
    const cast = castAt(11, n / 25, 60 / unit, 45 / unit);
    /** Which objects lie over each pixel's centre, the nearest last. */
    const over = Array.from({ length: 60 * 45 }, (_, pixel) => {
      const x = (pixel % 60 + 0.5 - 30) / unit, y = (Math.floor(pixel / 60) + 0.5 - 22.5) / unit;
      return cast.filter((actor) => {
        const turned = [Math.cos(-actor.angle), Math.sin(-actor.angle)] as const;
        const dx = x - actor.x, dy = y - actor.y;
        const a = (dx * turned[0] - dy * turned[1]) / actor.halfWidth;
        const b = (dx * turned[1] + dy * turned[0]) / actor.halfHeight;
        return actor.kind === "box" ? Math.max(Math.abs(a), Math.abs(b)) <= 1 : a * a + b * b <= 1;
      });
    });
    const expected = cast.flatMap((actor) => {
      const own = over.flatMap((actors, pixel) => actors.includes(actor) ? [pixel] : []);
      if (own.length === 0) return [];
      const columns = own.map((pixel) => pixel % 60);
      const rows = own.map((pixel) => Math.floor(pixel / 60));
      const x = Math.min(...columns), y = Math.min(...rows);
      const width = Math.max(...columns) - x + 1, height = Math.max(...rows) - y + 1;
      const visible = own.filter((pixel) => over[pixel]!.at(-1) === actor).length / own.length;
      const { id, kind, depth } = actor;
      return [{ id, kind, box: { x, y, width, height }, visible, depth }];
    });
    assertEquals([...scene.objects()], expected);
  }
});

Deno.test("openScene() has objects that enter, leave and hide each other", () => {
  const scene = openScene({ size: SIZE, seed: 4 });
  const frame = new Uint8Array(60 * 60 * 3);
  const seen = new Set<number>();
  let hidden = 0, fewest = Infinity, most = 0;
  for (let n = 0; n < 750; n++) {
    scene.next(frame);
    const objects = scene.objects();
    objects.forEach(({ id }) => seen.add(id));
    if (objects.some(({ visible }) => visible < 0.7)) hidden++;
    fewest = Math.min(fewest, objects.length);
    most = Math.max(most, objects.length);
  }
  assert(seen.size > 30, `${seen.size} objects in 30 seconds`);
  assert(hidden > 75, `in ${hidden} of 750 frames one is partly hidden`);
  assert(fewest < most && most > 3, `${fewest} to ${most} objects at a time`);
});

Deno.test("openScene() has no objects before its first frame", () => {
  assertEquals(openScene({ size: SIZE }).objects(), []);
});

Deno.test("openScene() moves a little in every frame, far less than it differs", () => {
  const frames = film(250, { seed: 5 });
  const steps = frames.slice(1).map((frame, i) => meanSquare(frame, frames[i]!));
  const apart = meanSquare(frames[0]!, frames[249]!);
  assert(Math.min(...steps) > 1e-4, `one step is only ${Math.min(...steps)}`);
  assert(Math.max(...steps) < apart / 2, `one step is ${Math.max(...steps)} of ${apart}`);
});

Deno.test("openScene() moves grey values where motion is below a pixel", () => {
  const [a, b] = film(2, { fps: 100 });
  const changed = a!.filter((value, i) => value !== b![i]).length / a!.length;
  assert(changed > 0.2, `${changed} of the values changed`);
  assert(meanSquare(a!, b!) < 1e-3);
});

Deno.test("openScene() has soft edges, so that no pixel jumps", () => {
  const frames = film(60, { fps: 1000, seed: 2 });
  const jumps = frames.slice(1).map((frame, n) =>
    frame.reduce((most, value, i) => Math.max(most, Math.abs(value - frames[n]![i]!)), 0)
  );
  assert(Math.max(...jumps) < 25, `a value jumps by ${Math.max(...jumps)} levels`);
});

Deno.test("openScene() stays the same scene at another size", () => {
  const scenes = [SIZE, { width: 120, height: 120 }].map((size) => {
    const scene = openScene({ size, seed: 9 });
    scene.next(new Uint8Array(size.width * size.height * 3));
    return scene.objects().map(({ id, kind }) => ({ id, kind }));
  });
  assertEquals(scenes[0], scenes[1]);
});

for (
  const [what, options] of [
    ["width", { size: { width: 0, height: 9 } }],
    ["seed", { size: SIZE, seed: -1 }],
    ["frame rate", { size: SIZE, fps: 0 }],
    ["number of frames", { size: SIZE, frames: 1.5 }],
  ] as const
) {
  Deno.test(`openScene() refuses a ${what} that makes no sense`, () => {
    assertThrows(() => openScene(options), RangeError, `a ${what} of`);
  });
}

Deno.test("openScene() takes under 2 ms a frame at 60x60", () => {
  const scene = openScene({ size: SIZE });
  const frame = new Uint8Array(60 * 60 * 3);
  let best = Infinity;
  for (let i = 0; i < 100; i++) {
    const start = performance.now();
    scene.next(frame);
    best = Math.min(best, performance.now() - start);
  }
  assert(best < 2, `the fastest of 100 took ${best} ms`);
});
