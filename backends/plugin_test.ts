import { assertEquals, assertRejects, assertThrows } from "../std_assert.ts";
import { API_VERSION, type Backend, type DeviceInfo, type Session } from "./backend.ts";
import { BackendError } from "./errors.ts";
import { checkBackend, checkSession, failure, openChecked, probeDevices } from "./plugin.ts";

const INFO: DeviceInfo = {
  id: "0",
  kind: "cpu",
  description: "a device",
  formats: ["f32"],
  deterministic: true,
  maxInFlight: 1,
  reportCapacity: 1024,
};

function backend(members: Partial<Backend> = {}): Backend {
  return {
    apiVersion: API_VERSION,
    name: "plugin",
    probe: () => Promise.resolve([INFO]),
    open: () => Promise.reject(new RangeError("no device")),
    ...members,
  };
}

Deno.test("checkBackend() takes the default export", () => {
  const plugin = backend();
  assertEquals(checkBackend("./p.ts", { default: plugin }), plugin);
});

Deno.test("checkBackend() says what is wrong with a default export", () => {
  const says = (module: Record<string, unknown>, text: string) =>
    assertThrows(() => checkBackend("./p.ts", module), BackendError, text);
  says({}, `"./p.ts" has no default export`);
  says({ backend: backend() }, `"./p.ts" has no default export`);
  says({ default: null }, "is null, not a backend");
  says({ default: () => {} }, "is a function, not a backend");
  says({ default: "wasm" }, "is a string, not a backend");
  says({ default: {} }, "lacks apiVersion, name, probe, open");
  says({ default: { ...backend(), open: undefined, name: 3 } }, "lacks name, open");
});

Deno.test("checkBackend() names both versions, whatever else another version lacks", () => {
  const error = assertThrows(
    () => checkBackend("./p.ts", { default: { apiVersion: 99 } }),
    BackendError,
  );
  assertEquals(
    error.message,
    `Backend "./p.ts" was written for version 99 of the contract, this is version ${API_VERSION}`,
  );
});

Deno.test("probeDevices() says which member of which device is wrong", async () => {
  const wrong: [Record<string, unknown> | null, string][] = [
    [null, "device 1 wrongly: it is no object"],
    [{ ...INFO, id: undefined }, `"id" is missing, it must be a text`],
    [{ ...INFO, id: 7 }, `"id" is 7`],
    [INFO as unknown as Record<string, unknown>, `"id" is "0", as that of another one`],
    [{ ...INFO, id: "1", kind: "tpu" }, `"kind" is "tpu", it must be cpu, gpu, npu or fpga`],
    [{ ...INFO, id: "1", description: null }, `"description" is null`],
    [{ ...INFO, id: "1", formats: "f32" }, `"formats" is "f32"`],
    [{ ...INFO, id: "1", deterministic: "yes" }, `"deterministic" is "yes"`],
    [{ ...INFO, id: "1", maxInFlight: 0 }, `"maxInFlight" is 0`],
    [{ ...INFO, id: "1", reportCapacity: 16 }, `"reportCapacity" is 16, it must be a whole`],
  ];
  for (const [info, says] of wrong) {
    const probe = () => Promise.resolve([INFO, info as unknown as DeviceInfo]);
    await assertRejects(() => probeDevices(backend({ probe })), BackendError, says);
  }
  const probe = () => Promise.resolve("none") as unknown as Promise<DeviceInfo[]>;
  await assertRejects(() => probeDevices(backend({ probe })), BackendError, "no array of devices");
  assertEquals(await probeDevices(backend()), [INFO]);
});

Deno.test("probeDevices() does not wait for ever, and a probe that throws is a sentence", async () => {
  const never = backend({ probe: () => new Promise(() => {}) });
  await assertRejects(
    () => probeDevices(never, { deadline: 20 }),
    BackendError,
    `"plugin" has not found its devices in 0.02 seconds`,
  );
  const broken = backend({
    probe() {
      throw new TypeError("no driver\n    at somewhere");
    },
  });
  const error = await assertRejects(() => probeDevices(broken), BackendError);
  assertEquals(error.message, `Backend "plugin" cannot look for its devices: no driver`);
});

Deno.test("openChecked() and checkSession() name the members that are missing", async () => {
  const open = () =>
    Promise.resolve({ info: INFO, accepts() {} }) as unknown as ReturnType<Backend["open"]>;
  await assertRejects(
    () => openChecked(backend({ open }), "0"),
    BackendError,
    `Device "0" of backend "plugin" lacks lost, load, [Symbol.asyncDispose]`,
  );
  await assertRejects(() => openChecked(backend(), "0"), BackendError, "no device");
  const session = { step() {}, read() {}, save() {} } as unknown as Session;
  assertThrows(
    () => checkSession("plugin", session),
    BackendError,
    "lacks memory, report, [Symbol.asyncDispose]",
  );
});

Deno.test("failure() names the permission that is missing, however deep, and keeps it to the plugin", () => {
  const denied = new Deno.errors.NotCapable(`Requires net access to "a:1", run again with ...`);
  const error = failure("Cannot open it", new Error("broken", { cause: denied }));
  assertEquals(
    error.message.split(",")[0],
    `Cannot open it: it needs a permission: Requires net access to "a:1"`,
  );
  // With it as the cause, the program would say that it is the one that lacks it.
  assertEquals(error.cause, undefined);
  assertEquals(failure("x", "just text\nand more").message, "x: just text");
});
