/**
 * What compression costs in accuracy: models that learn in every format, pruned and not, beside f32. Prints the tables of
 * docs/compression.md.
 *
 * Each model learns the built-in scene, which never repeats, from its first step in its format; pruning goes on over the first three
 * quarters of nine tenths of the steps. Counted are the last tenth, learning, and as many frames as a twenty-fifth of the steps after it,
 * frozen. With `--clips FOLDER` each clip in it is then seen once, by models that know nothing and by those that know the scene:
 * the first 70 % learning, the rest frozen. Results are added to a file as they come, and what is in it is not made again.
 *
 * ```sh
 * deno run -A bench/compression.ts --spec small --steps 50000 --seeds 1,2,3 --clips ../shared/video --results results.jsonl
 * ```
 *
 * @module
 */
import { parseArgs } from "../std.ts";
import { builtinSpec } from "../model/builtin.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameSide, type Spec } from "../model/spec.ts";
import { WEIGHT_FORMATS, type WeightFormat } from "../model/weight_format.ts";
import { compress } from "../runtime/compression.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { type Trial, tryModel } from "../runtime/trial.ts";
import { openScene } from "../sources/synthetic.ts";
import { openVideo } from "../sources/video.ts";
import type { Source } from "../sources/source.ts";
import { meanAndSpread } from "./spread.ts";

/** What is compared with the first: a format, and the share of weights that is kept. */
interface Variant {
  readonly format: WeightFormat;
  readonly density: number;
}

const VARIANTS: readonly Variant[] = [
  ...WEIGHT_FORMATS.map((format): Variant => ({ format, density: 1 })),
  { format: "f32", density: 0.5 },
  { format: "f32", density: 0.1 },
  { format: "i8", density: 0.1 },
  { format: "codebook4", density: 0.1 },
];

/** One model on one source. */
interface Result {
  readonly spec: string;
  readonly seed: number;
  readonly steps: number;
  readonly variant: string;
  readonly source: string;
  readonly learning: readonly [mse: number, copy: number];
  readonly frozen: readonly [mse: number, copy: number];
}

const flags = parseArgs(Deno.args, {
  string: ["spec", "steps", "seeds", "motion", "only", "clips", "results", "threads"],
  default: { spec: "tiny", steps: "5000", seeds: "1", motion: "0", threads: "2" },
}) as unknown as
  & {
    readonly [name in "spec" | "steps" | "seeds" | "motion" | "threads"]: string;
  }
  & { readonly only?: string; readonly clips?: string; readonly results?: string };
const steps = Number(flags.steps);
const threads = Number(flags.threads);
const seeds = flags.seeds.split(",").map(Number);

const nameOf = ({ format, density }: Variant) =>
  density === 1 ? format : `${format}, ${100 * density} % kept`;
const variants = VARIANTS.filter((variant) =>
  flags.only === undefined || flags.only.split(";").includes(nameOf(variant))
);

const results: Result[] = [];
if (flags.results !== undefined) {
  const text = await Deno.readTextFile(flags.results).catch(() => "");
  results.push(...text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)));
}

async function add(result: Result): Promise<void> {
  results.push(result);
  const { variant, source, learning: [a, b], frozen: [c, d] } = result;
  console.error(
    `${result.spec} seed ${result.seed}, ${variant}, ${source}: skill ${
      (1 - a / b).toFixed(4)
    }, frozen ${(1 - c / d).toFixed(4)}`,
  );
  if (flags.results === undefined) return;
  await Deno.writeTextFile(flags.results, `${JSON.stringify(result)}\n`, { append: true });
}

function errorsOf({ layers: [layer] }: Trial): readonly [number, number] {
  return [layer!.mse!, layer!.copyLast!];
}

/** Goes on from a state: some steps learning, then some frozen. */
async function goOn(
  stored: StoredCheckpoint,
  source: Source,
  learning: number,
  frozen: number,
  skip = 0,
): Promise<Pick<Result, "learning" | "frozen">> {
  const plan = planOf(stored);
  const { frame: size, rule } = plan;
  const feed = new DirectFeed(source);
  await feed.start({ size, radius: rule.name === "saccade" ? rule.motion : 0, skip });
  await using running = await Running.open(plan, { backend: "wasm", threads, resume: stored });
  const { session } = running;
  const first = await tryModel({ plan, session, feed, steps: learning, learn: true });
  const second = await tryModel({ plan, session, feed, steps: frozen, learn: false });
  return { learning: errorsOf(first), frozen: errorsOf(second) };
}

