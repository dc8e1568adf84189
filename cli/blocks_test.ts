import { assert, assertEquals } from "../std_assert.ts";
import { blocks, colourOf } from "./blocks.ts";

const picture = {
  width: 2,
  height: 2,
  bytes: Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0),
};

Deno.test("blocks() puts two rows of pixels into one of characters", () => {
  const [line, ...more] = blocks([picture], { columns: 2, colour: "true" });
  assertEquals(more.length, 0);
  assertEquals(
    line,
    "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;0;0;0;48;2;0;0;0m▀\x1b[0m",
  );
});

Deno.test("blocks() scales a picture to the columns there are", () => {
  const large = { width: 60, height: 60, bytes: new Uint8Array(60 * 60 * 3) };
  const lines = blocks([large, large], { columns: 20, colour: "none" });
  assertEquals([lines.length, lines[0]!.length], [10, 42]);
});

Deno.test("blocks() without colour is darker where the picture is", () => {
  const light = { ...picture, bytes: new Uint8Array(12).fill(255) };
  assertEquals(blocks([light], { columns: 2, colour: "none" }), ["@@"]);
  assertEquals(
    blocks([{ ...picture, bytes: new Uint8Array(12) }], { columns: 2, colour: "none" }),
    ["  "],
  );
});

Deno.test("colourOf() follows the usual variables", () => {
  assertEquals(colourOf({ NO_COLOR: "1", COLORTERM: "truecolor" }), "none");
  assertEquals(colourOf({ COLORTERM: "truecolor" }), "true");
  assertEquals(colourOf({ TERM: "xterm" }), "256");
  assert(colourOf({ TERM: "dumb" }) === "none");
});
