import { assertEquals, assertRejects } from "../std_assert.ts";
import { Kept } from "./kept.ts";

Deno.test("Kept makes what is not in its file, and nothing twice", async () => {
  const path = await Deno.makeTempFile();
  const made: string[] = [];
  const make = (name: string, value: unknown) => () => {
    made.push(name);
    return Promise.resolve(value);
  };
  const first = await Kept.open(path);
  assertEquals(await first.get("a", make("a", { skill: 0.5 })), { skill: 0.5 });
  assertEquals(await first.get("b", make("b", null)), null);
  const second = await Kept.open(path);
  assertEquals(await second.get("a", make("a", "other")), { skill: 0.5 });
  assertEquals(await second.get("b", make("b", 1)), 1);
  assertEquals(made, ["a", "b", "b"]);
  await Deno.writeTextFile(path, "no results");
  await assertRejects(() => Kept.open(path), SyntaxError);
  await Deno.remove(path);
});