function newModel(spec: Spec): StoredCheckpoint {
  return { spec: { ...spec }, checkpoint: initialCheckpoint(compilePlan(spec)), sourceFrames: 0 };
}

const side = frameSide(builtinSpec(flags.spec));
const size = { width: side, height: side };

/** A model that has seen nine tenths of the scene. */
async function learnScene(spec: Spec, { format, density }: Variant): Promise<StoredCheckpoint> {
  await using source = openScene({ size });
  const taught = 0.9 * steps;
  const { stored } = await compress(newModel(spec), {
    format,
    ...(density === 1 ? {} : { pruning: { density, blocks: { rows: 1, columns: 8 } } }),
    retraining: { source, sameSource: true, backend: "wasm", threads, steps: taught, skip: 0 },
  });
  return { ...stored, sourceFrames: taught };
}

async function tryClips(
  stored: StoredCheckpoint,
  note: (clip: string) => Omit<Result, "learning" | "frozen"> | null,
) {
  for (
    const { name } of [...Deno.readDirSync(flags.clips!)].sort((a, b) => a.name < b.name ? -1 : 1)
  ) {
    if (!/\.mp4$/.test(name)) continue;
    const about = note(name);
    if (about === null) continue;
    const open = () => openVideo(`${flags.clips}/${name}`, { size, fit: "stretch" });
    await using counted = await open();
    const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
    await using source = await open();
    const learning = Math.round(0.7 * frames);
    await add({ ...about, ...await goOn(stored, source, learning, frames - learning) });
  }
}

for (const seed of seeds) {
  const spec = builtinSpec(flags.spec, { fields: { motion: Number(flags.motion), seed } });
  for (const variant of variants) {
    const about = (source: string) => ({
      spec: flags.spec,
      seed,
      steps,
      variant: nameOf(variant),
      source,
    });
    const missing = (source: string) => {
      const wanted = about(source);
      const has = results.some((result) =>
        Object.entries(wanted).every(([key, value]) => result[key as keyof Result] === value)
      );
      return has ? null : wanted;
    };
    const clips = flags.clips === undefined ? [] : [...Deno.readDirSync(flags.clips)]
      .map(({ name }) => name).filter((name) => name.endsWith(".mp4"));
    const after = (clip: string) => `${clip} after the scene`;
    if ([...clips.map(after), "scene"].some((source) => missing(source) !== null)) {
      const stored = await learnScene(spec, variant);
      const scene = missing("scene");
      if (scene !== null) {
        await using source = openScene({ size });
        const [learning, frozen] = [0.1 * steps, 0.04 * steps];
        await add({ ...scene, ...await goOn(stored, source, learning, frozen, 0.9 * steps) });
      }
      if (clips.length > 0) await tryClips(stored, (clip) => missing(after(clip)));
    }
    // Nothing is known yet of what is to be pruned.
    if (variant.density < 1 || clips.length === 0) continue;
    const { format } = variant;
    const { stored } = await compress(newModel(spec), { format });
    await tryClips(stored, missing);
  }
}

const cell = (values: readonly number[], text: (value: number) => string) =>
  values.length === 0 ? "-" : meanAndSpread(values, text);

const mine = results.filter((result) => result.spec === flags.spec && result.steps === steps);
for (const source of new Set(mine.map(({ source }) => source))) {
  console.log(`\n${flags.spec}, ${source}, seeds ${seeds.join(", ")}\n`);
  console.log("| weights | skill | MSE to f32 | skill frozen | MSE to f32 |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const variant of VARIANTS) {
    const of = (variant: string) =>
      mine.filter((result) => result.source === source && result.variant === variant);
    const own = of(nameOf(variant));
    if (own.length === 0) continue;
    const skill = (what: "learning" | "frozen") =>
      cell(own.map((result) => 1 - result[what][0] / result[what][1]), (v) => v.toFixed(3));
    const change = (what: "learning" | "frozen") =>
      cell(
        own.flatMap((result) => {
          const base = of("f32").find(({ seed }) => seed === result.seed);
          return base === undefined ? [] : [100 * (result[what][0] / base[what][0] - 1)];
        }),
        (v) => `${v >= 0 ? "+" : ""}${v.toFixed(2)} %`,
      );
    const cells = [skill("learning"), change("learning"), skill("frozen"), change("frozen")];
    console.log(`| ${nameOf(variant)} | ${cells.join(" | ")} |`);
  }
}
