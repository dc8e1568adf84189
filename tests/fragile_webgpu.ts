/**
 * WebGPU whose GPU is destroyed on demand: for the tests of the runtime.
 *
 * @module
 */
import type { Backend } from "../backends/backend.ts";
import { webgpuBackend } from "../backends/webgpu/backend.ts";

const opened: GPUDevice[] = [];

/** How many have been opened. */
export function openings(): number {
  return opened.length;
}

/** Destroys the one that was opened last. */
export function destroy(): void {
  opened.at(-1)!.destroy();
}

/** The backend. */
const backend: Backend = webgpuBackend({ opened: (gpu) => opened.push(gpu) });

export default backend;
