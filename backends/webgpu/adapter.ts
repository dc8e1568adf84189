/**
 * The adapter: what WebGPU calls the hardware.
 *
 * @module
 */

/**
 * Asks for the fastest adapter.
 *
 * @returns it, or null where there is none
 */
export async function findAdapter(): Promise<GPUAdapter | null> {
  using _quiet = quietly();
  try {
    return await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ?? null;
  } catch {
    return null;
  }
}

/**
 * Mesa chooses a GPU by the Wayland display, and complains on standard error where this variable does not say where to look for one:
 * with it, it finds none and is silent. Without permission to set it, it complains.
 */
function quietly(): Disposable {
  const variable = "XDG_RUNTIME_DIR";
  const nothing = { [Symbol.dispose]() {} };
  if (globalThis.Deno?.build.os !== "linux") return nothing;
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return nothing;
  if (Deno.env.has(variable)) return nothing;
  Deno.env.set(variable, "/nonexistent");
  return { [Symbol.dispose]: () => Deno.env.delete(variable) };
}
