/**
 * What compression costs in accuracy: every format, pruned and not, beside f32 taught alike. Prints the table of docs/compression.md.
 *
 * ```sh
 * deno run -A bench/compression.ts --spec tiny --train 4000 --retrain 1500 --eval 500 --seeds 1
 * ```
 *
 * @module
 */
import { parseArgs } from "../std.ts";
import { tryStored } from "../cli/eval.ts";
import { builtinSpec } from "../model/builtin.ts";
import { encodeCheckpoint, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import { frameSide } from "../model/spec.ts";
import type { WeightFormat } from "../model/weight_format.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { compress } from "../runtime/compression.ts";
import { run } from "../runtime/runtime.ts";
import { openScene } from "../sources/synthetic.ts";

/** What is compared. */
const VARIANTS: readonly { readonly format: WeightFormat; readonly pruned: number }[] = [
  { format: "f32", pruned: 0 },
  { format: "bf16", pruned: 0 },
  { format: "f16", pruned: 0 },
  { format: "i16", pruned: 0 },
  { format: "i8", pruned: 0 },
  { format: "f32", pruned: 0.5 },
  { format: "f32", pruned: 0.9 },
  { format: "i8", pruned: 0.9 },
];

/** Errors of one variant and seed, frozen and learning, and the bytes of its file. */
interface Measured {
  readonly bytes: number;
  readonly frozen: number;
  readonly learning: number;
  readonly copy: number;
}

const flags = parseArgs(Deno.args, {
  string: ["spec", "train", "retrain", "eval", "seeds", "motion", "blocks"],
  default: {
    spec: "tiny",
    train: "4000",
    retrain: "1500",
    eval: "500",
    seeds: "1",
    motion: "0",
    blocks: "1x4",
  },
}) as unknown as Record<
  "spec" | "train" | "retrain" | "eval" | "seeds" | "motion" | "blocks",
  string
>;
const [train, retrain, evaluated, seeds] = [flags.train, flags.retrain, flags.eval, flags.seeds]
  .map(Number) as [number, number, number, number];
const [rows, columns] = flags.blocks.split("x").map(Number) as [number, number];

async function trained(seed: number): Promise<StoredCheckpoint> {
  const spec = builtinSpec(flags.spec, { fields: { motion: Number(flags.motion), seed } });
  const side = frameSide(spec);
  const save = await Deno.makeTempFile({ suffix: ".safetensors" });
  await using source = openScene({ size: { width: side, height: side } });
  for await (const _ of run({ spec, source, steps: train, save, meter: null }));
  const stored = await loadCheckpoint(save);
  await Deno.remove(save);
  return stored;
}

async function measure(
  stored: StoredCheckpoint,
  { format, pruned }: typeof VARIANTS[number],
): Promise<Measured> {
  const side = frameSide(builtinSpec(flags.spec));
  await using source = openScene({ size: { width: side, height: side } });
  const { stored: taught } = await compress(stored, {
    format,
    ...(pruned === 0 ? {} : { pruning: { density: 1 - pruned, blocks: { rows, columns } } }),
    retraining: { source, skip: train, sameSource: true, steps: retrain },
  });
  const parts = await encodeCheckpoint(taught);
  const how = {
    stored: taught,
    source: { kind: "scene" } as const,
    skip: train + retrain,
    steps: evaluated,
    backend: "auto",
  };
  const frozen = (await tryStored({ ...how, learn: false })).trial.layers[0]!;
  const learning = (await tryStored({ ...how, learn: true })).trial.layers[0]!;
  return {
    bytes: parts.reduce((sum, { length }) => sum + length, 0),
    frozen: frozen.mse!,
    learning: learning.mse!,
    copy: frozen.copyLast!,
  };
}

/** Mean, and the spread where there are several. */
function summary(values: readonly number[], text: (value: number) => string): string {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const spread = Math.max(...values) - Math.min(...values);
  return values.length === 1 ? text(mean) : `${text(mean)} (${text(spread)})`;
}

const results = VARIANTS.map((): Measured[] => []);
for (let seed = 1; seed <= seeds; seed++) {
  const stored = await trained(seed);
  for (const [i, variant] of VARIANTS.entries()) {
    results[i]!.push(await measure(stored, variant));
    console.error(`seed ${seed}: ${variant.format}, ${100 * variant.pruned} % pruned`);
  }
}
console.log(
  "| format | pruned | file | skill frozen | error to f32 | skill learning | error to f32 |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const [i, { format, pruned }] of VARIANTS.entries()) {
  const own = results[i]!;
  const skill = (of: "frozen" | "learning") =>
    summary(own.map((r) => 1 - r[of] / r.copy), (v) => v.toFixed(3));
  const change = (of: "frozen" | "learning") =>
    summary(
      own.map((r, s) => 100 * (r[of] / results[0]![s]![of] - 1)),
      (v) => `${v >= 0 ? "+" : ""}${v.toFixed(1)} %`,
    );
  const cells = [
    format,
    `${100 * pruned} %`,
    `${(own[0]!.bytes / 1e6).toFixed(2)} MB`,
    skill("frozen"),
    change("frozen"),
    skill("learning"),
    change("learning"),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
