/** The ONNX graph in Chromium, through the public API of onnxruntime-web. */
import { importOrt, ORT_VERSION } from "../backends/onnx/import_ort.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { browse, bundle } from "./browser.ts";
import type { Found } from "./browser_onnx.ts";
import { needing } from "./needs.ts";

/** Where the files of onnxruntime-web lie, fetched if need be. */
async function ortFolder(): Promise<string> {
  const { Worker } = globalThis;
  await importOrt("/wasm");
  globalThis.Worker = Worker;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  for await (const { name } of Deno.readDir(npmCache)) {
    const folder = `${npmCache}/${name}/onnxruntime-web/${ORT_VERSION}/dist`;
    if (await Deno.stat(folder).then(() => true, () => false)) return folder;
  }
  throw new Error(`There is no onnxruntime-web ${ORT_VERSION} in ${npmCache}`);
}

await needing(["chromium"], "in Chromium ONNX Runtime agrees with the reference", async () => {
  const script = await bundle("browser_onnx.ts");
  const { worst, error } = await browse<Found>(script, await ortFolder());
  assertEquals(error, undefined);
  assertEquals(Object.keys(worst).sort(), ["2016", "saccade"]);
  for (const [rule, most] of Object.entries(worst)) {
    const limit = rule === "saccade" ? 5e-5 : 1e-5;
    assert(most <= limit, `${rule}: ${most} is more than ${limit}`);
  }
});
