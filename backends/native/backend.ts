/**
 * Backends in libraries of machine code, behind the C ABI of `saccade_backend.h`: anybody's by its path, ours by the name `native`.
 *
 * @module
 */
import { API_VERSION, type Backend, type DeviceInfo } from "../backend.ts";
import { BackendError } from "../errors.ts";
import { fromPasses } from "../passes/from_passes.ts";
import { NativeDevice } from "./device.ts";
import { nativeEngine } from "./engine.ts";
import { Library } from "./library.ts";
import { StructRecord, STRUCTS } from "./structs.ts";

/** What can be chosen. */
export interface NativeOptions {
  /** Threads; what the library thinks best unless stated. */
  readonly threads?: number;
}

const KINDS = ["cpu", "gpu", "npu", "fpga"] as const;
const [DETERMINISTIC, DEFERS] = [1, 2];
/** Reports that must have room. */
const LEAST_CAPACITY = 1024;

/**
 * The backend in a library.
 *
 * @param path the file
 * @param options what can be chosen
 * @throws {BackendError} for what is no library, none for this machine, of another version, or without a function it needs
 * @throws {RangeError} for a number of threads that is no whole number from 1 on
 * @throws {Deno.errors.NotCapable} without permission to load it
 */
// deno-lint-ignore require-await
export async function nativeBackend(path: string, options: NativeOptions = {}): Promise<Backend> {
  const { threads = 0 } = options;
  if (options.threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new RangeError(`Cannot run on ${threads} threads: give a whole number from 1 to 1024`);
  }
  let name = "native";
  let infos: DeviceInfo[];
  {
    using library = Library.open(path);
    const count = library.has("saccade_device_count") ? library.symbols.saccade_device_count() : 1;
    const described = Array.from({ length: count }, (_, i) => describe(path, library, i));
    name = described[0]?.name ?? name;
    infos = described.map(({ info }) => info);
    if (library.depth === "weight passes" && infos[0] !== undefined) {
      const { kind, description, deterministic } = infos[0];
      return fromPasses(nativeEngine(path, { name, description, kind, deterministic }, threads));
    }
  }
  return {
    apiVersion: API_VERSION,
    name,
    probe: () => Promise.resolve(infos),
    // deno-lint-ignore require-await
    async open(id) {
      const index = infos.findIndex((info) => info.id === id);
      const info = infos[index];
      if (info === undefined) {
        const ids = infos.map((info) => info.id).join(", ");
        throw new RangeError(
          `Backend "${name}" has no device "${id}": there ${ids === "" ? "is none" : `are ${ids}`}`,
        );
      }
      return new NativeDevice(path, index, info, threads);
    },
  };
}

function describe(
  path: string,
  library: Library,
  device: number,
): { name: string; info: DeviceInfo } {
  const record = new StructRecord(STRUCTS.info);
  library.check(library.symbols.saccade_describe(device, record.bytes));
  const traits = record.get("traits");
  const kind = KINDS[record.get("kind")];
  const [name, id] = [record.text("name"), record.text("id")];
  const capacity = record.get("report_capacity");
  if (!/^[a-z][\w-]*$/.test(name) || !/^\w+$/.test(id) || kind === undefined) {
    throw new BackendError(
      `"${path}" describes device ${device} wrongly: name "${name}", id "${id}", kind ${
        record.get("kind")
      } (see saccade_describe in saccade_backend.h)`,
    );
  }
  if (library.depth === "whole model" && capacity < LEAST_CAPACITY) {
    throw new BackendError(
      `"${path}" keeps ${capacity} reports, a backend must keep ${LEAST_CAPACITY}`,
    );
  }
  const info = {
    id,
    kind,
    description: record.text("description"),
    formats: ["f32"],
    deterministic: (traits & DETERMINISTIC) !== 0,
    maxInFlight: 1,
    reportCapacity: capacity,
    ...((traits & DEFERS) !== 0 ? { defers: true } : {}),
  };
  return { name, info };
}

/** What cargo calls our library on each system. */
const FILES: Readonly<Record<string, string>> = {
  darwin: "libsaccade_native.dylib",
  windows: "saccade_native.dll",
};

/** Where `deno task build:native` puts our own library. */
export const OWN_LIBRARY: string = ownLibrary();

function ownLibrary(): string {
  const name = FILES[Deno.build.os] ?? "libsaccade_native.so";
  const url = new URL(`../../kernels/native/target/release/${name}`, import.meta.url);
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

/** How to come by our own library. */
export const HOW_TO_BUILD =
  "its library is not built, run `deno task build:native` in the repository (it needs cargo)";

/**
 * Our own library as a backend. Where it is not built it has no devices.
 *
 * @param options what can be chosen
 * @throws as {@linkcode nativeBackend}
 */
export async function ownBackend(options: NativeOptions = {}): Promise<Backend> {
  const there = await Deno.stat(OWN_LIBRARY).then(() => true, (error) => {
    // Without permission to look, the loader finds out.
    if (error instanceof Deno.errors.NotFound) return false;
    return true;
  });
  if (there) return await nativeBackend(OWN_LIBRARY, options);
  return {
    apiVersion: API_VERSION,
    name: "native",
    probe: () => Promise.resolve([]),
    open: () => Promise.reject(new BackendError(`Backend "native" has no device: ${HOW_TO_BUILD}`)),
  };
}

/** Our own library, with as many threads as it thinks best. */
export const backend: Backend = {
  apiVersion: API_VERSION,
  name: "native",
  probe: async () => await (await ownBackend()).probe(),
  open: async (id) => await (await ownBackend()).open(id),
};
