/**
 * Backends by name: those that come along, and whatever an import specifier leads to.
 *
 * @module
 */
import { closestString } from "../std.ts";
import type { Backend, Device } from "./backend.ts";
import { BackendError } from "./errors.ts";
import { importPlugin, openChecked, probeDevices } from "./plugin.ts";

/** What a built-in backend can be told. */
export interface BackendOptions {
  /** Threads, where the backend has threads to choose. */
  readonly threads?: number;
  /** Whether it runs in a process of its own, so that nothing else crashes with it. */
  readonly isolate?: boolean;
}

/** Loaded when asked for: nobody pays for a backend that is not used. */
const BUILT_IN: Readonly<Record<string, (options: BackendOptions) => Promise<Backend>>> = {
  wasm: async (options) => (await import("./wasm/backend.ts")).wasmBackend(options),
  native: async (options) => (await import("./native/backend.ts")).ownBackend(options),
  webgpu: async () => (await import("./webgpu/backend.ts")).backend,
  onnx: async (options) => (await import("./onnx/backend.ts")).onnxBackend(options),
  reference: async () => (await import("./reference/backend.ts")).backend,
  null: async () => (await import("./null/backend.ts")).backend,
};

/** What would bring devices to a backend that has none. */
const REMEDIES: Readonly<Record<string, () => Promise<string>>> = {
  native: async () => (await import("./native/backend.ts")).HOW_TO_BUILD,
};

/**
 * Says that a backend has no devices, and what helps.
 *
 * @param name the backend
 */
export async function noDevice(name: string): Promise<string> {
  const remedy = Object.hasOwn(REMEDIES, name) ? `: ${await REMEDIES[name]!()}` : "";
  return `Backend "${name}" finds no device on this machine${remedy}`;
}

/** The names of the backends that come along, the best first. */
export const BACKEND_NAMES: readonly string[] = Object.keys(BUILT_IN);

/** A specifier in parts. */
export interface Specifier {
  /** A name, or an import specifier. */
  readonly backend: string;
  /** The id of a device, where one is asked for. */
  readonly device?: string;
}

/**
 * Takes a specifier apart: `NAME:DEVICE` for the backends that come along, `SPECIFIER#DEVICE` for all.
 *
 * @param specifier a backend, perhaps with a device
 */
export function parseSpecifier(specifier: string): Specifier {
  const [, name, id] = specifier.match(/^([a-z]\w*):(.+)$/s) ?? [];
  if (name !== undefined && Object.hasOwn(BUILT_IN, name) && !isLibrary(specifier)) {
    return { backend: name, device: id! };
  }
  const [, backend, device] = specifier.match(/^(.+)#([^#/]+)$/s) ?? [];
  return backend === undefined ? { backend: specifier } : { backend, device: device! };
}

/** Whether a specifier is `native:` and a file, not a device of the native backend that comes along. */
function isLibrary(specifier: string): boolean {
  return /^native:.*([/\\]|\.(so|dylib|dll)\b)/s.test(specifier);
}

/**
 * Finds a backend. Plugins are found by import specifier, never by scanning: `./my_backend.ts`, `npm:...`, `https://...`; the
 * default export of such a module is the backend.
 *
 * @param specifier a name or an import specifier, without a device
 * @param options for the built-in ones
 * @throws {BackendError} when there is none, it cannot be imported, or it was written for another version of the contract
 */
export async function findBackend(
  specifier: string,
  options: BackendOptions = {},
): Promise<Backend> {
  const { isolate = false, ...rest } = options;
  if (isolate) return await (await import("./remote/isolate.ts")).inProcess(specifier, rest);
  if (isLibrary(specifier)) {
    const { nativeBackend } = await import("./native/backend.ts");
    return await nativeBackend(specifier.slice("native:".length), rest);
  }
  const builtIn = Object.hasOwn(BUILT_IN, specifier) ? BUILT_IN[specifier] : undefined;
  if (builtIn !== undefined) {
    try {
      return await builtIn(options);
    } catch (error) {
      throw new BackendError((error as Error).message, { cause: error });
    }
  }
  if (!/[/\\:.]/.test(specifier)) {
    throw new BackendError(
      `There is no backend "${specifier}": did you mean "${
        closestString(specifier, BACKEND_NAMES)
      }"? There are ${
        BACKEND_NAMES.join(", ")
      }; a plugin is an import specifier such as ./my_backend.ts`,
    );
  }
  return await importPlugin(specifier);
}

/** An open device, and whose it is. */
export interface OpenDevice {
  /** The backend's name. */
  readonly name: string;
  /** The device. */
  readonly device: Device;
}

/**
 * Opens a device: `NAME` is the best the backend has, `NAME:DEVICE` a certain one; of a plugin it is `SPECIFIER#DEVICE`.
 *
 * @param specifier a backend, perhaps with a device's id
 * @param options for the built-in backends
 * @returns the backend's name and its open device
 * @throws {BackendError} when there is no such backend or device, or no hardware for it
 */
export async function openDevice(
  specifier: string,
  options: BackendOptions = {},
): Promise<OpenDevice> {
  const { backend: name, device: id } = parseSpecifier(specifier);
  const backend = await findBackend(name, options);
  const [first] = await probeDevices(backend);
  if (first === undefined) {
    throw new BackendError(await noDevice(name));
  }
  return { name: backend.name, device: await openChecked(backend, id ?? first.id) };
}
