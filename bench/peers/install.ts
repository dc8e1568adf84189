/**
 * Gets the libraries of the peers: numpy from PyPI into an environment of its own, TensorFlow.js from npm into Deno's cache.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { environment, type EnvironmentOptions, run } from "./environment.ts";
import { PeerError, type PeerProgram } from "./peer.ts";

/** What a peer is before it has a model. */
export interface Installed {
  readonly name: string;
  /** Rules that it runs. */
  readonly rules: readonly string[];
  /** The program that runs a folder on a number of threads. */
  readonly program: (folder: string, threads: number) => PeerProgram;
  /** Whether it can use more than one thread. */
  readonly threaded: boolean;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * numpy, pinned: the optimised step, and the one with plain `einsum`.
 *
 * @param where the interpreter that makes the environment, and where environments are kept
 * @throws {PeerError} when python, its venv module or the network is missing
 */
export async function installNumpy(
  where: Pick<EnvironmentOptions, "python" | "folder"> = {},
): Promise<Installed[]> {
  const packages = ["numpy==2.4.6"] as const;
  const needs = "Python 3.11 and the network";
  const own = await environment({ name: "numpy", packages, needs, ...where });
  return [numpyOf(own, "chunks"), numpyOf(own, "einsum")];
}

/**
 * numpy of an interpreter that has it.
 *
 * @param python the interpreter
 * @param passes how the passes over weights are done, see `numpy_passes.py`
 */
export function numpyOf(python: string, passes: "chunks" | "einsum"): Installed {
  const name = passes === "chunks" ? "numpy" : "numpy einsum";
  return {
    name,
    rules: ["2016", "saccade"],
    threaded: passes === "chunks",
    program: (folder, threads) => ({
      name,
      threads,
      command: [python, here("./numpy_step.py"), folder, String(threads), passes],
      env: {
        // Products with vectors are too small to be shared; threads that BLAS keeps would only be in the way of ours.
        OPENBLAS_NUM_THREADS: "1",
        OMP_NUM_THREADS: "1",
        MKL_NUM_THREADS: "1",
        // No folder of compiled Python in the sources.
        PYTHONDONTWRITEBYTECODE: "1",
      },
    }),
  };
}

/**
 * TensorFlow.js, pinned in `tfjs.ts`.
 *
 * @throws {PeerError} when npm cannot be reached
 */
export async function installTensorFlow(): Promise<Installed[]> {
  const script = here("./tfjs_step.ts");
  const got = await run([Deno.execPath(), "cache", "--quiet", script]);
  if (!got?.success) {
    throw new PeerError(`TensorFlow.js is left out: npm cannot be reached: ${got?.said}`);
  }
  return [{
    name: "TensorFlow.js",
    rules: ["2016", "saccade"],
    threaded: false,
    program: (folder, threads) => ({
      name: "TensorFlow.js",
      threads,
      command: [Deno.execPath(), "run", "--allow-all", script, folder],
    }),
  }];
}
