/**
 * `saccade conformance`: whether a backend may be trusted.
 *
 * @module
 */
import { findBackend, parseSpecifier } from "../backends/registry.ts";
import type { ConformanceReport, Exception, PropertyResult } from "../conformance/mod.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags } from "./flags.ts";
import { table } from "./format.ts";
import { write } from "./view.ts";

/** `saccade conformance`. */
export const command: Command = {
  name: "conformance",
  help: "Proves a backend against the reference, property by property.",
  positional: "BACKEND",
  flags: {
    threads: { value: "N", kind: "count", help: "threads, where it has threads to choose" },
    runs: { value: "N", kind: "count", help: "random cases a property (default: 100)" },
    seed: { value: "S", kind: "count", help: "of the random cases (default: from the clock)" },
    path: { value: "PATH", help: "replays a counterexample; with --seed and --only" },
    only: { value: "TEXT", help: "only properties whose name contains this" },
    skip: { value: "TEST=REASON", help: "unsupported, for good; several with ; between them" },
    expect: { value: "TEST=REASON", help: "fails, for now: one that passes fails the run" },
    deadline: { value: "MS", kind: "count", help: "when a call counts as hanging (default: 5000)" },
    json: { help: "print the report as JSON" },
  },
  examples: [
    "saccade conformance wasm:strict",
    "saccade conformance ./my_backend.ts --runs 1000",
    'saccade conformance ./my_backend.ts --seed 42 --path 3:1 --only "bit for bit"',
  ],
};

/** Runs the command: exit code 6 when the backend is not conformant. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const [specifier, ...more] = values.positional;
  if (specifier === undefined || more.length > 0) {
    throw new UsageError("conformance takes one backend: a name, or an import specifier");
  }
  if (values.has("path") && !(values.has("seed") && values.has("only"))) {
    throw new UsageError("--path replays one property with its seed: give --seed and --only, too");
  }
  const threads = values.number("threads");
  const { backend: name, device } = parseSpecifier(specifier);
  const backend = await findBackend(name, threads === undefined ? {} : { threads });
  // Loaded when asked for: nobody else needs fast-check.
  const { proveConformance } = await import("../conformance/mod.ts");
  const json = values.has("json");
  const report = await proveConformance(backend, {
    device: device,
    path: values.text("path"),
    only: values.text("only"),
    runs: values.number("runs"),
    seed: values.number("seed"),
    deadline: values.number("deadline"),
    skip: exceptions("skip", values.text("skip")),
    expected: exceptions("expect", values.text("expect")),
  });
  if (report.results.length === 0) {
    throw new UsageError(`No property has "${values.text("only")}" in its name`);
  }
  write(json ? `${JSON.stringify(report)}\n` : `${render(report, specifier)}\n`);
  return report.conformant ? EXIT.ok : EXIT.nonconformant;
}

/** "TEST=REASON;TEST=REASON". */
function exceptions(flag: string, text: string | undefined): Exception[] {
  return (text ?? "").split(";").filter((entry) => entry.trim() !== "").map((entry) => {
    const [test = "", reason = ""] = entry.split(/=(.*)/s).map((part) => part.trim());
    if (test === "" || reason === "") {
      throw new UsageError(`--${flag} is TEST=REASON, not "${entry.trim()}"`);
    }
    return { test, reason };
  });
}

/** The report for people: a table, what failed and how to see it again, and the verdict. */
export function render(report: ConformanceReport, specifier: string): string {
  const { backend, device, results, seed, refused, conformant } = report;
  const rows = results.map(({ name, outcome, runs, ms, reason }) => [
    name,
    reason === undefined ? outcome : `${outcome}: ${reason}`,
    `${runs}`,
    `${(ms / 1000).toFixed(1)} s`,
  ]);
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [
    `${backend}:${device.id}, ${device.description}; seed ${seed}`,
    "",
    table([["property", "outcome", "cases", "time"], ...rows]),
    "",
    ...results.filter(({ failure }) => failure !== undefined).map((result) =>
      failureText(result, specifier)
    ),
    refused.length === 0 ? "" : `It refuses plans with ${refused.join(", ")}.`,
    `${conformant ? "Conformant" : "NOT conformant"}: ${
      [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ")
    }`,
  ].filter((line, i, all) => line !== "" || all[i - 1] !== "").join("\n");
}

function failureText({ name, failure }: PropertyResult, specifier: string): string {
  const { message, counterexample, seed, path } = failure!;
  return [
    `${name}:`,
    `  ${message}`,
    `  with ${counterexample}`,
    `  again: saccade conformance ${specifier} --seed ${seed} --path "${path}" --only "${name}"`,
    "",
  ].join("\n");
}
