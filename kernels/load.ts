/**
 * The built kernels: which packages this machine can run, and instances of them.
 *
 * Instances are made without wasm-bindgen's module of glue: it keeps one instance a thread, and there may be several models.
 *
 * @module
 */

/** A build of the kernels (`build.sh` says what each is for), fastest first. */
export const PACKAGES = ["relaxed", "strict", "single"] as const;

/** One of {@linkcode PACKAGES}. */
export type KernelPackage = typeof PACKAGES[number];

/** What the kernels export; pointers are byte offsets into the memory. See `src/wasm.rs`. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  model_size(): number;
  unit_size(): number;
  work(model: number, scratch: number): void;
  start(model: number, scratch: number, units: number): void;
  write_frame(bytes: number, values: number, length: number): void;
  sweep_read(at: number, length: number): number;
  sweep_update(at: number, length: number, factor: number): void;
  motion_planes_bytes(width: number, height: number, radius: number): number;
  motion_scratch_bytes(width: number, height: number, radius: number): number;
  motion_split(frame: number, width: number, height: number, radius: number, planes: number): void;
  motion_candidate(
    frame: number,
    last: number,
    width: number,
    height: number,
    radius: number,
    into: number,
    scratch: number,
  ): void;
}

/** Bytes in a page of linear memory. */
export const PAGE = 65536;
/** Pages that a 32-bit memory can have at most. */
export const MAX_PAGES = 65536;
/** Bytes of stack that each further thread gets. */
export const STACK = 65536;

/** Whether a function that calls `f32x4.relaxed_madd` validates. */
function hasRelaxedSimd(): boolean {
  // deno-fmt-ignore
  return WebAssembly.validate(Uint8Array.of(
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0,
    65, 1, 253, 15, 65, 1, 253, 15, 65, 1, 253, 15, 253, 133, 2, 11,
  ));
}

/** Whether threads can share a memory; in a page only when it is cross-origin isolated. */
function hasSharedMemory(): boolean {
  try {
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return typeof SharedArrayBuffer === "function";
  } catch {
    return false;
  }
}

/**
 * What keeps a package from running here.
 *
 * @param name the package
 * @returns null when it runs, else the reason
 */
export function missingFor(name: KernelPackage): string | null {
  if (name !== "single" && !hasSharedMemory()) {
    return "no shared memory: a page must be cross-origin isolated, other engines need SharedArrayBuffer";
  }
  if (name === "relaxed" && !hasRelaxedSimd()) return "the engine has no relaxed SIMD";
  return null;
}

const modules = new Map<KernelPackage, Promise<WebAssembly.Module>>();

/**
 * Compiles a package, once.
 *
 * @param name the package
 * @returns the module, which can be sent to workers
 */
export function compileKernels(name: KernelPackage): Promise<WebAssembly.Module> {
  let module = modules.get(name);
  if (module === undefined) {
    const url = new URL(`./pkg/${name}/kernels_bg.wasm`, import.meta.url);
    module = fetch(url).then((r) => r.arrayBuffer()).then((bytes) => WebAssembly.compile(bytes));
    modules.set(name, module);
  }
  return module;
}

/**
 * A memory of fixed size that threads share: workers would see a growing one stale (denoland/deno#35658).
 *
 * @param bytes what must fit besides the kernels themselves
 * @param threads threads that will work in it
 * @throws {RangeError} when the system has not so much
 */
export function sharedMemory(bytes: number, threads: number): WebAssembly.Memory {
  const pages = Math.ceil((bytes + OVERHEAD + (threads + 1) * 2 * STACK) / PAGE);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** What linked data, the first stack and alignment take, generously. */
export const OVERHEAD = 32 * PAGE;

/**
 * An instance.
 *
 * @param module a compiled package
 * @param memory the shared memory; left out for `single`, which brings its own
 */
export function instantiate(module: WebAssembly.Module, memory?: WebAssembly.Memory): Kernels {
  const imports = memory === undefined ? {} : { "./kernels_bg.js": { memory } };
  const { exports } = new WebAssembly.Instance(module, imports);
  const kernels = exports as unknown as Kernels & { __wbindgen_start?(stack: number): void };
  // wasm-bindgen's start: the first instance initialises the memory, later ones get a stack of their own.
  kernels.__wbindgen_start?.(STACK);
  return memory === undefined ? kernels : { ...kernels, memory };
}
