/**
 * `--backend auto`: the first in a fixed order that is here and takes the model.
 *
 * @module
 */
import type { Plan } from "../model/plan.ts";
import type { Backend, DeviceInfo } from "./backend.ts";
import { openChecked, probeDevices } from "./plugin.ts";
import { BackendError } from "./errors.ts";
import { BACKEND_NAMES, type BackendOptions, findBackend, type OpenDevice } from "./registry.ts";

/** One that may be chosen. */
export interface Candidate {
  /** As in `--backend NAME`. */
  readonly name: string;
  /** Loads it. */
  find(options: BackendOptions): Promise<Backend>;
  /** Only a device that is a real GPU counts: one that is played by the processor is slower than the kernels. */
  readonly gpu?: boolean;
}

/**
 * The order: machine code for this processor where it is built, a GPU where it is a real one, the kernels, and the reference, which
 * takes every model. Faster ones come first; nothing is measured.
 */
export const CANDIDATES: readonly Candidate[] = [
  { name: "native" },
  { name: "webgpu", gpu: true },
  { name: "wasm" },
  { name: "reference" },
].filter(({ name }) => BACKEND_NAMES.includes(name))
  .map((candidate) => ({ ...candidate, find: (options) => findBackend(candidate.name, options) }));

/** What was chosen. */
export interface Choice extends OpenDevice {
  /** Which and why, for a person. */
  readonly why: string;
}

/**
 * Opens the first device that takes a plan.
 *
 * @param plan the model
 * @param options for the backends
 * @param candidates the order; ours unless stated
 * @returns the open device, and which and why as a sentence
 * @throws {BackendError} with the reasons of all of them, when none takes it
 */
export async function openFirst(
  plan: Plan,
  options: BackendOptions = {},
  candidates: readonly Candidate[] = CANDIDATES,
): Promise<Choice> {
  const refusals: string[] = [];
  for (const candidate of candidates) {
    const { name } = candidate;
    const reasons = new Set<string>();
    try {
      const backend = await candidate.find(options);
      const all = await probeDevices(backend);
      const infos = candidate.gpu ? all.filter(isGpu) : all;
      if (infos.length === 0) {
        reasons.add(all.length === 0 ? "no device here" : "no real GPU here");
      }
      for (const { id, description } of infos) {
        const device = await openChecked(backend, id);
        const verdict = device.accepts(plan);
        if (verdict.ok) {
          const why = [
            `auto takes ${name}:${id} (${description}), the first that takes this model`,
            ...refusals,
          ].join("; ");
          return { name, device, why };
        }
        await device[Symbol.asyncDispose]();
        for (const reason of verdict.reasons) reasons.add(reason);
      }
    } catch (error) {
      reasons.add((error as Error).message.split("\n")[0]!);
    }
    refusals.push(`not ${name}: ${[...reasons].join(", ")}`);
  }
  throw new BackendError(`No backend takes this model; ${refusals.join("; ")}`);
}

/** Whether a device is a GPU, and not one that the processor plays. */
export function isGpu({ kind, description }: DeviceInfo): boolean {
  return kind === "gpu" &&
    !/llvmpipe|lavapipe|swiftshader|software|basic render/i.test(description);
}
