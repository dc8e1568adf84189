import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { BackendError } from "./errors.ts";
import { BACKEND_NAMES, findBackend, openDevice } from "./registry.ts";

Deno.test("every built-in backend is found by its name and opens", async () => {
  for (const name of BACKEND_NAMES) {
    assertEquals((await findBackend(name)).name, name);
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

Deno.test("a plugin of another version is refused, naming both", async () => {
  const source = "export const backend = { apiVersion: 99, name: 'x', probe() {}, open() {} }";
  const plugin = `data:text/javascript,${encodeURIComponent(source)}`;
  await assertRejects(() => findBackend(plugin), BackendError, "version 99");
  const empty = "data:text/javascript,export const other = 1";
  const error = await assertRejects(() => findBackend(empty), BackendError);
  assert(error.message.includes(`exports no "backend"`));
});
