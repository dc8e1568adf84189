import { assertEquals, assertThrows } from "../std_assert.ts";
import { SourceError } from "./source.ts";
import { parseY4mHeader } from "./y4m_header.ts";

Deno.test("parseY4mHeader() reads what ffmpeg writes", () => {
  const line = "YUV4MPEG2 W96 H64 F25:2 Ip A0:0 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED";
  assertEquals(parseY4mHeader(line, "clip"), {
    width: 96,
    height: 64,
    fps: 12.5,
    chroma: { across: 2, down: 2 },
    fullRange: false,
  });
});

Deno.test("parseY4mHeader() takes 4:2:0 and no rate where nothing is said", () => {
  const header = parseY4mHeader("YUV4MPEG2 W4 H2", "clip");
  assertEquals([header.chroma.down, header.fps, header.fullRange], [2, null, false]);
});

for (
  const [fields, message] of [
    ["C420p10", "420p10 is not supported"],
    ["C444alpha", "444alpha is not supported"],
    ["W0", "gives no size"],
    ["W99999", "gives no size"],
    ["H2.5", "gives no size"],
  ] as const
) {
  Deno.test(`parseY4mHeader() refuses ${fields}`, () => {
    assertThrows(
      () => parseY4mHeader(`YUV4MPEG2 W4 H2 ${fields}`, "clip"),
      SourceError,
      message,
    );
  });
}

Deno.test("parseY4mHeader() refuses another kind of file", () => {
  assertThrows(() => parseY4mHeader("RIFF", '"a.avi"'), SourceError, '"a.avi": it is not a y4m');
});

Deno.test("parseY4mHeader() takes full range where the file says so, and for grey", () => {
  assertEquals(parseY4mHeader("YUV4MPEG2 W4 H2 C420jpeg XCOLORRANGE=FULL", "c").fullRange, true);
  assertEquals(parseY4mHeader("YUV4MPEG2 W4 H2 Cmono", "c").fullRange, true);
  assertEquals(parseY4mHeader("YUV4MPEG2 W4 H2 Cmono XCOLORRANGE=LIMITED", "c").fullRange, false);
});
