import { assertEquals } from "../std_assert.ts";
import { createMailbox, MailboxReader, MailboxWriter } from "./mailbox.ts";

function mailbox() {
  const memory = createMailbox(3);
  const writer = new MailboxWriter(memory), reader = new MailboxReader(memory);
  const into = new Uint8Array(3);
  return {
    writer,
    reader,
    put(value: number): void {
      writer.next.fill(value);
      writer.publish();
    },
    /** The number of the newest frame and its first byte. */
    take: (): [number, number] => [reader.take(into), into[0]!],
  };
}

Deno.test("Mailbox hands over frames", () => {
  const { put, take, reader } = mailbox();
  for (let i = 1; i < 9; i++) {
    put(i);
    assertEquals(take(), [i, i]);
  }
  assertEquals(reader.dropped, 0);
});

Deno.test("Mailbox delivers the newest frame and counts the others", () => {
  const { put, take, reader } = mailbox();
  for (let i = 1; i < 6; i++) put(i);
  assertEquals(take(), [5, 5]);
  assertEquals(reader.dropped, 4);
});

Deno.test("Mailbox delivers no frame twice", () => {
  const { put, take } = mailbox();
  put(1);
  take();
  assertEquals(take()[0], 0);
});

Deno.test("MailboxReader.take() is not disturbed by a frame that is being written", () => {
  const { put, take, writer } = mailbox();
  put(1);
  writer.next.fill(9);
  assertEquals(take(), [1, 1]);
});

Deno.test("MailboxReader.wait() wakes at a frame", async () => {
  const { put, take, reader } = mailbox();
  const waiting = reader.wait();
  put(7);
  assertEquals([await waiting, take()], [true, [1, 7]]);
});

Deno.test("MailboxReader.wait() returns at once where a frame is there", async () => {
  const { put, reader } = mailbox();
  put(7);
  assertEquals(await reader.wait(0), true);
});

Deno.test("MailboxReader.wait() gives up after its time", async () => {
  // Waiting alone does not keep Deno running; in a camera the other thread does.
  const alive = setInterval(() => {}, 1000);
  assertEquals(await mailbox().reader.wait(1), false);
  clearInterval(alive);
});

Deno.test("Mailbox.end() wakes the reader and says why", async () => {
  const { writer, reader } = mailbox();
  const waiting = reader.wait();
  writer.end("The cable was cut ✂");
  writer.end("later");
  assertEquals([await waiting, reader.ended], [true, "The cable was cut ✂"]);
});

Deno.test("Mailbox keeps what was put in before its end", () => {
  const { put, take, writer } = mailbox();
  put(3);
  writer.end("over");
  assertEquals(take(), [1, 3]);
});
