/** Every example runs and says what it should. */
import { assert, assertEquals } from "../std_assert.ts";

const root = new URL("../", import.meta.url);

async function runExample(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", ...args], cwd: root });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("examples/learn.ts learns to do better than copying", async () => {
  const { code, out } = await runExample("--allow-read", "--no-prompt", "examples/learn.ts");
  assertEquals(code, 0);
  const skills = [...out.matchAll(/skill ([-\d.]+)/g)].map(([, skill]) => Number(skill));
  assertEquals(skills.length, 7);
  assert(skills[5]! > 0 && skills[5]! > skills[0]!, out);
});

Deno.test("examples/tracking_boxes.ts knows where objects are", async () => {
  const { code, out } = await runExample(
    "--allow-read",
    "--no-prompt",
    "examples/tracking_boxes.ts",
  );
  assertEquals(code, 0);
  assert(/step 400: mse \d.*; .+ at \d+,\d+/.test(out), out);
});

Deno.test("examples/logging_backend.ts is a backend for the command line", async () => {
  const { code, out, err } = await runExample(
    "--allow-all",
    "cli/main.ts",
    "run",
    "--spec=tiny",
    "--steps=20",
    "--window=10",
    "--backend=./examples/logging_backend.ts",
    "--json",
  );
  assertEquals(code, 0);
  assertEquals(out.trim().split("\n").length, 3);
  assert(/10 steps took [\d.]+ ms/.test(err), err);
});
