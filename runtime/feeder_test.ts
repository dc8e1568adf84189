import type { SourceRequest } from "../sources/open.ts";
import { SourceError } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { DirectFeed, type Feed, type FeedStart } from "./feed.ts";
import { feedsAhead, ThreadFeed } from "./feeder.ts";

const size = { width: 20, height: 20 };

/** A feed with its thread, ended with the scope. */
async function open(stack: AsyncDisposableStack, request: SourceRequest): Promise<ThreadFeed> {
  const worker = new Worker(new URL("./feeder_worker.ts", import.meta.url), { type: "module" });
  stack.defer(() => worker.terminate());
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port1, [port1]);
  stack.defer(() => port2.close());
  return stack.use(await ThreadFeed.open(port2, request, size, new AbortController().signal));
}

/** All frames with what is known of them. */
async function all(feed: Feed): Promise<unknown[]> {
  const frames: unknown[] = [];
  while (await feed.next()) {
    const { frame, external, scores: { copy, motion } } = feed;
    frames.push([frame.slice(), external?.slice(), copy, motion]);
  }
  return frames;
}

for (const radius of [0, 2]) {
  Deno.test(`a thread feeds what the loop would make itself, radius ${radius}`, async () => {
    await using stack = new AsyncDisposableStack();
    const start: FeedStart = { size, radius, skip: 3 };
    const direct = new DirectFeed(openScene({ size, frames: 12 }));
    const ahead = await open(stack, { kind: "scene", frames: 12 });
    await direct.start(start);
    await ahead.start(start);
    const want = await all(direct);
    assertEquals(want.length, 9);
    assertEquals(await all(ahead), want);
    assertEquals(await ahead.next(), false);
  });
}

Deno.test("a thread goes on from the frame learned last", async () => {
  await using stack = new AsyncDisposableStack();
  const last = new Float32Array(1200).fill(100 / 255);
  const candidate = new Float32Array(1200).fill(0.1);
  const start: FeedStart = { size, radius: 2, skip: 1, last, candidate };
  const direct = new DirectFeed(openScene({ size, frames: 4 }));
  const ahead = await open(stack, { kind: "scene", frames: 4 });
  await direct.start(start);
  await ahead.start(start);
  const want = await all(direct);
  assert((want[0] as number[]).slice(2).every((score) => score > 0), "nothing went before");
  assertEquals(await all(ahead), want);
});

/** A y4m of frames, and bytes behind them. */
async function video(stack: AsyncDisposableStack, frames: number, rest: string): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".y4m" });
  stack.defer(() => Deno.remove(path));
  const parts: BlobPart[] = ["YUV4MPEG2 W20 H20 F10:1 Cmono\n"];
  for (let n = 0; n < frames; n++) parts.push("FRAME\n", new Uint8Array(400).fill(100 + n));
  await Deno.writeFile(path, await new Blob([...parts, rest]).bytes());
  return path;
}

Deno.test("a source that breaks is an error after the frames before it", async () => {
  await using stack = new AsyncDisposableStack();
  const path = await video(stack, 5, "GRIME\n");
  const feed = await open(stack, { kind: "video", path, fit: "stretch" });
  assertEquals(feed.name, `"${path}"`);
  await feed.start({ size, radius: 0, skip: 0 });
  for (let n = 0; n < 5; n++) assertEquals(await feed.next(), true);
  await assertRejects(async () => await feed.next(), SourceError, "does not begin with FRAME");
});

Deno.test("a source that ends early says so at its end", async () => {
  await using stack = new AsyncDisposableStack();
  const path = await video(stack, 5, "FRAME\nabc");
  const feed = await open(stack, { kind: "video", path, fit: "stretch" });
  await feed.start({ size, radius: 0, skip: 0 });
  assertEquals((await all(feed)).length, 5);
  assert(feed.truncated?.includes("in the middle of a frame"), `${feed.truncated}`);
});

Deno.test("a source that cannot be had is refused with its reason", async () => {
  await using stack = new AsyncDisposableStack();
  const request = { kind: "video", path: "/no/such.y4m", fit: "stretch" } as const;
  await assertRejects(() => open(stack, request), SourceError, "there is no such file");
});

Deno.test("a thread that waits for a free slot hears that the run has ended", async () => {
  await using stack = new AsyncDisposableStack();
  const feed = await open(stack, { kind: "scene" });
  await feed.start({ size, radius: 0, skip: 0 });
  assertEquals(await feed.next(), true);
  // Closing waits until the thread has ended its source.
  await feed[Symbol.asyncDispose]();
});

Deno.test("cameras, pipes and files that keep time are not read ahead", () => {
  const fit = "stretch" as const;
  assert(!feedsAhead({ kind: "camera", device: "0", fit }));
  assert(!feedsAhead({ kind: "raw", fit }));
  assert(!feedsAhead({ kind: "video", path: "a.y4m", fit, fps: 10 }));
  const cores = navigator.hardwareConcurrency > 1;
  assertEquals(feedsAhead({ kind: "video", path: "a.y4m", fit }), cores);
});
