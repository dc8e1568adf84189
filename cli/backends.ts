/**
 * `saccade backends`: what can run models on this machine.
 *
 * @module
 */
import type { DeviceInfo } from "../backends/backend.ts";
import { BACKEND_NAMES, findBackend } from "../backends/registry.ts";
import { missingFor, PACKAGES } from "../kernels/load.ts";
import { EXIT } from "./exit.ts";
import { type Command, parseFlags } from "./flags.ts";
import { write } from "./view.ts";

/** `saccade backends`. */
export const command: Command = {
  name: "backends",
  help: "Lists the backends, their devices, and why some cannot be used here.",
  positional: "[SPECIFIER ...]",
  flags: { json: { help: "print it as JSON" } },
  examples: ["saccade backends", "saccade backends ./my_backend.ts --json"],
};

/** What one backend said. */
interface Survey {
  readonly name: string;
  readonly devices: readonly DeviceInfo[];
  readonly reasons: readonly string[];
}

async function survey(specifier: string): Promise<Survey> {
  const devices = await (await findBackend(specifier)).probe();
  const reasons = specifier === "wasm"
    ? PACKAGES.flatMap((name) => {
      const missing = missingFor(name);
      return missing === null ? [] : [`${name}: ${missing}`];
    })
    : devices.length === 0
    ? ["no device found"]
    : [];
  return { name: specifier, devices, reasons };
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const surveys = await Promise.all([...BACKEND_NAMES, ...values.positional].map(survey));
  if (values.has("json")) {
    write(`${JSON.stringify(surveys)}\n`);
    return EXIT.ok;
  }
  for (const { name, devices, reasons } of surveys) {
    write(`${name}\n`);
    for (const { id, kind, description, formats, deterministic } of devices) {
      const traits = [
        kind,
        formats.join("/"),
        deterministic ? "deterministic" : "not deterministic",
      ];
      const device = BACKEND_NAMES.includes(name) ? `${name}:${id}` : `device ${id}`;
      write(`  ${device.padEnd(16)}  ${description}; ${traits.join(", ")}\n`);
    }
    for (const reason of reasons) write(`  not here: ${reason}\n`);
  }
  return EXIT.ok;
}
