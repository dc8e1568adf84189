/**
 * Reading the small files of `/sys`, where the sensors of Linux are.
 *
 * @module
 */

/**
 * Reads small text files, all or none.
 *
 * Deno gives `/sys` only to a program that may do everything; `cat` is the narrow way around it (3.5 ms a call, so all files
 * go into one). Never asks for a permission: a run that waits for an answer at the terminal is worse than one without joules.
 *
 * @param paths the files; each holds one line
 * @returns their contents, trimmed, in the order of `paths`
 * @throws {Deno.errors.NotFound} when one is not there
 * @throws {Deno.errors.PermissionDenied} when the system refuses one
 * @throws {Deno.errors.NotCapable} when Deno may neither read them nor run `cat`
 */
export async function readSysfs(paths: readonly string[]): Promise<string[]> {
  try {
    return await Promise.all(paths.map(async (path) => {
      const { state } = await Deno.permissions.query({ name: "read", path });
      if (state !== "granted") throw new Deno.errors.NotCapable(`no read access to ${path}`);
      return (await Deno.readTextFile(path)).trim();
    }));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  return await readWithCat(paths);
}

async function readWithCat(paths: readonly string[]): Promise<string[]> {
  const { state } = await Deno.permissions.query({ name: "run", command: "cat" });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Deno may not read ${paths[0]}: run with --allow-all, or with --allow-run=cat`,
    );
  }
  const { success, stdout, stderr } = await new Deno.Command("cat", {
    args: ["--", ...paths],
    env: { LC_ALL: "C" },
    stdin: "null",
  }).output();
  if (!success) {
    const said = new TextDecoder().decode(stderr).trim().split("\n")[0] ?? "";
    if (said.includes("No such file")) throw new Deno.errors.NotFound(said);
    if (said.includes("Permission denied")) throw new Deno.errors.PermissionDenied(said);
    throw new Error(said);
  }
  const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.trim());
  if (lines.length !== paths.length) {
    throw new Error(`${paths.length} sensor files gave ${lines.length} lines`);
  }
  return lines;
}
