/**
 * `saccade backends`: what can run models on this machine, and a certain one.
 *
 * @module
 */
import type { DeviceInfo, Verdict } from "../backends/backend.ts";
import { openChecked, probeDevices } from "../backends/plugin.ts";
import { BACKEND_NAMES, findBackend, noDevice, parseSpecifier } from "../backends/registry.ts";
import { missingFor, PACKAGES } from "../kernels/load.ts";
import { planOf } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import type { Plan } from "../model/plan.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags, type Values } from "./flags.ts";
import { readSpec, SPEC_FLAGS, specFlagsGiven } from "./spec_flags.ts";
import { write } from "./view.ts";

/** `saccade backends`. */
export const command: Command = {
  name: "backends",
  help: "Lists the backends, their devices and limits, and why some cannot be used here.",
  positional: "[SPECIFIER ...]",
  flags: {
    ...SPEC_FLAGS,
    resume: { value: "FILE", help: "a checkpoint, in the place of --spec" },
    json: { help: "print it as JSON" },
  },
  examples: [
    "saccade backends",
    "saccade backends --spec large",
    "saccade backends ./my_backend.ts --resume model.safetensors --json",
  ],
};

/** A device, and what it says of the model that is asked about. */
type Found = DeviceInfo & { readonly accepts?: Verdict };

/** What one backend said. */
interface Survey {
  readonly name: string;
  readonly devices: readonly Found[];
  /** Why it, or a part of it, cannot be used. */
  readonly reasons: readonly string[];
  /** Whether it could not be asked at all. */
  readonly failed: boolean;
}

async function survey(specifier: string, plan: Plan | undefined): Promise<Survey> {
  const devices: Found[] = [];
  const reasons: string[] = [];
  const { backend: name, device } = parseSpecifier(specifier);
  try {
    const backend = await findBackend(name);
    for (const info of await probeDevices(backend)) {
      if (device !== undefined && info.id !== device) continue;
      if (plan === undefined) {
        devices.push(info);
        continue;
      }
      // An answer takes an open device, and one that does not open says why.
      try {
        await using open = await openChecked(backend, info.id);
        const { ok, reasons } = open.accepts(plan);
        devices.push({ ...info, accepts: { ok, reasons } });
      } catch (error) {
        devices.push({ ...info, accepts: { ok: false, reasons: [(error as Error).message] } });
      }
    }
  } catch (error) {
    return { name: specifier, devices, reasons: [(error as Error).message], failed: true };
  }
  if (name === "wasm") {
    for (const build of PACKAGES) {
      const missing = missingFor(build);
      if (missing !== null) reasons.push(`${build}: ${missing}`);
    }
  }
  if (devices.length === 0 && reasons.length === 0) {
    reasons.push(device === undefined ? await noDevice(name) : `there is no device "${device}"`);
  }
  return { name: specifier, devices, reasons, failed: false };
}

/** The model that is asked about, if any. */
async function askedPlan(values: Values): Promise<Plan | undefined> {
  const given = specFlagsGiven(values);
  const resume = values.text("resume");
  if (resume === undefined) {
    return given.length === 0 ? undefined : compilePlan(await readSpec(values));
  }
  if (given.length > 0) {
    throw new UsageError(
      `--${given[0]} does not go with --resume: the checkpoint has its own model`,
    );
  }
  return planOf(await loadCheckpoint(resume));
}

/** What a device is and can, for a person. */
function lines(name: string, info: Found): string[] {
  const { id, kind, description, formats, deterministic, maxInFlight, reportCapacity } = info;
  const specifier = BACKEND_NAMES.includes(name)
    ? `${name}:${id}`
    : name.endsWith(`#${id}`)
    ? name
    : `${name}#${id}`;
  const traits = [
    kind,
    formats.join("/"),
    deterministic ? "deterministic" : "not deterministic",
    `${maxInFlight} ${maxInFlight === 1 ? "step" : "steps"} in flight`,
    `${reportCapacity} reports`,
    ...Object.entries(info.limits ?? {}).map(([limit, value]) => `${limit} ${value}`),
  ];
  const { accepts } = info;
  return [
    `  ${specifier.padEnd(16)}  ${description}`,
    `    ${traits.join(", ")}`,
    ...(accepts === undefined
      ? []
      : accepts.ok
      ? ["    takes this model"]
      : accepts.reasons.map((reason) => `    does not take this model: ${reason}`)),
  ];
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const plan = await askedPlan(values);
  const surveys = await Promise.all(
    [...BACKEND_NAMES, ...values.positional].map((name) => survey(name, plan)),
  );
  if (values.has("json")) {
    write(`${JSON.stringify(surveys.map(({ failed: _, ...said }) => said))}\n`);
  } else {
    for (const { name, devices, reasons } of surveys) {
      write(`${name}\n`);
      for (const info of devices) write(`${lines(name, info).join("\n")}\n`);
      for (const reason of reasons) write(`  not here: ${reason}\n`);
    }
  }
  // Whoever asks for one by name wants it; of ours, some are never there.
  const lacking = surveys.filter(({ name, failed }) => failed && !BACKEND_NAMES.includes(name));
  for (const { reasons } of lacking) write(`${reasons[0]}\n`, Deno.stderr);
  return lacking.length > 0 ? EXIT.backend : EXIT.ok;
}
