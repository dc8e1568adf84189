/**
 * Whether a compressed model goes on learning as the whole one does: models that learned clip A once and were compressed while they
 * saw it again meet clip B, and the curves of their errors are laid over each other. Prints the table of docs/compression.md,
 * "Recovery", and draws docs/recovery.svg with `--plot`.
 *
 * ```sh
 * deno run -A bench/recovery.ts --spec small --a person.mp4 --b car.mp4 --teaching 2000 --plot docs/recovery.svg
 * ```
 *
 * @module
 */
import { errorPlot } from "../cli/error_plot.ts";
import { builtinSpec } from "../model/builtin.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameSide } from "../model/spec.ts";
import type { WeightFormat } from "../model/weight_format.ts";
import { compress } from "../runtime/compression.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { tryModel } from "../runtime/trial.ts";
import { openVideo } from "../sources/video.ts";
import { parseArgs } from "../std.ts";

/** What becomes of a model: its format, the share of weights that is kept, and the colour of its curve. */
const VARIANTS: readonly {
  readonly format: WeightFormat;
  readonly density: number;
  readonly colour: string;
}[] = [
  { format: "f32", density: 1, colour: "#222222" },
  { format: "i8", density: 1, colour: "#1f77b4" },
  { format: "codebook4", density: 1, colour: "#2ca02c" },
  { format: "i8", density: 0.1, colour: "#d62728" },
];

const flags = parseArgs(Deno.args, {
  string: ["spec", "a", "b", "teaching", "window", "threads", "plot"],
  default: { spec: "tiny", teaching: "2000", window: "50", threads: "2" },
}) as unknown as
  & Record<"spec" | "a" | "b" | "teaching" | "window" | "threads", string>
  & { readonly plot?: string };
const threads = Number(flags.threads);
const window = Number(flags.window);
const spec = builtinSpec(flags.spec, { fields: { motion: 0 } });
const side = frameSide(spec);
const size = { width: side, height: side };
const open = (path: string, loop = false) => openVideo(path, { size, fit: "stretch", loop });

async function framesOf(path: string): Promise<number> {
  await using source = await open(path);
  return await source.skip(Number.MAX_SAFE_INTEGER);
}

/** A model that has seen clip A once. */
async function learned(): Promise<StoredCheckpoint> {
  const plan = compilePlan(spec);
  const first = { spec: { ...spec }, checkpoint: initialCheckpoint(plan), sourceFrames: 0 };
  await using source = await open(flags.a);
  const steps = await framesOf(flags.a);
  return (await compress(first, { retraining: { source, steps, backend: "wasm", threads } }))
    .stored;
}

/** The errors over clip B, learning, and those of copying. */
async function meet(stored: StoredCheckpoint) {
  const plan = planOf(stored);
  await using source = await open(flags.b);
  const feed = new DirectFeed(source);
  await feed.start({ size: plan.frame, radius: 0, skip: 0 });
  const resume = { ...stored, sourceFrames: 0 };
  await using running = await Running.open(plan, { backend: "wasm", threads, resume });
  return await tryModel({ plan, session: running.session, feed, steps: Infinity, learn: true });
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

const base = await learned();
const rows: { name: string; colour: string; skills: number[]; share: number[] }[] = [];
for (const { format, density, colour } of VARIANTS) {
  await using source = await open(flags.a, true);
  const { stored } = await compress(base, {
    format,
    ...(density === 1 ? {} : { pruning: { density, blocks: { rows: 1, columns: 8 } } }),
    retraining: { source, steps: Number(flags.teaching), backend: "wasm", threads },
  });
  const { errors, copies } = await meet(stored);
  const skills: number[] = [];
  const share: number[] = [];
  // The first two frames have nothing of theirs behind them.
  for (let at = 2; at < errors.length; at += window) {
    const ratio = sum(errors.slice(at, at + window)) / sum(copies.slice(at, at + window));
    skills.push(1 - ratio);
    for (let i = at; i < Math.min(at + window, errors.length); i++) share.push(ratio);
  }
  const name = density === 1 ? format : `${format}, ${100 * density} % kept`;
  rows.push({ name, colour, skills, share });
  console.error(`${name}: ${skills.map((skill) => skill.toFixed(3)).join(" ")}`);
}

const fileOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
console.log(
  `\n${flags.spec}, ${flags.teaching} steps of teaching on ${fileOf(flags.a)}, then ${
    fileOf(flags.b)
  }: skill\n`,
);
const line = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
const begins = rows[0]!.skills.map((_, i) => 2 + i * window);
line(["frames", ...rows.map(({ name }) => name)]);
line(Array(rows.length + 1).fill("---"));
for (const [i, begin] of begins.entries()) {
  line([`from ${begin}`, ...rows.map(({ skills }) => skills[i]!.toFixed(3))]);
}
if (flags.plot !== undefined) {
  const title = `error on ${fileOf(flags.b)} as a share of copying's, after ${fileOf(flags.a)}`;
  const curves = rows.map(({ name, colour, share }) => ({ name, colour, values: share }));
  await Deno.writeTextFile(flags.plot, errorPlot(title, curves));
}
