/**
 * Backends by name: those that come along, and whatever an import specifier leads to.
 *
 * @module
 */
import { closestString } from "../std.ts";
import { API_VERSION, type Backend, type Device } from "./backend.ts";
import { BackendError } from "./errors.ts";

/** What a built-in backend can be told. */
export interface BackendOptions {
  /** Threads, where the backend has threads to choose. */
  readonly threads?: number;
}

/** Loaded when asked for: nobody pays for a backend that is not used. */
const BUILT_IN: Readonly<Record<string, (options: BackendOptions) => Promise<Backend>>> = {
  wasm: async (options) => (await import("./wasm/backend.ts")).wasmBackend(options),
  reference: async () => (await import("./reference/backend.ts")).backend,
  null: async () => (await import("./null/backend.ts")).backend,
};

/** The names of the backends that come along, the best first. */
export const BACKEND_NAMES: readonly string[] = Object.keys(BUILT_IN);

/**
 * Finds a backend. Plugins are found by import specifier, never by scanning: `./my_backend.ts`, `npm:...`, `https://...`; such a
 * module exports `backend`.
 *
 * @param specifier a name or an import specifier
 * @param options for the built-in ones
 * @throws {BackendError} when there is none, it cannot be imported, or it was written for another version of the contract
 */
export async function findBackend(
  specifier: string,
  options: BackendOptions = {},
): Promise<Backend> {
  const builtIn = Object.hasOwn(BUILT_IN, specifier) ? BUILT_IN[specifier] : undefined;
  if (builtIn !== undefined) {
    try {
      return await builtIn(options);
    } catch (error) {
      throw new BackendError((error as Error).message, { cause: error });
    }
  }
  if (!/[/:.]/.test(specifier)) {
    throw new BackendError(
      `There is no backend "${specifier}": did you mean "${
        closestString(specifier, BACKEND_NAMES)
      }"? There are ${
        BACKEND_NAMES.join(", ")
      }; a plugin is an import specifier such as ./my_backend.ts`,
    );
  }
  let module: { backend?: Backend };
  try {
    const url = /^\.{0,2}\//.test(specifier)
      ? new URL(specifier, `file://${Deno.cwd()}/`).href
      : specifier;
    module = await import(url);
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    throw new BackendError(`Cannot import backend "${specifier}": ${reason}`, { cause: error });
  }
  const { backend } = module;
  if (typeof backend?.probe !== "function" || typeof backend.open !== "function") {
    throw new BackendError(`"${specifier}" exports no "backend" with probe() and open()`);
  }
  if (backend.apiVersion !== API_VERSION) {
    throw new BackendError(
      `Backend "${specifier}" was written for version ${backend.apiVersion} of the contract, this is version ${API_VERSION}`,
    );
  }
  return backend;
}

/**
 * Opens a device: `NAME` is the best the backend has, `NAME:DEVICE` a certain one.
 *
 * @param specifier a backend, perhaps with a device's id behind a colon
 * @param options for the built-in backends
 * @returns the backend's name and its open device
 * @throws {BackendError} when there is no such backend or device, or no hardware for it
 */
export async function openDevice(
  specifier: string,
  options: BackendOptions = {},
): Promise<{ name: string; device: Device }> {
  const [, base, id] = specifier.match(/^([a-z]+):([\w.]+)$/) ?? [];
  const named = base !== undefined && Object.hasOwn(BUILT_IN, base);
  const backend = await findBackend(named ? base : specifier, options);
  const first = (await backend.probe())[0];
  if (first === undefined) {
    throw new BackendError(`Backend "${specifier}" finds no device on this machine`);
  }
  try {
    return { name: backend.name, device: await backend.open(named ? id! : first.id) };
  } catch (error) {
    throw new BackendError((error as Error).message, { cause: error });
  }
}
