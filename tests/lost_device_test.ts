/** What the command line says of a lost device. */
import { assert, assertEquals } from "../std_assert.ts";
import { assertSentence, Folder, saccade } from "./program.ts";

const fragile = (how: string) => new URL(`./fragile_backend.ts?${how}`, import.meta.url).href;
const RUN = ["run", "--spec", "tiny", "--scene", "--window", "5"];

Deno.test("a lost device is a line for a person and a record for a script, and the run goes on", async () => {
  await using folder = new Folder();
  const file = folder.file("model.safetensors");
  const { code, stdout, stderr } = await saccade([
    ...RUN,
    ...["--backend", fragile("after=12"), "--steps", "20", "--json"],
    ...["--save", file, "--checkpoint-every", "5"],
  ]);
  assertEquals(code, 0);
  assertSentence(stderr);
  assert(/^The device fell off; the run goes on from step \d+, \d+ steps are lost\n$/.test(stderr));
  const records = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const lost = records.filter(({ kind }) => kind === "lost");
  assertEquals(lost.length, 1);
  assertEquals(lost[0].step + lost[0].lostSteps, 12);
  assertEquals([lost[0].losses, lost[0].message], [1, "The device fell off"]);
  assertEquals([records.at(-1).kind, records.at(-1).step], ["summary", 20]);
});

Deno.test("a device that is lost again and again ends the run with exit code 5", async () => {
  const { code, stdout, stderr } = await saccade([
    ...RUN,
    ...["--backend", fragile("after=3&times=99"), "--steps", "20", "--json"],
  ]);
  assertEquals(code, 5);
  const lines = stderr.trimEnd().split("\n");
  assertEquals(lines.length, 4, stderr);
  assert(lines.at(-1)!.startsWith("The device was lost 4 times and came no further than step 0"));
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line).kind), [
    "lost",
    "lost",
    "lost",
  ]);
});
