import { assertEquals, assertThrows } from "../std_assert.ts";
import { builtinSpec } from "./builtin.ts";
import { compilePlan } from "./compile.ts";
import { compileDefer, ringLength } from "./defer.ts";
import { parseSpec, SpecError } from "./parse_spec.ts";

const spec = (fields: Record<string, unknown>) => builtinSpec("small", { rule: "2016", fields });

Deno.test("compileDefer() keeps momentum until a 50,000th of it is left", () => {
  assertEquals(compileDefer(spec({ defer: 8 })), { every: 8, window: 16 });
  assertEquals(compileDefer(spec({ defer: 8, momentum: 0.1 })), { every: 8, window: 5 });
  assertEquals(compileDefer(spec({ defer: 8, momentum: 0 })), { every: 8, window: 1 });
  assertEquals(compileDefer(spec({ defer: 8, defer_window: 3 })), { every: 8, window: 3 });
  assertEquals(compileDefer(spec({})), { every: 0, window: 0 });
});

Deno.test("compileDefer() chooses by what a step moves, and in a cache by what it multiplies", () => {
  // In memory a write costs, and pairs up to the window are there anyway; in a cache pairs cost sooner.
  const memory = compileDefer(spec({ defer: "auto" }), 1e8).every;
  const cache = compileDefer(spec({ defer: "auto" }), 1e5).every;
  assertEquals([memory >= 16, cache > 0 && cache <= memory], [true, true], `${memory}, ${cache}`);
  // A layer so narrow that pairs are as large as its matrices.
  const narrow = spec({ defer: "auto", hidden_block_size: 2 });
  assertEquals(compileDefer(narrow, 1e5), { every: 0, window: 0 });
  assertEquals(compilePlan(builtinSpec("small", { fields: { defer: "auto" } })).defer.every, 0);
});

Deno.test("ringLength() is in fours", () => {
  assertEquals(
    [[0, 0], [1, 0], [8, 17], [20, 17]].map(([every, window]) =>
      ringLength({ every: every!, window: window! })
    ),
    [0, 4, 20, 20],
  );
});

Deno.test("a momentum that lasts too long to be deferred is refused with what to do", () => {
  const raw = { rule: "2016", momentum: 0.9, defer: 8 };
  assertThrows(() => parseSpec(raw), SpecError, `give "defer_window"`);
  assertEquals(parseSpec({ ...raw, defer_window: 40 }).defer, 8);
  assertThrows(() => parseSpec({ defer: 65 }), SpecError, `a whole number from 0 to 64, or auto`);
});
