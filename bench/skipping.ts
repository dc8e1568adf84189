/**
 * What is lost and what is saved where units skip learning (`skip_below`, `surprise`): the table of docs/skipping.md.
 *
 * Models that differ in nothing else see the same frames, in turns of some frames, so that a machine that is busy now and then is busy for
 * all of them. The first 70 % of the frames they learn from, the rest they see frozen. Speed is the median of the turns' speeds, as a
 * multiple of that of the model that skips nothing. Joules are
 * those of the best meter there is, scoring included where it measures; the head of the column says how it knows.
 *
 * ```sh
 * deno run -A bench/skipping.ts --spec small --motion 3 --frames 2000 ../shared/video/one-by-one-person-detection-160x120-10fps.mp4
 * ```
 *
 * @module
 */
import type { Session, StepInput, StepReports } from "../backends/backend.ts";
import { openMeter } from "../meters/open.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { type Plan, unitCount } from "../model/plan.ts";
import { frameSide, type Spec } from "../model/spec.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { Signals } from "../runtime/signals.ts";
import type { Source } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { openVideo } from "../sources/video.ts";
import { parseArgs } from "../std.ts";
import { LEARNED, skillText } from "./learning_run.ts";

/** Frames that a model sees before it is the next one's turn. */
const TURN = 40;
/** The first frames have nothing behind them to be predicted from. */
const FIRST = 2;

/** What differs between the models; the first skips nothing. */
const VARIANTS: readonly Pick<Spec, "skip_below" | "surprise">[] = [
  ...[[0], [1e-5], [1e-4], [1e-3], [1e-4, 0.03], [1e-4, 0.1], [1e-4, 4]]
    .map((skip_below) => ({ skip_below, surprise: 0 })),
  ...[0.25, 0.5, 1].map((surprise) => ({ skip_below: [0], surprise })),
  { skip_below: [1e-4, 0], surprise: 0.5 },
];

/** A frame, kept until all models have seen it. */
interface Kept {
  readonly input: StepInput;
  readonly copy: number;
}

/** What a part of the frames came to. */
class Sums {
  steps = 0;
  mse = 0;
  copy = 0;
  /** Of the layers above, where copying is that of hidden outputs. */
  above = 0;
  copyAbove = 0;
  bytes = 0;
  skipped = 0;
  joules = 0;
  readonly seconds: number[] = [];
}

/** One model. */
class Runner {
  readonly learning = new Sums();
  readonly frozen = new Sums();
  readonly #units: number;
  readonly #running: Running;
  readonly #signals: Signals;
  readonly #changes: Float64Array;
  #seen = 0;

  constructor(plan: Plan, running: Running) {
    this.#units = unitCount(plan);
    this.#running = running;
    this.#signals = new Signals(plan);
    this.#changes = new Float64Array(this.#signals.lengths.length);
  }

  /** Sees some frames, and goes on from there. */
  async see(frames: readonly Kept[], learn: boolean): Promise<void> {
    const sums = learn ? this.learning : this.frozen;
    const { session } = this.#running;
    const work = { macs: 0, bytesRead: 0, bytesWritten: 0 };
    let seconds = 0;
    await meter.start();
    for (const { input, copy } of frames) {
      const begin = performance.now();
      await session.step(input, { learn });
      seconds += (performance.now() - begin) / 1000;
      const report = await this.#score(session, copy, sums);
      work.macs += report.macs;
      work.bytesRead += report.bytesRead;
      work.bytesWritten += report.bytesWritten;
    }
    const energy = await meter.lap({ ...work, weightBytes: session.memory().weights });
    sums.joules += (energy?.joules ?? NaN) / frames.length;
    sums.seconds.push(seconds / frames.length);
  }

  async #score(session: Session, copy: number, sums: Sums): Promise<StepReports> {
    await this.#signals.add(session, this.#changes.fill(0));
    const report = await session.report();
    const { mse, bytesRead, bytesWritten, skipped = 0 } = report;
    if (this.#seen++ < FIRST) return report;
    sums.steps++;
    sums.mse += mse[0]!;
    sums.copy += copy;
    sums.bytes += bytesRead + bytesWritten;
    sums.skipped += skipped / this.#units;
    for (const [layer, length] of this.#signals.lengths.entries()) {
      if (layer === 0) continue;
      sums.above += mse[layer]! * length;
      sums.copyAbove += this.#changes[layer]! * length;
    }
    return report;
  }

  async close(): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

function row(variant: typeof VARIANTS[number], { learning, frozen }: Runner, base: Runner): string {
  const faster = learning.seconds.map((seconds, turn) => base.learning.seconds[turn]! / seconds);
  const text = (x: number) => x > 0 && x < 1e-3 ? x.toExponential(0) : String(x);
  const skill = 1 - learning.mse / learning.copy;
  const millijoules = 1000 * learning.joules / learning.seconds.length;
  const cells = [
    variant.skip_below.map(text).join(", "),
    variant.surprise,
    `${(100 * learning.skipped / learning.steps).toFixed(0)} %`,
    skillText(skill),
    skillText(1 - frozen.mse / frozen.copy),
    skillText(1 - learning.above / learning.copyAbove),
    skillText(1 - frozen.above / frozen.copyAbove),
    (learning.bytes / learning.steps / 1e6).toFixed(1),
    millijoules.toFixed(2),
    (skill / millijoules).toFixed(3),
    median(faster).toFixed(2),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** A table for one source. */
async function table(name: string, open: () => Promise<Source>): Promise<void> {
  await using counted = await open();
  const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
  const most = Math.floor(LEARNED * frames);
  await using source = await open();
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: motion, skip: 0 });
  const runners: Runner[] = [];
  for (const variant of VARIANTS) {
    const plan = compilePlan(builtinSpec(flags.spec, { fields: { motion, ...variant } }));
    runners.push(new Runner(plan, await Running.open(plan, { backend: "wasm" })));
  }
  for (let seen = 0; seen < frames;) {
    const learn = seen < most;
    const kept: Kept[] = [];
    while (kept.length < TURN && (seen < most) === learn && await feed.next()) {
      const { frame, external, scores } = feed;
      const input = external === undefined
        ? { frame: frame.slice() }
        : { frame: frame.slice(), external: external.slice() };
      kept.push({ input, copy: scores.copy });
      seen++;
    }
    if (kept.length === 0) break;
    for (const runner of runners) await runner.see(kept, learn);
  }
  console.log(`\n${name}, ${frames} frames, model ${flags.spec}, motion ${motion}\n`);
  console.log(
    "| `skip_below` | `surprise` | skipped | **skill** | frozen | skill above layer 0 | frozen | MB a step " +
      `| mJ a step, ${meter.method} | skill a mJ | speed |`,
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|---|");
  for (const [i, variant] of VARIANTS.entries()) {
    console.log(row(variant, runners[i]!, runners[0]!));
  }
  for (const runner of runners) await runner.close();
}

const flags = parseArgs(Deno.args, {
  string: ["spec", "motion", "frames"],
  default: { spec: "small", motion: "3", frames: "2000" },
}) as unknown as
  & {
    readonly [name in "spec" | "motion" | "frames"]: string;
  }
  & { readonly _: readonly string[] };
const meter = await openMeter();
const motion = Number(flags.motion);
const side = frameSide(builtinSpec(flags.spec));
const size = { width: side, height: side };

await table(
  "The built-in scene",
  () => Promise.resolve(openScene({ size, seed: 1, frames: Number(flags.frames) })),
);
for (const path of flags._) {
  await table(path.replace(/.*\//, ""), () => openVideo(path, { size, fit: "stretch" }));
}
