/** When a model is pruned while it learns. */
import { assert, assertEquals } from "../std_assert.ts";
import { densityDue, gradualDensity, pruningSteps } from "./pruning_schedule.ts";

Deno.test("gradualDensity() goes from where it began to the target, fast at first", () => {
  assertEquals([0, 1, 2].map((done) => gradualDensity(0.1, done)), [1, 0.1, 0.1]);
  assertEquals([0, 1].map((done) => gradualDensity(0.1, done, 0.5)), [0.5, 0.1]);
  assert(gradualDensity(0.1, 0.5) < 0.25);
});

Deno.test("pruningSteps() are twenty, or one a step, and the last is at the end", () => {
  assertEquals(pruningSteps(3), [1, 2, 3]);
  const many = pruningSteps(1000);
  assertEquals([many.length, many[0], many.at(-1)], [20, 50, 1000]);
  assertEquals(new Set(pruningSteps(29)).size, 20);
});

Deno.test("densityDue() is that of the schedule at its steps, and nothing between them", () => {
  const schedule = {
    density: 0.2,
    blocks: { rows: 1, columns: 4 },
    scope: "matrix",
    from: 0.8,
    steps: 40,
  } as const;
  const due = Array.from({ length: 42 }, (_, made) => densityDue({ ...schedule, made }));
  assertEquals(due.filter((density) => density !== undefined).length, 20);
  assertEquals([due[0], due[1], due[40], due[41]], [undefined, undefined, 0.2, undefined]);
  assertEquals(due[20], gradualDensity(0.2, 0.5, 0.8));
});
