/**
 * Backends from elsewhere: imported by a specifier, and looked at before they are trusted. Whatever is wrong is one sentence.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  API_VERSION,
  type Backend,
  type Device,
  type DeviceInfo,
  type Session,
} from "./backend.ts";
import { BackendError } from "./errors.ts";

/** How long a backend may look for its devices, in milliseconds. */
const PROBE_MS = 10_000;

/**
 * Imports a plugin: the default export of a module.
 *
 * @param specifier a path (relative to the working directory), or what `import` takes: `file:`, `npm:`, `https:`
 * @throws {BackendError} when there is no such module, it fails, it needs a permission, or what it exports is no backend of this version
 */
export async function importPlugin(specifier: string): Promise<Backend> {
  // A Windows path begins with a letter and a colon, too.
  const isUrl = /^[a-z][a-z\d+.-]+:/i.test(specifier);
  const url = isUrl ? specifier : pathToFileURL(resolve(specifier)).href;
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(url);
  } catch (error) {
    const reason = firstLine(error);
    if (reason.startsWith(`Module not found "${url}"`)) {
      throw new BackendError(`Cannot import backend "${specifier}": Module not found "${url}"`);
    }
    throw failure(`Cannot import backend "${specifier}"`, error);
  }
  return checkBackend(specifier, module);
}

/**
 * The backend that a module exports.
 *
 * @param specifier how it was asked for
 * @param module what it exports
 * @throws {BackendError} when that is no backend of this version
 */
export function checkBackend(
  specifier: string,
  module: Readonly<Record<string, unknown>>,
): Backend {
  const backend = module["default"];
  if (backend === undefined) {
    throw new BackendError(
      `"${specifier}" has no default export: a plugin says "export default" and its backend`,
    );
  }
  if (typeof backend !== "object" || backend === null) {
    const what = backend === null ? "null" : `a ${typeof backend}`;
    throw new BackendError(`The default export of "${specifier}" is ${what}, not a backend`);
  }
  const { apiVersion } = backend as Partial<Backend>;
  if (apiVersion !== undefined && apiVersion !== API_VERSION) {
    throw new BackendError(
      `Backend "${specifier}" was written for version ${apiVersion} of the contract, this is version ${API_VERSION}`,
    );
  }
  checkMembers(`The default export of "${specifier}"`, backend, {
    apiVersion: "number",
    name: "string",
    probe: "function",
    open: "function",
  });
  return backend as Backend;
}

/**
 * The devices of a backend, looked at: their infos decide how the runtime treats them.
 *
 * @param backend a backend
 * @param options how long it may take, in milliseconds
 * @throws {BackendError} when it fails, hangs, needs a permission, or describes a device wrongly
 */
export async function probeDevices(
  backend: Backend,
  options: { readonly deadline?: number } = {},
): Promise<readonly DeviceInfo[]> {
  const { name } = backend;
  const { deadline = PROBE_MS } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seconds = deadline / 1000;
      reject(new BackendError(`Backend "${name}" has not found its devices in ${seconds} seconds`));
    }, deadline);
  });
  let infos: readonly DeviceInfo[];
  try {
    infos = await Promise.race([backend.probe(), late]);
  } catch (error) {
    throw failure(`Backend "${name}" cannot look for its devices`, error);
  } finally {
    clearTimeout(timer);
  }
  if (!Array.isArray(infos)) {
    throw new BackendError(`probe() of backend "${name}" gives no array of devices`);
  }
  const ids = new Set<string>();
  for (const [i, info] of infos.entries()) {
    const wrong = wrongIn(info, ids);
    if (wrong !== undefined) {
      throw new BackendError(`Backend "${name}" describes device ${i} wrongly: ${wrong}`);
    }
    ids.add(info.id);
  }
  return infos;
}

/** What is wrong with the description of a device, if anything. */
function wrongIn(info: Partial<DeviceInfo> | null, ids: ReadonlySet<string>): string | undefined {
  if (typeof info !== "object" || info === null) return "it is no object";
  const { id, kind, description, formats, deterministic, maxInFlight, reportCapacity } = info;
  const atLeast = (value: unknown, least: number) =>
    Number.isInteger(value) && (value as number) >= least;
  const says = (value: unknown) => JSON.stringify(value) ?? "missing";
  if (typeof id !== "string" || id === "") return `"id" is ${says(id)}, it must be a text`;
  if (ids.has(id)) return `"id" is ${says(id)}, as that of another one`;
  if (!["cpu", "gpu", "npu", "fpga"].includes(kind!)) {
    return `"kind" is ${says(kind)}, it must be cpu, gpu, npu or fpga`;
  }
  if (typeof description !== "string") return `"description" is ${says(description)}, not a text`;
  if (!Array.isArray(formats) || formats.some((format) => typeof format !== "string")) {
    return `"formats" is ${says(formats)}, it must be an array of texts`;
  }
  if (typeof deterministic !== "boolean") {
    return `"deterministic" is ${says(deterministic)}, it must be true or false`;
  }
  if (!atLeast(maxInFlight, 1)) {
    return `"maxInFlight" is ${says(maxInFlight)}, it must be a whole number from 1 on`;
  }
  if (!atLeast(reportCapacity, 1024)) {
    return `"reportCapacity" is ${says(reportCapacity)}, it must be a whole number from 1024 on`;
  }
}

/**
 * Opens a device of a backend.
 *
 * @param backend the backend
 * @param id one of its devices
 * @throws {BackendError} when it fails, needs a permission, or what it gives is no device
 */
export async function openChecked(backend: Backend, id: string): Promise<Device> {
  let device: Device;
  try {
    device = await backend.open(id);
  } catch (error) {
    if (error instanceof RangeError || error instanceof BackendError) {
      throw new BackendError(error.message, { cause: error });
    }
    throw failure(`Backend "${backend.name}" cannot open device "${id}"`, error);
  }
  checkMembers(`Device "${id}" of backend "${backend.name}"`, device, {
    info: "object",
    lost: "object",
    accepts: "function",
    load: "function",
    [Symbol.asyncDispose]: "function",
  });
  return device;
}

/**
 * Says whether what a device has loaded is a session.
 *
 * @param name the backend
 * @param session what it gave
 * @throws {BackendError} naming what it lacks
 */
export function checkSession(name: string, session: Session): void {
  checkMembers(`A session of backend "${name}"`, session, {
    memory: "function",
    step: "function",
    report: "function",
    read: "function",
    save: "function",
    [Symbol.asyncDispose]: "function",
  });
}

/** Names the members that are missing, or are something else. */
function checkMembers(
  what: string,
  value: unknown,
  members: Readonly<Record<string | symbol, string>>,
): void {
  const record = Object(value) as Readonly<Record<string | symbol, unknown>>;
  const missing = Reflect.ownKeys(members).filter((key) =>
    typeof record[key] !== members[key] || record[key] === null
  );
  if (missing.length === 0) return;
  const names = missing.map((key) => typeof key === "symbol" ? `[${key.description}]` : key);
  throw new BackendError(`${what} lacks ${names.join(", ")}`);
}

/**
 * What went wrong in code that is not ours, as one sentence; a missing permission is named, and is that code's matter.
 *
 * @param what what was tried
 * @param error whatever was thrown
 */
export function failure(what: string, error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    // What may not be imported is no NotCapable.
    if (at instanceof Deno.errors.NotCapable || /^Requires \w+ access/.test(at.message)) {
      return new BackendError(`${what}: it needs a permission: ${firstLine(at)}`);
    }
  }
  return new BackendError(`${what}: ${firstLine(error)}`, { cause: error });
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split("\n")[0]!.trim();
}
