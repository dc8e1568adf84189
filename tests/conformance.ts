/**
 * Every backend of the project against the kit: `deno task test:conformance`, with `--all` the slow ones as well. With `--write` the
 * table goes to README.md; with CI set
 * nothing may be missing and README.md must have the same table. Exit code 6 when a backend is not conformant.
 *
 * @module
 */
import { findBackend } from "../backends/registry.ts";
import { explain } from "../conformance/conformance.ts";
import {
  type ConformanceOptions,
  type ConformanceReport,
  type Outcome,
  proveConformance,
} from "../conformance/mod.ts";
import { failureOf } from "../runtime/failure.ts";
import { compileC, EXAMPLE } from "./compile_c.ts";

/** A row of the matrix. */
interface Row {
  readonly specifier: string;
  readonly device: string;
  readonly threads?: number;
  /** Only with `--all`. */
  readonly slow?: true;
  readonly options?: Pick<
    ConformanceOptions,
    "runs" | "skip" | "expected" | "deadline" | "limit"
  >;
}

const COMPUTES_NOTHING = [
  "agree with the reference",
  "agrees with the reference",
  "finite, and follows",
  "learn: false leaves",
  "resumes on the reference",
  "read() gives",
  "reported once",
  "never overwritten",
  "are counted, and only they",
  "another order",
  "overlap",
  "a session does what",
  "a device that is gone",
].map((test) => ({ test, reason: "it computes nothing" }));

/** Where the example in C is compiled to. */
const EXAMPLE_LIBRARY = `${await Deno.makeTempDir()}/libexample.so`;

const ROWS: readonly Row[] = [
  { specifier: "reference", device: "f64" },
  { specifier: "reference", device: "f32" },
  { specifier: "null", device: "0", options: { expected: COMPUTES_NOTHING } },
  { specifier: "wasm", device: "relaxed", threads: 1 },
  { specifier: "wasm", device: "relaxed", threads: 2 },
  { specifier: "wasm", device: "strict", threads: 1 },
  { specifier: "wasm", device: "strict", threads: 2 },
  { specifier: "wasm", device: "single", threads: 1 },
  // A CPU that plays a GPU compiles a program for every plan.
  { specifier: "webgpu", device: "f32", options: { runs: 10, deadline: 60_000 } },
  { specifier: "webgpu", device: "f16", options: { runs: 10, deadline: 60_000 } },
  { specifier: "onnx", device: "wasm", threads: 1 },
  { specifier: "onnx", device: "wasm", threads: 2 },
  // A graph is compiled for every case, and every readback waits: minutes a property where the processor plays the GPU.
  {
    specifier: "onnx",
    device: "webgpu",
    slow: true,
    options: {
      runs: 1,
      deadline: 60_000,
      limit: 600_000,
    },
  },
  { specifier: "./examples/my_backend/mod.ts", device: "0" },
  { specifier: "native", device: "avx2", threads: 1 },
  { specifier: "native", device: "avx2", threads: 2 },
  { specifier: "native", device: "sse2", threads: 1 },
  { specifier: `native:${EXAMPLE_LIBRARY}`, device: "0" },
];

const CI = Deno.env.get("CI") !== undefined;
const README = new URL("../README.md", import.meta.url);
const [BEGIN, END] = ["<!-- conformance: begin -->", "<!-- conformance: end -->"];

function count({ results }: ConformanceReport, outcome: Outcome): number {
  return results.filter((result) => result.outcome === outcome).length;
}

/** The row of a report in Markdown. */
function line({ threads }: Row, report: ConformanceReport): string {
  const { refused } = report;
  return `| ${
    [
      `${report.backend}:${report.device.id}`,
      threads ?? "",
      `${count(report, "passed")} of ${report.results.length}`,
      count(report, "unsupported"),
      count(report, "expected failure"),
      refused.join(", "),
      report.conformant ? "yes" : "**no**",
    ].join(" | ")
  } |`;
}

async function main(): Promise<number> {
  const lines = [
    "| backend | threads | passed | unsupported | expected failures | refuses plans with | conformant |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ];
  let [bad, missing] = [0, 0];
  await compileC(EXAMPLE, EXAMPLE_LIBRARY);
  for (const row of ROWS) {
    if (row.slow && !Deno.args.includes("--all")) continue;
    const { specifier, device, threads, options } = row;
    try {
      const backend = await findBackend(specifier, threads === undefined ? {} : { threads });
      const report = await proveConformance(backend, { seed: 1, runs: 20, ...options, device });
      for (const result of report.results) {
        if (result.outcome === "failed" || result.outcome === "unexpected pass") {
          console.error(`${specifier}:${device}, ${explain(result)}`);
        }
      }
      lines.push(line(row, report));
      if (!report.conformant) bad++;
    } catch (error) {
      missing++;
      console.error(`${specifier}:${device} is not here: ${failureOf(error).message}`);
      continue;
    }
    console.log(lines.at(-1));
  }
  const table = `${BEGIN}\n\n${lines.join("\n")}\n\n${END}`;
  const text = await Deno.readTextFile(README);
  const written = text.slice(text.indexOf(BEGIN), text.indexOf(END) + END.length);
  if (Deno.args.includes("--write")) {
    await Deno.writeTextFile(README, text.replace(written, () => table));
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "-q", README.pathname] }).output();
  } else if (CI && squeeze(written) !== squeeze(table)) {
    console.error("README.md has another table: deno task test:conformance --write");
    bad++;
  }
  console.log(`${lines.length - 2 - bad} conformant, ${bad} not, ${missing} not here`);
  return bad > 0 || (CI && missing > 0) ? 6 : 0;
}

/** A table without what a formatter adds. */
function squeeze(text: string): string {
  return text.replaceAll(/-+|\s+/g, (run) => run[0] === "-" ? "-" : " ");
}

if (import.meta.main) Deno.exit(await main());
