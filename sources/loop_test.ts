import { assertEquals } from "../std_assert.ts";
import { loopSource } from "./loop.ts";
import type { Source } from "./source.ts";

/** Opens sources of numbered one-pixel frames, and counts what is opened and closed. */
class Reel {
  opened = 0;
  closed = 0;
  read = 0;
  readonly #length: number;
  readonly #truncated: string | null;

  constructor(length: number, truncated: string | null = null) {
    this.#length = length;
    this.#truncated = truncated;
  }

  open = (): Promise<Source> => {
    this.opened++;
    let position = 0;
    const next = (into: Uint8Array) => {
      if (position === this.#length) return false;
      this.read++;
      into[0] = position++;
      return true;
    };
    return Promise.resolve({
      name: "reel",
      size: { width: 1, height: 1 },
      live: false,
      dropped: 0,
      truncated: this.#truncated,
      next,
      skip: (frames) => {
        let skipped = 0;
        while (skipped < frames && next(new Uint8Array(3))) skipped++;
        return Promise.resolve(skipped);
      },
      [Symbol.asyncDispose]: () => {
        this.closed++;
        return Promise.resolve();
      },
    });
  };
}

async function numbers(source: Source, count: number): Promise<number[]> {
  const read: number[] = [], frame = new Uint8Array(3);
  while (read.length < count && await source.next(frame)) read.push(frame[0]!);
  return read;
}

Deno.test("loopSource() starts again at the end", async () => {
  await using source = await loopSource(new Reel(3).open);
  assertEquals(await numbers(source, 7), [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("loopSource() ends when there are no frames", async () => {
  const reel = new Reel(0);
  await using source = await loopSource(reel.open);
  assertEquals(await numbers(source, 1), []);
  assertEquals(await source.skip(5), 0);
  assertEquals(reel.opened, 1);
});

Deno.test("loopSource() ends with a source that ends before its time", async () => {
  await using source = await loopSource(new Reel(2, "cut").open);
  assertEquals(await numbers(source, 9), [0, 1]);
  assertEquals(source.truncated, "cut");
});

for (const [frames, then] of [[2, 2], [3, 0], [4, 1], [3_000_000_002, 2]] as const) {
  Deno.test(`loopSource() skips ${frames} frames of a video of 3`, async () => {
    await using source = await loopSource(new Reel(3).open);
    assertEquals(await source.skip(frames), frames);
    assertEquals(await numbers(source, 2), [then, (then + 1) % 3]);
  });
}

Deno.test("loopSource() skips from the middle of a round", async () => {
  await using source = await loopSource(new Reel(5).open);
  await numbers(source, 3);
  assertEquals(await source.skip(1004), 1004);
  assertEquals(await numbers(source, 1), [2]);
});

Deno.test("loopSource() reads a video once to learn its length, and no more than two rounds", async () => {
  const reel = new Reel(10);
  await using source = await loopSource(reel.open);
  await source.skip(1_000_009);
  assertEquals(reel.read, 19);
});

Deno.test("loopSource() closes every round", async () => {
  const reel = new Reel(2);
  {
    await using source = await loopSource(reel.open);
    await numbers(source, 5);
  }
  assertEquals([reel.opened, reel.closed], [3, 3]);
});
