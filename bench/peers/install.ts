/**
 * Gets the libraries of the peers: numpy from PyPI into an environment of its own, TensorFlow.js from npm into Deno's cache.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { PeerError, type PeerProgram } from "./peer.ts";

const NUMPY = "2.4.6";

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

/** The folder for things that can be had again. */
function cacheFolder(): string {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? ".";
  const base = Deno.build.os === "darwin"
    ? `${home}/Library/Caches`
    : Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA") ?? `${home}/.cache`;
  return `${base}/saccade`;
}

/** Runs a program; null when there is none of that name. */
async function run(
  command: string,
  ...args: string[]
): Promise<{ success: boolean; out: string; said: string } | null> {
  try {
    const stdio = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    const { success, stdout, stderr } = await new Deno.Command(command, { args, ...stdio })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { success, out: text(stdout), said: text(stderr).split("\n").at(-1) ?? "" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * numpy, pinned: the optimised step, and the one with plain `einsum`.
 *
 * @param python the interpreter that makes the environment
 * @param folder where environments are kept
 * @throws {PeerError} when python, its venv module or the network is missing
 */
export async function installNumpy(
  { python = "python3", folder = cacheFolder() }: { python?: string; folder?: string } = {},
): Promise<Installed[]> {
  const place = `${folder}/numpy-${NUMPY}`;
  const inside = Deno.build.os === "windows" ? "Scripts/python.exe" : "bin/python";
  const own = `${place}/${inside}`;
  const asks = ["-c", "import numpy; print(numpy.__version__)"];
  if ((await run(own, ...asks))?.out !== NUMPY) {
    const made = await run(python, "-m", "venv", "--clear", place);
    if (made === null) {
      throw new PeerError(
        `numpy is left out: ${python} is not installed (apt-get install python3-venv)`,
      );
    }
    if (!made.success) {
      const { said, out } = made;
      throw new PeerError(
        `numpy is left out: ${python} cannot make an environment (apt-get install python3-venv): ${
          said || out.split("\n")[0]
        }`,
      );
    }
    const pip = await run(own, "-m", "pip", "install", "--quiet", `numpy==${NUMPY}`);
    if (!pip?.success) {
      throw new PeerError(
        `numpy is left out: pip cannot install numpy ${NUMPY}, which needs Python 3.11 and the network: ${pip?.said}`,
      );
    }
  }
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
  const got = await run(Deno.execPath(), "cache", "--quiet", script);
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
