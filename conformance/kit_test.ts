/** How the kit judges, whatever it judges. */
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { backend as nothing } from "../backends/null/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { BackendError } from "../backends/errors.ts";
import { explain } from "./conformance.ts";
import { proveConformance } from "./kit.ts";

const QUICK = { seed: 7, runs: 10 };
const NEW_MODEL = "a new model agrees with the reference from its first step";

Deno.test("unsupported is not asked for, and does not fail the run", async () => {
  const skip = [{ test: "a new model", reason: "it computes nothing" }];
  const { results, conformant } = await proveConformance(nothing, {
    ...QUICK,
    only: "a new model",
    skip,
  });
  assert(conformant);
  assertEquals(results, [{
    name: NEW_MODEL,
    outcome: "unsupported",
    runs: 0,
    ms: 0,
    reason: "it computes nothing",
  }]);
});

Deno.test("an expected failure is run and does not fail the run, unless it passes", async () => {
  const options = {
    ...QUICK,
    only: "a new model",
    expected: [{ test: "a new model", reason: "not written yet" }],
  };
  const failing = await proveConformance(nothing, options);
  assertEquals(failing.results.map(({ outcome }) => outcome), ["expected failure"]);
  assert(failing.conformant);
  const passing = await proveConformance(reference, options);
  assertEquals(passing.results.map(({ outcome }) => outcome), ["unexpected pass"]);
  assert(!passing.conformant);
});

Deno.test("a failure says what, with which case, and how to see it again", async () => {
  const { results } = await proveConformance(nothing, { ...QUICK, only: "a new model" });
  const text = explain(results[0]!);
  assert(text.includes('"mse" is NaN from the reference'), text);
  assert(/--seed 7 --path [\d:]+ --only "a new model/.test(text), text);
});

Deno.test("equal seeds try equal cases", async () => {
  const once = async () => {
    const { results } = await proveConformance(nothing, { ...QUICK, only: "a new model" });
    return results[0]!.failure;
  };
  assertEquals(await once(), await once());
});

Deno.test("a failing sequence of commands replays as it was printed", async () => {
  const only = "a session does what";
  const first = await proveConformance(nothing, { ...QUICK, runs: 100, only });
  const { path, counterexample } = first.results[0]!.failure!;
  assert(path.includes("@"), path);
  const again = await proveConformance(nothing, { ...QUICK, runs: 100, only, path });
  assertEquals(again.results[0]!.runs, 1);
  assertEquals(again.results[0]!.failure!.counterexample, counterexample);
});

Deno.test("a property of which no case comes to an end in time has not passed", async () => {
  const slow = {
    ...reference,
    open: async (id: string) => {
      await new Promise((wake) => setTimeout(wake, 200));
      return await reference.open(id);
    },
  };
  const options = { ...QUICK, only: "device that is gone", limit: 50 };
  const { results } = await proveConformance(slow, options);
  assertEquals(results.map(({ outcome }) => outcome), ["failed"]);
  assertEquals(results[0]!.failure!.message, "No case came to an end within 0.05 s");
});

Deno.test("a device that there is not, and no device at all, are refused in words", async () => {
  await assertRejects(
    () => proveConformance(reference, { device: "f16" }),
    BackendError,
    'has no device "f16": there are f32, f64',
  );
  const absent = { ...reference, probe: () => Promise.resolve([]) };
  await assertRejects(() => proveConformance(absent), BackendError, "finds no device");
});
