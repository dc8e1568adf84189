/** Errors that cross a thread or a process. */
import { assert, assertEquals } from "../../std_assert.ts";
import { DeviceLostError } from "../backend.ts";
import { BackendError } from "../errors.ts";
import { revived, sendable } from "./failures.ts";

const cross = (error: unknown) => revived(structuredClone(sendable(error)));

Deno.test("an error keeps its class, its message and what was behind it", () => {
  const errors = [
    new TypeError("a"),
    new RangeError("b"),
    new DeviceLostError("c"),
    new BackendError("d", { cause: new Deno.errors.NotCapable("e") }),
  ];
  for (const error of errors) {
    const there = cross(error);
    assert(there instanceof error.constructor, error.name);
    assertEquals([there.name, there.message], [error.name, error.message]);
  }
  assert(cross(errors[3]).cause instanceof Deno.errors.NotCapable);
});

Deno.test("an error of an unknown class keeps its name, and anything else becomes one", () => {
  class OddError extends Error {
    override name = "OddError";
  }
  const odd = cross(new OddError("f"));
  assertEquals([odd.name, odd.message], ["OddError", "f"]);
  assertEquals(cross("just text").message, "just text");
  assertEquals(cross(Object.assign(new Error("g"), { name: "toString" })).name, "toString");
});
