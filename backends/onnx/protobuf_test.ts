import { assertEquals } from "../../std_assert.ts";
import { Message } from "./protobuf.ts";

const hex = (message: Message) =>
  Array.from(message.bytes(), (byte) => byte.toString(16).padStart(2, "0")).join(" ");

Deno.test("numbers are varints, negative ones ten bytes long", () => {
  // The example of the protocol buffer documentation.
  assertEquals(hex(new Message().int(1, 150)), "08 96 01");
  assertEquals(hex(new Message().int(1, -1)), `08 ${"ff ".repeat(9)}01`);
  assertEquals(hex(new Message().int(1, 2n ** 62n)), `08 ${"80 ".repeat(8)}40`);
});

Deno.test("repeated numbers are not packed, and fields above 15 take two bytes", () => {
  assertEquals(hex(new Message().int(2, 3, 270)), "10 03 10 8e 02");
  assertEquals(hex(new Message().int(20, 1)), "a0 01 01");
});

Deno.test("texts, floats and messages stand with their length", () => {
  assertEquals(hex(new Message().text(2, "testing")), "12 07 74 65 73 74 69 6e 67");
  assertEquals(hex(new Message().float(2, 1)), "15 00 00 80 3f");
  assertEquals(hex(new Message().message(3, new Message().int(1, 150))), "1a 03 08 96 01");
});
