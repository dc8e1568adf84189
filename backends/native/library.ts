/**
 * A library behind `saccade_backend.h`, loaded and checked.
 *
 * @module
 */
import { DeviceLostError } from "../backend.ts";
import { BackendError } from "../errors.ts";
import { whyNotLoadable } from "./library_file.ts";

/** The version of the header that this program was written for. */
export const ABI_VERSION = 1;

/** What a function of the library returns when all is well. */
export const OK = 0;
const REFUSED = 1;
const TOO_BIG = 2;
const LOST = 3;

// All are optional for the loader, so that we can say what is missing.
const BOTH = {
  saccade_abi_version: { parameters: [], result: "u32", optional: true },
  saccade_last_error: { parameters: [], result: "pointer", optional: true },
  saccade_describe: { parameters: ["u32", "buffer"], result: "i32", optional: true },
} as const;

const EXTRA = {
  saccade_device_count: { parameters: [], result: "u32", optional: true },
  saccade_open: { parameters: ["u32", "u32", "buffer"], result: "i32", optional: true },
  saccade_close: { parameters: ["pointer"], result: "void", optional: true },
  saccade_energy: {
    parameters: ["pointer", "buffer", "buffer", "u64"],
    result: "i32",
    optional: true,
  },
  saccade_passes_accept: {
    parameters: ["pointer", "buffer", "buffer", "u64"],
    result: "i32",
    optional: true,
  },
} as const;

const WHOLE = {
  saccade_accepts: {
    parameters: ["pointer", "buffer", "buffer", "u64"],
    result: "i32",
    optional: true,
  },
  saccade_load: {
    parameters: ["pointer", "buffer", "buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_run_step: {
    parameters: ["pointer", "buffer", "buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_drain: {
    parameters: ["pointer", "buffer", "u64", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_read: {
    parameters: ["pointer", "buffer", "buffer", "u64"],
    result: "i32",
    optional: true,
  },
  saccade_measure: { parameters: ["pointer", "buffer"], result: "i32", optional: true },
  saccade_unload: { parameters: ["pointer"], result: "void", optional: true },
} as const;

const PASSES = {
  saccade_passes_load: {
    parameters: ["pointer", "buffer", "buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_send_back: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_encode: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_decode: {
    parameters: ["pointer", "buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  saccade_passes_save: { parameters: ["pointer", "buffer"], result: "i32", optional: true },
  saccade_passes_unload: { parameters: ["pointer"], result: "void", optional: true },
} as const;

const ALL = { ...BOTH, ...EXTRA, ...WHOLE, ...PASSES } as const;

type Loaded = Deno.DynamicLibrary<typeof ALL>;

/** The functions of a library; those that were checked to be there are never null. */
export type Symbols = Loaded["symbols"];

/** The depths of the header. */
export type Depth = "whole model" | "weight passes";

/** An open library. */
export class Library implements Disposable {
  /** Which depth it implements. */
  readonly depth: Depth;
  /** Its functions. */
  readonly symbols: { readonly [K in keyof Symbols]: NonNullable<Symbols[K]> };
  readonly #loaded: Loaded;

  private constructor(loaded: Loaded, depth: Depth) {
    this.#loaded = loaded;
    this.depth = depth;
    this.symbols = loaded.symbols as Library["symbols"];
  }

  /**
   * Loads a library and checks that it is one of ours.
   *
   * @param path the file
   * @throws {BackendError} for what is no library, none for this machine, of another version, or without a function it needs
   * @throws {Deno.errors.NotCapable} without permission to load it
   */
  static open(path: string): Library {
    checkFile(path);
    let loaded: Loaded;
    try {
      loaded = Deno.dlopen(path, ALL);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      const reason = (error as Error).message.split("\n")[0];
      throw new BackendError(`Cannot load "${path}": ${reason}`, { cause: error });
    }
    try {
      return new Library(loaded, depthOf(path, loaded.symbols));
    } catch (error) {
      loaded.close();
      throw error;
    }
  }

  /** Whether a function that may be left out is there. */
  has(name: keyof typeof EXTRA): boolean {
    return this.#loaded.symbols[name] !== null;
  }

  /**
   * Throws what a status stands for.
   *
   * @param status what a function returned
   * @throws {TypeError} for a model that the library does not do
   * @throws {RangeError} for what does not fit
   * @throws {DeviceLostError} when the device is gone
   */
  check(status: number): void {
    if (status === OK) return;
    const said = this.symbols.saccade_last_error();
    const text = said === null ? "" : Deno.UnsafePointerView.getCString(said);
    const message = text === "" ? `The library gives no reason (status ${status})` : text;
    if (status === REFUSED) throw new TypeError(message);
    if (status === TOO_BIG) throw new RangeError(message);
    if (status === LOST) throw new DeviceLostError(message);
    throw new Error(message);
  }

  /** Gives the library back. */
  [Symbol.dispose](): void {
    this.#loaded.close();
  }
}

/** Whether the status says that the device is gone. */
export function isLoss(status: number): boolean {
  return status === LOST;
}

/** Whether the status says that there is no such thing. */
export function isRefusal(status: number): boolean {
  return status === REFUSED;
}

function checkFile(path: string): void {
  // The loader looks for a bare name in its own places.
  if (!/[/\\]/.test(path)) return;
  const bytes = new Uint8Array(4096);
  let length: number | null;
  try {
    using file = Deno.openSync(path);
    length = file.readSync(bytes);
  } catch (error) {
    // Without permission to read it the system's own words must do.
    if (error instanceof Deno.errors.NotCapable) return;
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw new BackendError(`Cannot load "${path}": ${reason}`, { cause: error });
  }
  const wrong = whyNotLoadable(bytes.subarray(0, length ?? 0));
  if (wrong !== null) throw new BackendError(`Cannot load "${path}": it ${wrong}`);
}

function depthOf(path: string, symbols: Symbols): Depth {
  const missing = (of: Readonly<Record<string, unknown>>) =>
    Object.keys(of).filter((name) => symbols[name as keyof Symbols] === null);
  const version = symbols.saccade_abi_version?.();
  if (version === undefined) {
    throw new BackendError(
      `"${path}" is no backend: it exports no saccade_abi_version (see saccade_backend.h)`,
    );
  }
  if (version !== ABI_VERSION) {
    throw new BackendError(
      `"${path}" was built for version ${version} of saccade_backend.h, this is version ${ABI_VERSION}: build it again with this one`,
    );
  }
  const [whole, passes] = [missing(WHOLE), missing(PASSES)];
  const begun = whole.length < Object.keys(WHOLE).length ? whole : passes;
  const needed = [...missing(BOTH), ...begun];
  if (begun.length === Object.keys(PASSES).length && begun === passes) {
    throw new BackendError(
      `"${path}" is no backend: it exports neither saccade_load and its like nor saccade_passes_load`,
    );
  }
  if ((symbols.saccade_open === null) !== (symbols.saccade_close === null)) {
    needed.push(symbols.saccade_open === null ? "saccade_open" : "saccade_close");
  }
  if (needed.length > 0) {
    throw new BackendError(`"${path}" lacks ${needed.join(", ")} (see saccade_backend.h)`);
  }
  return begun === whole ? "whole model" : "weight passes";
}
