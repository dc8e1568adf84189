// Written out here, so that the lock file has the package.
// deno-lint-ignore no-import-prefix
import { env } from "npm:onnxruntime-web@1.30.0/wasm";
import { assertEquals, assertRejects } from "../../std_assert.ts";
import { importOrt, ORT_VERSION } from "./import_ort.ts";

Deno.test("the runtime that is imported is the one that is locked and tested", () => {
  assertEquals(env.versions.web, ORT_VERSION);
});

Deno.test("what cannot be imported is an error that says how to get it", async () => {
  await assertRejects(() => importOrt("/nowhere.mjs"), Error, "deno cache npm:onnxruntime-web@");
});
