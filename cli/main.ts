/**
 * The program `saccade`.
 *
 * @module
 */
import { failureOf } from "../runtime/failure.ts";
import { EXIT, exitCode, sentence } from "./exit.ts";
import { type Command, helpText, unknown } from "./flags.ts";
import { write } from "./view.ts";

interface Entry {
  readonly command: Command;
  main(args: readonly string[]): Promise<number>;
}

/** Loaded when asked for: `--help` must not load the kernels. */
const COMMANDS: Readonly<Record<string, () => Promise<Entry>>> = {
  run: () => import("./run.ts"),
  demo: () => import("./demo.ts"),
  inspect: () => import("./inspect.ts"),
  export: () => import("./export.ts"),
  backends: () => import("./backends.ts"),
  doctor: () => import("./doctor.ts"),
  compress: () => import("./compress.ts"),
  eval: () => import("./eval.ts"),
  bench: () => import("./bench.ts"),
  conformance: () => import("./conformance.ts"),
};

async function overview(): Promise<string> {
  const entries = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  return [
    "Saccade: vision models that keep learning from live video, and say what each step costs.",
    "",
    "Usage: saccade COMMAND [flags]",
    "",
    ...entries.map(({ command }) => `  ${command.name.padEnd(13)}${command.help}`),
    "",
    "Examples:",
    "  saccade demo",
    "  saccade run --spec small --video clip.mp4 --save model.safetensors",
    "  saccade COMMAND --help",
  ].join("\n");
}

/**
 * Runs a command line.
 *
 * @param args the arguments
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      write(`${await overview()}\n`);
      return name === undefined ? EXIT.usage : EXIT.ok;
    }
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) throw unknown("command", name, Object.keys(COMMANDS));
    const entry = await load();
    if (rest.includes("--help") || rest.includes("-h")) {
      write(`${helpText(entry.command)}\n`);
      return EXIT.ok;
    }
    return await entry.main(rest);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
    const failure = failureOf(error);
    write(`${sentence(failure)}\n`, Deno.stderr);
    return exitCode(failure);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
