/**
 * `saccade bench`: how fast models learn here, beside what someone would write first.
 *
 * @module
 */
import { measure, naiveRate, type Row, sharesOf } from "../bench/throughput.ts";
import { BUILTIN_NAMES } from "../model/builtin.ts";
import type { RuleName } from "../model/spec.ts";
import { EXIT, UsageError } from "./exit.ts";
import { type Command, parseFlags, unknown } from "./flags.ts";
import { quantity, table } from "./format.ts";
import { write } from "./view.ts";

/** `saccade bench`. */
export const command: Command = {
  name: "bench",
  help: "Measures steps a second: reference, naive loops and the kernels, in turns.",
  flags: {
    only: { value: "NAMES", help: "models, with commas (default: tiny,small,large)" },
    rule: { value: "RULE", of: ["saccade", "2016"], help: "one rule only: saccade or 2016" },
    threads: {
      value: "N",
      kind: "count",
      help: "threads of the kernels (default: 1 and all cores)",
    },
    defer: {
      value: "K,K",
      help: "updates between two writes of deferred updates, with commas (default: 0,16)",
    },
    seconds: { value: "N", kind: "number", help: "seconds a row (default: 3)" },
    json: { help: "print each row as a line of JSON" },
  },
  examples: [
    "saccade bench --only small,large",
    "saccade bench --only small --rule saccade --json",
  ],
};

/** Runs the command. */
export async function main(args: readonly string[]): Promise<number> {
  const values = parseFlags(command, args);
  const specs = (values.text("only") ?? "tiny,small,large").split(",");
  for (const name of specs) {
    if (!BUILTIN_NAMES.includes(name)) throw unknown("model", name, BUILTIN_NAMES);
  }
  const rules: RuleName[] = values.has("rule")
    ? [values.text("rule") as RuleName]
    : ["saccade", "2016"];
  const cores = navigator.hardwareConcurrency;
  const chosen = values.number("threads");
  const threads = chosen !== undefined ? [chosen] : cores > 1 ? [1, cores] : [1];
  const seconds = values.number("seconds") ?? 3;
  const defers = (values.text("defer") ?? "0,16").split(",").map((text) => {
    if (text !== "auto" && !/^([0-9]|[1-5][0-9]|6[0-4])$/.test(text)) {
      throw new UsageError(`--defer takes numbers from 0 to 64 and auto, not "${text}"`);
    }
    return text === "auto" ? text : Number(text);
  });
  for (const spec of specs) {
    for (const rule of rules) {
      const rows = await measure(spec, rule, { threads, defers, seconds });
      if (values.has("json")) { for (const row of rows) write(`${JSON.stringify(row)}\n`); }
      else write(`${render(rows)}\n${scaling(rows).join("")}\n`);
    }
  }
  return EXIT.ok;
}

/** What two threads should bring where the memory does not hold them back. */
const SCALES = 1.7;

/** A sentence for each row of several threads that gains little over one: what the memory gains is the reason, or is not. */
export function scaling(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const one = rows.find(({ backend, defer, threads }) =>
      backend === row.backend && defer === row.defer && threads === 1
    );
    if (row.threads === 1 || one === undefined) return [];
    const gain = row.stepsPerSecond / one.stepsPerSecond;
    const memory = (row.roofGbPerSecond ?? NaN) / (one.roofGbPerSecond ?? NaN);
    if (gain >= SCALES / 2 * row.threads || Number.isNaN(memory)) return [];
    const deferred = row.defer === 0 ? "" : `, deferred every ${row.defer}`;
    return [
      `${row.threads} threads bring ${
        gain.toFixed(2)
      } times one${deferred}: passes over memory alone gain ${memory.toFixed(2)} times\n`,
    ];
  });
}

/** Rows of one model and rule; the last columns are the share of the memory's bandwidth and the ratio to the naive loops. */
function render(rows: readonly Row[]): string {
  const naive = naiveRate(rows);
  const head = [
    "model",
    "rule",
    "backend",
    "threads",
    "defer",
    "steps/s",
    "weights/s",
    "B/step",
    "GB/s",
    "of roof",
    "waiting",
    "x naive",
  ];
  return table([
    head,
    ...rows.map((row) => [
      row.spec,
      row.rule,
      row.backend,
      String(row.threads),
      row.defer === 0 ? "" : String(row.defer),
      row.stepsPerSecond.toFixed(1),
      quantity(row.weightsPerSecond, ""),
      quantity(row.bytesPerStep, "B"),
      row.gbPerSecond.toFixed(1),
      sharesOf(row).roof,
      sharesOf(row).waiting,
      Number.isNaN(naive) ? "" : (row.stepsPerSecond / naive).toFixed(1),
    ]),
  ]);
}
