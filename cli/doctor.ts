/**
 * `saccade doctor`: what this machine has, what is missing, and how to mend it.
 *
 * @module
 */
import { missingFor, PACKAGES } from "../kernels/load.ts";
import { surveyMeters } from "../meters/open.ts";
import { green, red, yellow } from "../std.ts";
import { EXIT } from "./exit.ts";
import { type Command, parseFlags } from "./flags.ts";
import { write } from "./view.ts";

/** `saccade doctor`. */
export const command: Command = {
  name: "doctor",
  help: "Checks Deno, permissions, SIMD and threads, ffmpeg, cameras and energy sensors.",
  flags: { json: { help: "print it as JSON" } },
  examples: ["saccade doctor"],
};

/** One thing looked at. `missing` keeps something from working, `limited` has a way around. */
interface Finding {
  readonly name: string;
  readonly state: "ok" | "limited" | "missing";
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string | null;
}

const ok = (name: string, detail: string): Finding => ({ name, state: "ok", detail, fix: null });

function deno(): Finding {
  const { deno: version } = Deno.version;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 6) ? ok("deno", version) : {
    name: "deno",
    state: "missing",
    detail: version,
    fix: "deno upgrade: 2.6 or newer is needed",
  };
}

async function permissions(): Promise<Finding[]> {
  const wanted = [
    [{ name: "read" }, "missing", "--allow-read: checkpoints, specifications and the kernels"],
    [{ name: "write" }, "missing", "--allow-write: checkpoints"],
    [{ name: "run", command: "ffmpeg" }, "limited", "--allow-run=ffmpeg: cameras and video files"],
    [{ name: "env" }, "limited", "--allow-env: colours of the terminal"],
  ] as const;
  return await Promise.all(wanted.map(async ([descriptor, state, fix]) => {
    const { state: granted } = await Deno.permissions.query(descriptor);
    const name = `permission ${descriptor.name}`;
    return granted === "granted"
      ? ok(name, "granted")
      : { name, state, detail: granted, fix: `give ${fix}` };
  }));
}

function kernels(): Finding[] {
  const found = PACKAGES.map((name): Finding => {
    const missing = missingFor(name);
    return missing === null
      ? ok(`kernels ${name}`, "runs here")
      : { name: `kernels ${name}`, state: "limited", detail: missing, fix: "use a newer engine" };
  });
  return [...found, ok("cores", String(navigator.hardwareConcurrency))];
}

async function ffmpeg(): Promise<Finding> {
  const name = "ffmpeg";
  const fix = "apt-get install ffmpeg; y4m files and the scene work without";
  try {
    const { stdout } = await new Deno.Command("ffmpeg", { args: ["-version"], stderr: "null" })
      .output();
    return ok(name, new TextDecoder().decode(stdout).split("\n")[0]!);
  } catch (error) {
    return error instanceof Deno.errors.NotCapable
      ? { name, state: "limited", detail: "may not be run", fix: "give --allow-run=ffmpeg" }
      : { name, state: "limited", detail: "not installed", fix };
  }
}

async function cameras(): Promise<Finding> {
  const name = "cameras";
  if (Deno.build.os !== "linux") return ok(name, "asked for by number, by ffmpeg");
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir("/dev")) {
      if (/^video\d+$/.test(entry.name)) found.push(`/dev/${entry.name}`);
    }
  } catch {
    const fix = "give --allow-read=/dev to list them";
    return { name, state: "limited", detail: "cannot be listed", fix };
  }
  return found.length > 0
    ? ok(name, found.sort().join(", "))
    : { name, state: "limited", detail: "none", fix: "plug one in, or use --video or --scene" };
}

async function energy(): Promise<Finding[]> {
  const surveys = await surveyMeters();
  return surveys.map(({ name, available, detail }) =>
    available ? ok(`energy ${name}`, detail) : {
      name: `energy ${name}`,
      state: "limited",
      detail,
      fix: "without a counter joules are modelled from operations and bytes",
    }
  );
}

/** Looks at everything. */
export async function examine(): Promise<Finding[]> {
  return [
    deno(),
    ...await permissions(),
    ...kernels(),
    await ffmpeg(),
    await cameras(),
    ...await energy(),
  ];
}

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const findings = await examine();
  if (values.has("json")) {
    write(`${JSON.stringify(findings)}\n`);
  } else {
    const colour = { ok: green, limited: yellow, missing: red };
    const width = Math.max(...findings.map(({ name }) => name.length));
    for (const { name, state, detail, fix } of findings) {
      write(`${colour[state](state.padEnd(7))}  ${name.padEnd(width)}  ${detail}\n`);
      if (fix !== null) write(`${" ".repeat(9)}${" ".repeat(width)}  -> ${fix}\n`);
    }
  }
  return findings.some(({ state }) => state === "missing") ? EXIT.failure : EXIT.ok;
}
