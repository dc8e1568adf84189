/**
 * Which pruning costs least: blocks, densities and scopes, by accuracy and by speed. Prints the tables of docs/compression.md, "Pruning".
 *
 * Accuracy is that of models that learn the built-in scene from their first step, motion 0, and are pruned over the first three quarters
 * of nine tenths of the steps; counted are the last tenth, learning, and as many frames as a twenty-fifth of the steps after it, frozen.
 * Speed is that of the kernels: models pruned at once after a short teaching, in turns, the best of some rounds, beside f32 whole.
 *
 * ```sh
 * deno run -A bench/pruning.ts --spec tiny --steps 20000 --seeds 1,2,3
 * deno run -A bench/pruning.ts --speed --spec small --threads 2
 * ```
 *
 * @module
 */
import { openDevice } from "../backends/registry.ts";
import { densityOf, prune, type PruneOptions } from "../compress/prune.ts";
import { builtinSpec } from "../model/builtin.ts";
import { planOf, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { layerOf, type Plan } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import { matricesOf } from "../model/weight_format.ts";
import { compress } from "../runtime/compression.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { type LayerScore, tryModel } from "../runtime/trial.ts";
import { openScene } from "../sources/synthetic.ts";
import { parseArgs } from "../std.ts";
import { meanAndSpread } from "./spread.ts";

const flags = parseArgs(Deno.args, {
  string: ["spec", "steps", "seeds", "threads", "rounds", "rule"],
  boolean: ["speed"],
  default: {
    ...{ spec: "tiny", steps: "20000", seeds: "1,2,3" },
    ...{ threads: "2", rounds: "5", rule: "saccade" },
  },
}) as unknown as
  & { readonly [name in "spec" | "steps" | "seeds" | "threads" | "rounds" | "rule"]: string }
  & { readonly speed: boolean };
const steps = Number(flags.steps);

const SIDES = [[1, 4], [4, 1], [4, 4], [8, 1], [1, 8]] as const;
const VARIANTS: readonly Required<Omit<PruneOptions, "initial">>[] = [0.25, 0.1].flatMap((
  density,
) => [
  ...SIDES.map(([rows, columns]) => ({
    density,
    blocks: { rows, columns },
    scope: "global" as const,
  })),
  { density, blocks: { rows: 1, columns: 4 }, scope: "layer" },
  { density, blocks: { rows: 1, columns: 4 }, scope: "matrix" },
]);

function nameOf(pruning: PruneOptions | undefined): string {
  if (pruning === undefined) return "all weights";
  const { density, blocks, scope } = pruning;
  return `${100 * density} %, ${blocks!.rows}x${blocks!.columns}, ${scope}`;
}

function newModel(seed: number): StoredCheckpoint {
  const rule = flags.rule as RuleName;
  const fields = rule === "saccade" ? { motion: 0, seed } : { seed };
  const spec = { ...builtinSpec(flags.spec, { rule, fields }) };
  return { spec, checkpoint: initialCheckpoint(planOf({ spec })), sourceFrames: 0 };
}

const table = (rows: readonly string[][]) =>
  console.log(rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n"));

/** The scores of every layer, learning and frozen. */
async function accuracy(seed: number, pruning: PruneOptions | undefined) {
  const model = newModel(seed);
  const { frame: size } = planOf(model);
  const backend = "wasm";
  await using source = openScene({ size });
  const { stored } = await compress(model, {
    ...(pruning === undefined ? {} : { pruning }),
    retraining: { source, sameSource: true, steps: 0.9 * steps, backend },
  });
  const plan = planOf(stored);
  await using rest = openScene({ size });
  const feed = new DirectFeed(rest);
  await feed.start({ size, radius: 0, skip: 0.9 * steps });
  await using running = await Running.open(plan, { backend, resume: stored });
  const { session } = running;
  const score = async (steps: number, learn: boolean) =>
    (await tryModel({ plan, session, feed, steps, learn })).layers;
  return { learning: await score(0.1 * steps, true), frozen: await score(0.04 * steps, false) };
}

async function printAccuracy(): Promise<void> {
  const seeds = flags.seeds.split(",").map(Number);
  console.log(`\n${flags.spec}, rule ${flags.rule}, ${steps} steps, seeds ${seeds.join(", ")}\n`);
  table([
    ["pruned to", "skill", "MSE to all weights", "skill frozen", "MSE", "skill above layer 0"],
    Array(6).fill("---"),
  ]);
  const base: Awaited<ReturnType<typeof accuracy>>[] = [];
  for (const pruning of [undefined, ...VARIANTS]) {
    const own: typeof base = [];
    for (const seed of seeds) own.push(await accuracy(seed, pruning));
    if (pruning === undefined) base.push(...own);
    const skill = ({ skill }: LayerScore) => skill!;
    const row = (what: "learning" | "frozen") => [
      meanAndSpread(own.map((one) => skill(one[what][0]!)), (value) => value.toFixed(3)),
      meanAndSpread(
        own.map((one, i) => 100 * (one[what][0]!.mse! / base[i]![what][0]!.mse! - 1)),
        (value) => `${value >= 0 ? "+" : ""}${value.toFixed(1)} %`,
      ),
    ];
    const above = own.flatMap(({ learning }) => learning.slice(1).map(skill));
    const upper = above.reduce((a, b) => a + b, 0) / above.length;
    table([[nameOf(pruning), ...row("learning"), ...row("frozen"), upper.toFixed(2)]]);
  }
}

/** The share of its weights that each layer keeps, encoder and decoder. */
function keptByLayer(plan: Plan): string {
  const layers = layerOf(plan);
  const sums = Array.from({ length: plan.layerStart.length - 1 }, () => ({
    encoder: [0, 0] as [kept: number, all: number],
    decoder: [0, 0] as [kept: number, all: number],
  }));
  for (const { name, unit, begin, rows, columns } of matricesOf(plan)) {
    const sum = sums[layers[unit]!]![name];
    for (let at = begin; at < begin + rows * columns; at++) sum[0] += plan.mask![name][at]!;
    sum[1] += rows * columns;
  }
  const share = ([kept, all]: [number, number]) => (100 * kept / all).toFixed(0);
  return sums.map(({ encoder, decoder }) => `${share(encoder)}/${share(decoder)}`).join(" ");
}

async function printSpeed(): Promise<void> {
  const threads = Number(flags.threads);
  const model = newModel(1);
  const { frame: size } = planOf(model);
  await using source = openScene({ size });
  const { stored } = await compress(model, {
    retraining: { source, steps: 300, backend: "wasm" },
  });
  const whole = planOf(stored);
  const frames: Uint8Array[] = [];
  while (frames.length < 55) {
    const frame = new Uint8Array(size.width * size.height * 3);
    await source.next(frame);
    frames.push(frame);
  }
  const best = new Map<string, number>();
  const about = new Map<string, string>();
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const pruning of [undefined, ...VARIANTS]) {
      const name = nameOf(pruning);
      const { plan, checkpoint } = pruning === undefined
        ? { plan: whole, checkpoint: stored.checkpoint }
        : prune(whole, stored.checkpoint, pruning);
      if (pruning !== undefined) {
        about.set(name, `${densityOf(plan).toFixed(3)} | ${keptByLayer(plan)}`);
      }
      const { device } = await openDevice("wasm", { threads });
      await using _device = device;
      await using session = await device.load(plan, checkpoint);
      for (const frame of frames.slice(0, 15)) await session.step({ frame });
      // So short that nobody else gets in between, often enough.
      for (let begin = 15; begin < frames.length; begin += 2) {
        const start = performance.now();
        for (const frame of frames.slice(begin, begin + 2)) await session.step({ frame });
        const ms = (performance.now() - start) / frames.slice(begin, begin + 2).length;
        best.set(name, Math.min(best.get(name) ?? Infinity, ms));
      }
    }
  }
  const base = best.get(nameOf(undefined))!;
  console.log(`\n${flags.spec}, rule ${flags.rule}, wasm, ${threads} threads, learning\n`);
  table([
    ["pruned to", "density", "kept by layer, encoder/decoder, %", "ms a step", "steps/s to f32"],
    Array(5).fill("---"),
  ]);
  for (const [name, ms] of best) {
    const [density, kept] = (about.get(name) ?? "1 | all").split(" | ");
    table([[name, density!, kept!, ms.toFixed(2), `${(base / ms).toFixed(2)}x`]]);
  }
}

if (flags.speed) await printSpeed();
else await printAccuracy();
