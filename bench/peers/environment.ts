/**
 * Packages of PyPI in an environment of their own, made once.
 *
 * @module
 */
import { PeerError } from "./peer.ts";

/** What an environment holds. */
export interface EnvironmentOptions {
  /** What is left out where it cannot be made. */
  readonly name: string;
  /** The packages with their versions, the one that the environment is named after first. */
  readonly packages: readonly [string, ...string[]];
  /** What the packages need, to be said when they cannot be installed. */
  readonly needs: string;
  /** The interpreter that makes the environment; `python3` unless stated. */
  readonly python?: string;
  /** Where environments are kept; the user's cache unless stated. */
  readonly folder?: string;
}

/** The folder for things that can be had again. */
function cacheFolder(): string {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? ".";
  const base = Deno.build.os === "darwin"
    ? `${home}/Library/Caches`
    : Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA") ?? `${home}/.cache`;
  return `${base}/saccade`;
}

/**
 * Runs a program to its end.
 *
 * @param command the program and its arguments
 * @param env environment variables that it gets besides ours
 * @returns whether it succeeded, its output, and the last line it said besides; null when there is none of that name
 */
export async function run(
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<{ success: boolean; out: string; said: string } | null> {
  try {
    const stdio = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    const { success, stdout, stderr } = await new Deno.Command(command, { args, env, ...stdio })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { success, out: text(stdout), said: text(stderr).split("\n").at(-1) ?? "" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Makes an environment, unless there is one that has the packages.
 *
 * @param options what it holds
 * @returns the path of its Python
 * @throws {PeerError} when python, its venv module or the network is missing
 */
export async function environment(options: EnvironmentOptions): Promise<string> {
  const { name, packages, needs, python = "python3", folder = cacheFolder() } = options;
  const place = `${folder}/${packages[0].replace("==", "-")}`;
  const own = `${place}/${Deno.build.os === "windows" ? "Scripts/python.exe" : "bin/python"}`;
  // The packages that others need are installed before them, so whoever is named is whole.
  const asks = "import sys; from importlib.metadata import version; " +
    "print(*(name + '==' + version(name) for name in sys.argv[1:]))";
  const names = packages.map((pin) => pin.split("==")[0]!);
  if ((await run([own, "-c", asks, ...names]))?.out === packages.join(" ")) return own;
  const made = await run([python, "-m", "venv", "--clear", place]);
  if (made === null) {
    throw new PeerError(
      `${name} is left out: ${python} is not installed (apt-get install python3-venv)`,
    );
  }
  if (!made.success) {
    throw new PeerError(
      `${name} is left out: ${python} cannot make an environment (apt-get install python3-venv): ${
        made.said || made.out.split("\n")[0]
      }`,
    );
  }
  // Kept once is enough.
  const pip = await run([own, "-m", "pip", "install", "--quiet", "--no-cache-dir", ...packages]);
  if (!pip?.success) {
    const what = packages.map((pin) => pin.replace("==", " ")).join(" and ");
    throw new PeerError(
      `${name} is left out: pip cannot install ${what}, which needs ${needs}: ${pip?.said}`,
    );
  }
  return own;
}
