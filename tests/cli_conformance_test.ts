/** `saccade conformance` as whoever writes a backend meets it. */
import { assert, assertEquals } from "../std_assert.ts";
import { assertRefused, saccade, succeed } from "./program.ts";

const QUICK = ["--runs", "5", "--seed", "3"];

Deno.test("conformance prints a table and the verdict, exit 0", async () => {
  const text = await succeed("conformance", "reference", ...QUICK);
  assert(text.startsWith("reference:f32, scalar TypeScript"), text);
  assert(/steps that learn agree with the reference +passed +5 /.test(text), text);
  assert(/^Conformant: \d\d passed$/.test(text.trimEnd().split("\n").at(-1)!), text);
});

Deno.test("a backend that is not conformant is exit 6, with what to type to see it again", async () => {
  const { code, stdout, stderr } = await saccade(["conformance", "null", ...QUICK]);
  assertEquals(code, 6, stderr);
  assert(stdout.includes("NOT conformant"), stdout);
  const again = stdout.match(/again: saccade (conformance null .*)/)?.[1];
  assert(again !== undefined, stdout);
  const args = [...again.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const replayed = await saccade(args);
  assertEquals(replayed.code, 6, replayed.stderr);
  assert(/ failed +1 /.test(replayed.stdout), replayed.stdout);
});

Deno.test("--json is the whole report", async () => {
  const only = ["--only", "bit for bit"];
  const report = JSON.parse(
    await succeed("conformance", "reference:f64", ...QUICK, ...only, "--json"),
  );
  assertEquals([report.backend, report.device.id, report.seed], ["reference", "f64", 3]);
  assertEquals(report.results.map(({ outcome }: { outcome: string }) => outcome), ["passed"]);
  assertEquals(report.conformant, true);
});

Deno.test("--skip is for good, --expect for now: one that passes fails the run", async () => {
  const only = ["--only", "a new model"];
  const skip = await succeed("conformance", "null", ...QUICK, ...only, "--skip", "new=it is empty");
  assert(skip.includes("unsupported: it is empty"), skip);
  const expect = ["--expect", "a new model=not yet"];
  const text = await succeed("conformance", "null", ...QUICK, ...only, ...expect);
  assert(text.includes("expected failure: not yet"), text);
  const { code, stdout } = await saccade([
    "conformance",
    "reference",
    ...QUICK,
    ...only,
    ...expect,
  ]);
  assertEquals(code, 6);
  assert(stdout.includes("unexpected pass"), stdout);
});

Deno.test("conformance refuses what makes no sense", async () => {
  const refuse = async (code: number, sentence: string, ...args: string[]) =>
    assertRefused(await saccade(["conformance", ...args]), code, sentence);
  await refuse(2, "takes one backend");
  await refuse(2, "takes one backend", "wasm", "null");
  await refuse(2, "give --seed and --only", "wasm", "--path", "1:2");
  await refuse(2, "--skip is TEST=REASON", "wasm", "--skip", "everything");
  await refuse(2, "No property has", "null", "--only", "nonsense");
  await refuse(5, 'did you mean "wasm"', "wsam");
  await refuse(5, 'has no device "f16"', "reference:f16");
});
