/** The kit notices what is wrong: every mutant is caught, by the property that is about it, within seconds. */
import { assert, assertEquals } from "../std_assert.ts";
import { proveConformance } from "./kit.ts";
import { MATHS_MUTANTS } from "./maths_mutants_testing.ts";
import { faulty } from "./mutants_testing.ts";
import { SESSION_MUTANTS } from "./session_mutants_testing.ts";

/** Of the random cases: the same on every day. */
const seed = 20778;

for (const { fault, noticed, backend } of [...MATHS_MUTANTS, ...SESSION_MUTANTS]) {
  Deno.test(`the kit notices: ${fault}`, async () => {
    const options = { seed, runs: 100, only: noticed, deadline: 200, limit: 5000 };
    const { results, conformant } = await proveConformance(backend, options);
    assert(results.length > 0, `no property is about "${noticed}"`);
    assert(!conformant, `seed ${seed}: "${fault}" passes "${noticed}"`);
    const [failed] = results.filter(({ outcome }) => outcome === "failed");
    // A counterexample replays: the same seed and path fail again, at once.
    const { path } = failed!.failure!;
    const again = await proveConformance(backend, { ...options, only: failed!.name, path });
    assertEquals(again.results.map(({ outcome }) => outcome), ["failed"], `path ${path}`);
  });
}

Deno.test("the kit passes the reference behind the same wrapper", async () => {
  const { results } = await proveConformance(faulty(() => ({})), { seed, runs: 30 });
  assertEquals(results.filter(({ outcome }) => outcome === "failed"), []);
});
