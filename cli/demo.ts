/**
 * `saccade demo`: the first minute.
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import type { Command } from "./flags.ts";
import { parseFlags } from "./flags.ts";
import { execute } from "./run.ts";

/** Where the demo leaves what it learned. */
const FILE = "saccade-demo.safetensors";

/** `saccade demo`. */
export const command: Command = {
  name: "demo",
  help: "Learns from the built-in moving scene for a minute, and shows it.",
  flags: {
    seconds: { value: "N", kind: "number", help: "how long (default: 60)" },
  },
  examples: ["saccade demo", `saccade run --resume ${FILE} --seconds 60`],
};

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  return await execute({
    // Without block matching all skill is learned, and can be watched growing.
    spec: builtinSpec("small", { fields: { motion: 0 } }),
    source: { kind: "scene" },
    seconds: values.number("seconds") ?? 60,
    window: 250,
    save: FILE,
  }, { json: false, quiet: false });
}
