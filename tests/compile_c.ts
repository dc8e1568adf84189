/** Libraries in C, compiled for a test. */
import { assert } from "../std_assert.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** The example of a native backend. */
export const EXAMPLE: string = `${ROOT}examples/native_backend/example.c`;
/** A library that computes nothing and fails as it is told. */
export const DOUBLE: string = `${ROOT}tests/native_double.c`;

/** How a source is compiled. */
export interface CompileOptions {
  /** Macros; a string becomes a literal of C. */
  readonly defines?: Readonly<Record<string, string | number>>;
  /** More flags; those that make a shared library unless stated. */
  readonly flags?: readonly string[];
}

/**
 * Compiles a source, without a warning.
 *
 * @param source a file that ends in .c, or a program
 * @param to the file that is made
 * @param options how
 */
export async function compileC(
  source: string,
  to: string,
  { defines = {}, flags = ["-shared"] }: CompileOptions = {},
): Promise<string> {
  const macros = Object.entries(defines).map(([name, value]) =>
    `-D${name}=${typeof value === "string" ? JSON.stringify(value) : value}`
  );
  const file = /^\S*\.c$/.test(source) ? source : `${to}.c`;
  if (file !== source) await Deno.writeTextFile(file, source);
  const common = ["-O2", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I", `${ROOT}backends/native`];
  const { success, stderr } = await new Deno.Command("cc", {
    args: [...common, ...macros, ...flags, "-o", to, file],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return to;
}
