import { relative } from "node:path";
import { fileURLToPath as fromFileUrl } from "node:url";
import { assertEquals, assertRejects } from "../std_assert.ts";
import { BackendError } from "./errors.ts";
import { BACKEND_NAMES, findBackend, openDevice, parseSpecifier } from "./registry.ts";

Deno.test("every built-in backend is found by its name, and opens where it has a device", async () => {
  for (const name of BACKEND_NAMES) {
    const backend = await findBackend(name);
    assertEquals(backend.name, name);
    // The library of one may not be built, the hardware of another not be here.
    if ((await backend.probe()).length === 0) continue;
    const { device } = await openDevice(name);
    await device[Symbol.asyncDispose]();
    await device.lost;
  }
});

Deno.test("openDevice() takes a device behind a colon", async () => {
  const { device } = await openDevice("reference:f64");
  assertEquals(device.info.id, "f64");
  await device[Symbol.asyncDispose]();
});

Deno.test("a backend that is not there is refused with the nearest name", async () => {
  await assertRejects(() => findBackend("wsam"), BackendError, `did you mean "wasm"`);
  await assertRejects(() => findBackend("./nowhere.ts"), BackendError, "Cannot import");
  await assertRejects(() => openDevice("reference:f16"), BackendError, `no device "f16"`);
  await assertRejects(() => openDevice("wasm", { threads: 0 }), BackendError, "0 threads");
});

Deno.test("parseSpecifier() tells a device from the rest", () => {
  const cases: [string, string, string?][] = [
    ["wasm", "wasm"],
    ["wasm:strict", "wasm", "strict"],
    ["reference:pci:01:00.0", "reference", "pci:01:00.0"],
    ["wasm#strict", "wasm", "strict"],
    ["./my_backend.ts", "./my_backend.ts"],
    ["./my_backend.ts#f64", "./my_backend.ts", "f64"],
    ["npm:somebodys-backend@1.2#gpu:1", "npm:somebodys-backend@1.2", "gpu:1"],
    ["https://example.org/b.ts#0", "https://example.org/b.ts", "0"],
    ["file:///a/b.ts", "file:///a/b.ts"],
    ["native:./libx.so", "native:./libx.so"],
    ["native:./libx.so#1", "native:./libx.so", "1"],
    ["native:libx.so", "native:libx.so"],
  ];
  for (const [specifier, backend, device] of cases) {
    assertEquals(parseSpecifier(specifier), {
      backend,
      ...(device === undefined ? {} : { device }),
    });
  }
});

const MINE = new URL("../examples/my_backend/mod.ts", import.meta.url);

Deno.test("a plugin is found by a path, by file: and by data:, and one of its devices is asked for", async () => {
  const path = relative(Deno.cwd(), fromFileUrl(MINE));
  const data = `data:text/javascript,export { default } from "${MINE}"`;
  for (const specifier of [path, `./${path}`, fromFileUrl(MINE), MINE.href]) {
    assertEquals((await findBackend(specifier)).name, "mine");
    const { name, device } = await openDevice(`${specifier}#0`);
    assertEquals([name, device.info.id], ["mine", "0"]);
    await device[Symbol.asyncDispose]();
  }
  assertEquals((await findBackend(data)).name, "mine");
  await assertRejects(() => openDevice(`${path}#1`), BackendError, `no device "1"`);
});

Deno.test("a folder whose name means something in an address is still a folder", async () => {
  const folder = await Deno.makeTempDir({ prefix: "saccade 100% " });
  await Deno.writeTextFile(`${folder}/b?.ts`, `export { default } from "${MINE}";`);
  assertEquals((await findBackend(`${folder}/b?.ts`)).name, "mine");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a plugin of another version is refused, naming both", async () => {
  const source = "export default { apiVersion: 99, name: 'x', probe() {}, open() {} }";
  const plugin = `data:text/javascript,${encodeURIComponent(source)}`;
  await assertRejects(() => findBackend(plugin), BackendError, "version 99");
});
