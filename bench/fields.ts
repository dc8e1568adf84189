/**
 * What fields of a specification are worth when frames never repeat: the same model with other contexts, or other rates, on the
 * built-in scene, motion 0. Counted are the last tenth of the steps, learning, and as many frames as a twenty-fifth of them after it,
 * frozen. With `--clips FOLDER` a new model sees each clip in it, too, once: the first 70 % learning, the rest frozen.
 *
 * ```sh
 * deno run -A bench/fields.ts --vary contexts --spec small --steps 50000 --seeds 1 --threads 2
 * ```
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { weightCount } from "../model/plan.ts";
import { frameSide, type Spec } from "../model/spec.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { tryModel } from "../runtime/trial.ts";
import type { Source } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { openVideo } from "../sources/video.ts";
import { parseArgs } from "../std.ts";
import { ITSELF, NONE, ONLY_LATERAL } from "./contexts.ts";
import { LEARNED } from "./learning_run.ts";
import { meanAndSpread } from "./spread.ts";

type Variant = readonly [name: string, fields: Readonly<Record<string, unknown>>];

const rates = (encoder_rate: number, decoder_rate: number): Variant => [
  `${encoder_rate}, ${decoder_rate}`,
  { encoder_rate, decoder_rate },
];

/** Falls to a quarter within a few minutes of video. */
const FALLING = [[0, 1], [1000, 0.7], [3000, 0.5], [8000, 0.35], [16000, 0.25]];

/** What may be varied: of each variant its name, and the fields that make it. */
const VARIANTS: Readonly<Record<string, readonly Variant[]>> = {
  contexts: [
    ["all", {}],
    ["neighbours and itself", ONLY_LATERAL],
    ["itself", ITSELF],
    ["parents and the last layer", { disable_lateral: true }],
    ["none", NONE],
  ],
  memory: [
    ["all contexts", {}],
    ["all, its own of 2 steps ago", { own_delays: [2] }],
    ["all, its own of 2 and 4", { own_delays: [2, 4] }],
    ["all, its own of 2, 4 and 8", { own_delays: [2, 4, 8] }],
    ["itself", ITSELF],
    ["itself, of 2", { ...ITSELF, own_delays: [2] }],
    ["itself, of 2 and 4", { ...ITSELF, own_delays: [2, 4] }],
    ["itself, of 2, 4 and 8", { ...ITSELF, own_delays: [2, 4, 8] }],
  ],
  rates: [
    rates(0.1, 0.6),
    rates(0.4, 0.6),
    rates(0.8, 0.6),
    rates(0.4, 0.3),
    rates(0.8, 0.15),
    ["0.4, 0.6, falling", { encoder_rate: 0.4, decoder_rate: 0.6, schedule: FALLING }],
    ["1.6, 0.6, falling", { encoder_rate: 1.6, decoder_rate: 0.6, schedule: FALLING }],
  ],
};

const flags = parseArgs(Deno.args, {
  string: ["vary", "spec", "steps", "seeds", "threads", "clips"],
  default: { vary: "contexts", spec: "tiny", steps: "10000", seeds: "1", threads: "2" },
}) as unknown as
  & Record<"vary" | "spec" | "steps" | "seeds" | "threads", string>
  & { readonly clips?: string };
const steps = Number(flags.steps);
const variants = VARIANTS[flags.vary];
if (variants === undefined) {
  console.error(`Nothing is varied by "${flags.vary}": there are ${Object.keys(VARIANTS)}`);
  Deno.exit(2);
}

/** Skills at layer 0. */
interface Skills {
  readonly learning: number;
  readonly frozen: number;
}

/** A new model over a source: so many steps that do not count, learning; some that do; and some frozen. */
async function tryOver(
  spec: Spec,
  source: Source,
  lengths: { readonly before: number; readonly learning: number; readonly frozen: number },
): Promise<Skills> {
  const plan = compilePlan(spec);
  const feed = new DirectFeed(source);
  await feed.start({ size: plan.frame, radius: 0, skip: 0 });
  const resume = { spec: { ...spec }, checkpoint: initialCheckpoint(plan), sourceFrames: 0 };
  const threads = Number(flags.threads);
  await using running = await Running.open(plan, { backend: "wasm", threads, resume });
  const skill = async (steps: number, learn: boolean) => {
    const { session } = running;
    const { layers: [layer] } = await tryModel({ plan, session, feed, steps, learn });
    return 1 - layer!.mse! / layer!.copyLast!;
  };
  if (lengths.before > 0) await skill(lengths.before, true);
  return {
    learning: await skill(lengths.learning, true),
    frozen: await skill(lengths.frozen, false),
  };
}

const clips = flags.clips === undefined
  ? []
  : [...Deno.readDirSync(flags.clips)].map(({ name }) => name)
    .filter((name) => name.endsWith(".mp4")).sort();

/** The scene, and every clip, in this order. */
async function tryAll(fields: Variant[1], seed: number): Promise<Skills[]> {
  const spec = builtinSpec(flags.spec, { fields: { ...fields, motion: 0, seed } });
  const side = frameSide(spec);
  const size = { width: side, height: side };
  await using scene = openScene({ size });
  const lengths = { before: 0.9 * steps, learning: 0.1 * steps, frozen: 0.04 * steps };
  const all = [await tryOver(spec, scene, lengths)];
  for (const clip of clips) {
    const open = () => openVideo(`${flags.clips}/${clip}`, { size, fit: "stretch" });
    await using counted = await open();
    const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
    await using source = await open();
    const learning = Math.floor(LEARNED * frames);
    all.push(await tryOver(spec, source, { before: 0, learning, frozen: frames - learning }));
  }
  return all;
}

const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
console.log(`${flags.spec}, ${steps} steps, seeds ${flags.seeds}; learning / frozen\n`);
const head = [flags.vary, "weights", "scene", ...clips];
row(head);
row(head.map(() => "---"));
for (const [name, fields] of variants) {
  const seeds: Skills[][] = [];
  for (const seed of flags.seeds.split(",")) seeds.push(await tryAll(fields, Number(seed)));
  const skills = ["scene", ...clips].map((_, i) =>
    (["learning", "frozen"] as const).map((what) =>
      meanAndSpread(seeds.map((all) => all[i]![what]), (value) => value.toFixed(3))
    )
      .join(" / ")
  );
  const weights = weightCount(
    compilePlan(builtinSpec(flags.spec, { fields: { ...fields, motion: 0 } })),
  );
  row([name, `${(weights / 1e6).toFixed(2)} M`, ...skills]);
}
