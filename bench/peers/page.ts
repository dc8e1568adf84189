/**
 * docs/benchmarks.md: the words of `benchmarks.template.md` with what a run has measured.
 *
 * @module
 */
import { naiveRate, type Row, sharesOf } from "../throughput.ts";
import type { RuleName } from "../../model/spec.ts";
import { quantity } from "../../cli/format.ts";
import type { Machine } from "./machine.ts";
import { type Deviation, VERIFY_STEPS } from "./verify.ts";

/** What a peer did with one model. */
export interface PeerRow {
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  /** How far it is from the reference at most. */
  readonly deviation: Deviation;
  /** Median of the rounds. */
  readonly stepsPerSecond: number;
}

/** One model under one rule. */
export interface ModelResult {
  readonly spec: string;
  readonly rule: RuleName;
  readonly units: number;
  readonly weights: number;
  readonly rows: readonly Row[];
  readonly peers: readonly PeerRow[];
}

/** Everything on the page that was measured. */
export interface PageData {
  readonly machine: Machine;
  /** The command that made the page. */
  readonly command: string;
  readonly results: readonly ModelResult[];
  /** Sentences about peers that could not be had. */
  readonly missing: readonly string[];
}

/** The fastest of some rows; NaN where there are none, so that its ratios are unknown. */
const fastest = (rows: readonly { readonly stepsPerSecond: number }[]) =>
  rows.length === 0 ? NaN : Math.max(...rows.map((row) => row.stepsPerSecond));

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/**
 * The rates of one model beside each other.
 *
 * @param result what was measured
 * @returns a Markdown table, the slowest first
 */
export function speedTable({ rows, peers, weights }: ModelResult): string {
  const named = (name: string) => peers.filter((peer) => peer.name === name);
  const bases = [
    naiveRate(rows),
    fastest(named("numpy")),
    fastest(named("numpy einsum")),
    fastest(named("TensorFlow.js")),
  ];
  const ratios = (rate: number) =>
    bases.map((base) => Number.isNaN(base) ? "-" : (rate / base).toFixed(1));
  const lines = [
    ...rows.map((row) => ({
      rate: row.stepsPerSecond,
      cells: [
        row.backend === "wasm" ? "**wasm**" : row.backend,
        String(row.threads),
        row.backend === "wasm" ? String(row.defer) : "-",
        row.stepsPerSecond.toFixed(1),
        quantity(row.weightsPerSecond, ""),
        quantity(row.bytesPerStep, "B"),
        row.gbPerSecond.toFixed(1),
        sharesOf(row).roof || "-",
        sharesOf(row).waiting || "-",
        ...ratios(row.stepsPerSecond),
      ],
    })),
    ...peers.map((peer) => ({
      rate: peer.stepsPerSecond,
      cells: [
        `${peer.name} ${peer.version}`,
        String(peer.threads),
        "-",
        peer.stepsPerSecond.toFixed(1),
        quantity(peer.stepsPerSecond * weights, ""),
        "-",
        "-",
        "-",
        "-",
        ...ratios(peer.stepsPerSecond),
      ],
    })),
  ].toSorted((a, b) => a.rate - b.rate);
  const head = [
    "what",
    "threads",
    "defer",
    "steps/s",
    "weights/s",
    "B/step",
    "GB/s",
    "of roof",
    "waiting",
    "x naive",
    "x numpy",
    "x einsum",
    "x TF.js",
  ];
  return markdown(head, lines.map(({ cells }) => cells));
}

function results({ results, missing }: PageData): string {
  const parts = results.map((result) =>
    `### \`${result.spec}\`, rule ${result.rule}: ${result.units} units, ${
      quantity(result.weights, "")
    } weights\n\n${speedTable(result)}`
  );
  return [...parts, ...missing.map((sentence) => `Not in these tables: ${sentence}`)].join("\n\n");
}

function agreement({ results }: PageData): string {
  const rows = results.flatMap(({ spec, rule, peers }) =>
    peers.map(({ name, version, threads, deviation }) => [
      spec,
      rule,
      `${name} ${version}`,
      String(threads),
      deviation.values.toExponential(1),
      deviation.learned.toExponential(1),
    ])
  );
  if (rows.length === 0) return "No peer could be had.";
  const head = [
    "model",
    "rule",
    "peer",
    "threads",
    `largest deviation in ${VERIFY_STEPS} steps`,
    "of weights, as a share of what they learned",
  ];
  return markdown(head, rows);
}

function machine({ machine }: PageData): string {
  return markdown(["", ""], [
    ["processor", machine.processor ?? "unknown"],
    ["cores", String(machine.cores)],
    ["memory", `${(machine.memory / 2 ** 30).toFixed(1)} GiB`],
    ["system", machine.system],
    ["Deno", machine.deno],
    ["load in the minute before", machine.load.toFixed(1)],
    ["measured on", machine.date],
  ]);
}

/**
 * Fills the template.
 *
 * @param template Markdown with `{{command}}`, `{{machine}}`, `{{results}}` and `{{agreement}}`
 * @param data what was measured
 * @throws {RangeError} for a place that has another name, or one of these that is missing
 */
export function render(template: string, data: PageData): string {
  const parts = new Map([
    ["command", data.command],
    ["machine", machine(data)],
    ["results", results(data)],
    ["agreement", agreement(data)],
  ]);
  const page = template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const part = parts.get(name);
    if (part === undefined) throw new RangeError(`The template has no use for {{${name}}}`);
    parts.delete(name);
    return part;
  });
  if (parts.size > 0) {
    throw new RangeError(`The template lacks {{${[...parts.keys()].join("}}, {{")}}}`);
  }
  return page;
}
