import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { UsageError } from "./exit.ts";
import { type Command, helpText, parseFlags } from "./flags.ts";

const command: Command = {
  name: "try",
  help: "Tries.",
  flags: {
    video: { value: "FILE", help: "a file" },
    steps: { value: "N", kind: "count", help: "steps" },
    fps: { value: "N", kind: "number", help: "rate" },
    fit: { value: "HOW", of: ["stretch", "crop"], help: "fit" },
    json: { help: "JSON" },
  },
  examples: ["saccade try --json"],
};

Deno.test("parseFlags() reads values in both forms", () => {
  for (const args of [["--steps", "3", "--json"], ["--steps=3", "--json"]]) {
    const values = parseFlags(command, args);
    assertEquals([values.number("steps"), values.has("json"), values.has("video")], [
      3,
      true,
      false,
    ]);
  }
});

Deno.test("parseFlags() takes a dash and an equals sign as values", () => {
  assertEquals(parseFlags(command, ["--video", "-"]).text("video"), "-");
  assertEquals(parseFlags(command, ["--video", "a=b"]).text("video"), "a=b");
});

Deno.test("parseFlags() keeps text as it was written", () => {
  assertEquals(parseFlags(command, ["--video", "007"]).text("video"), "007");
});

Deno.test("parseFlags() refuses what makes no sense, and says why", () => {
  const cases: [string[], string][] = [
    [["--vdeo", "x"], `did you mean "--video"`],
    [["--zzz"], `Unknown flag "--zzz"`],
    [["--video"], "--video needs a value"],
    [["--video", "--json"], "--video needs a value"],
    [["--video="], "--video needs a value"],
    [["--steps", "many"], "a whole number"],
    [["--steps", "-3"], "a whole number"],
    [["--fps", "0"], "a number above 0"],
    [["--fit", "corp"], `did you mean "crop"`],
    [["--steps", "1", "--steps", "2"], "given 2 times"],
    [["clip.mp4"], "one word too many"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseFlags(command, args), UsageError, message);
  }
});

Deno.test("helpText() shows every flag and an example", () => {
  const help = helpText(command);
  for (const word of ["--video FILE", "--json", "--help", "saccade try --json"]) {
    assert(help.includes(word), word);
  }
});
