/**
 * What the parts of rule saccade gave, as Markdown.
 *
 * @module
 */
import { skillText } from "./learning_run.ts";
import type { ConvNetSpeed } from "./peers/conv_net.ts";
import type { Skills } from "./peers/frame_peer.ts";
import type { Machine } from "./peers/machine.ts";

/** Skills of one thing, from each seed. */
export type Seeds = readonly Skills[];
/** Skills of the variants of one thing, by name. */
export type Variants = Readonly<Record<string, Seeds>>;

/** The skills of one clip. */
export interface Row {
  readonly name: string;
  readonly parts: readonly Seeds[];
  readonly flow: Variants | null;
  readonly convNet: Variants | null;
}

/** Mean, and the largest distance of a seed from it where there is one worth mention. */
function meanText(values: readonly (number | null)[]): string {
  const numbers = values.filter((value) => value !== null);
  if (numbers.length < values.length) return "-";
  const mean = numbers.reduce((a, b) => a + b) / numbers.length;
  const spread = Math.max(...numbers.map((value) => Math.abs(value - mean)));
  return spread < 5e-4 ? skillText(mean) : `${skillText(mean)} ±${skillText(spread)}`;
}

/** First pass and frozen rest, from the seeds. */
const cell = (seeds: readonly Skills[]) =>
  ([0, 1] as const).map((part) => meanText(seeds.map((skills) => skills[part]))).join(" / ");

/**
 * The best variant for each part, in hindsight: that with the best mean of its seeds.
 *
 * @param variants their skills
 */
export function bestCell(variants: Readonly<Record<string, readonly Skills[]>>): string {
  const mean = (values: readonly (number | null)[]) =>
    values.reduce((sum: number, value) => sum + (value ?? NaN), 0) / values.length;
  return ([0, 1] as const).map((part) => {
    const of = Object.values(variants).map((seeds) => seeds.map((skills) => skills[part]));
    return meanText(of.reduce((best, values) => mean(values) > mean(best) ? values : best));
  }).join(" / ");
}

/**
 * The table of all parts, with the others beside them.
 *
 * @param names of the parts
 * @param rows the skills
 */
export function partsTable(names: readonly string[], rows: readonly Row[]): string {
  const columns = [
    ...names,
    "optical flow, best of 8",
    "small ConvNet, best of 4",
  ];
  const best = (variants: Variants | null) => variants === null ? "-" : bestCell(variants);
  return [
    `| clip | ${columns.join(" | ")} |`,
    `|---|${columns.map(() => "---|").join("")}`,
    ...rows.map(({ name, parts, flow, convNet }) =>
      `| ${[name, ...parts.map(cell), best(flow), best(convNet)].join(" | ")} |`
    ),
  ].join("\n");
}

/**
 * The ConvNet at each of its rates.
 *
 * @param rows the skills
 */
export function convNetTable(rows: readonly Row[]): string {
  const rates = Object.keys(rows.find(({ convNet }) => convNet !== null)?.convNet ?? {});
  if (rates.length === 0) return "It is left out of this table: PyTorch could not be had.";
  return [
    `| clip | ${rates.map((rate) => `rate ${rate}`).join(" | ")} |`,
    `|---|${rates.map(() => "---|").join("")}`,
    ...rows.map(({ name, convNet }) =>
      `| ${
        [name, ...rates.map((rate) => convNet === null ? "-" : cell(convNet[rate]!))].join(" | ")
      } |`
    ),
  ].join("\n");
}

/**
 * What the ConvNet costs.
 *
 * @param speed how fast it was; null where it could not be had
 * @param machine where it was timed
 */
export function speedText(speed: ConvNetSpeed | null, machine: Machine): string {
  if (speed === null) return "It was not timed: PyTorch could not be had.";
  const millions = (value: number) => `${Math.round(value / 1e6)} million`;
  const { weights, macs: [predict, learn], version, framesPerSecond } = speed;
  const frames = Object.entries(framesPerSecond)
    .map(([threads, rate]) =>
      `${rate.toFixed(0)} frames a second on ${threads} thread${threads === "1" ? "" : "s"}`
    );
  return `It has ${weights.toLocaleString("en")} weights and takes ${
    millions(predict)
  } multiply-adds to predict, ${
    millions(learn)
  } to predict and learn; PyTorch ${version} learns from ${frames.join(", ")} (${
    machine.processor ?? "a processor that does not say its name"
  }, ${machine.cores} cores; the best of five turns).`;
}
