import { assert, assertEquals } from "../std_assert.ts";
import { createRing, RingReader, RingWriter } from "./feed_ring.ts";

function ring(): [RingWriter, RingReader] {
  const memory = createRing(3, 2);
  return [new RingWriter(memory, 3, 2), new RingReader(memory, 3, 2)];
}

/** Puts a frame in. */
function write(writer: RingWriter, value: number): void {
  const slot = writer.free()!;
  slot.frame.fill(value);
  slot.candidate.fill(value + 0.25);
  slot.scores.fill(value + 0.5);
  writer.publish();
}

/** Takes one out. */
function read(reader: RingReader): number[] {
  const { frame, candidate, scores } = reader.slot;
  const values = [frame[2]!, candidate[1]!, scores[1]!];
  reader.release();
  return values;
}

Deno.test("frames come out of a ring whole and in order, and then the end", () => {
  const [writer, reader] = ring();
  assertEquals([reader.ready, reader.ended], [false, false]);
  for (let n = 0; n < 7; n += 2) {
    write(writer, n);
    write(writer, n + 1);
    for (const value of [n, n + 1]) assertEquals(read(reader), [value, value + 0.25, value + 0.5]);
  }
  write(writer, 8);
  writer.end();
  assertEquals([reader.ready, reader.ended], [true, false]);
  read(reader);
  assertEquals([reader.ready, reader.ended], [false, true]);
});

Deno.test("a reader sleeps until a frame comes, or the end", async () => {
  const [writer, reader] = ring();
  // Such a sleep alone does not keep Deno from ending; in a run there are other threads.
  const awake = setInterval(() => {}, 1000);
  const frame = reader.change();
  assert(frame !== undefined);
  write(writer, 1);
  await frame;
  assertEquals(reader.change(), undefined);
  read(reader);
  const end = reader.change();
  writer.end();
  await end;
  clearInterval(awake);
  assert(reader.ended);
});

Deno.test("a writer is told that nobody reads on", () => {
  const [writer, reader] = ring();
  write(writer, 1);
  write(writer, 2);
  reader.close();
  assertEquals(writer.free(), null);
});
