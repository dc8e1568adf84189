/**
 * Steps a second of compressed models on the kernels, in turns beside the fused step in f32 of the same rule, motion 0.
 * `deno task bench:formats [SPEC] [SECONDS] [THREADS,...] [ROW;...]`: prints the tables of docs/compression.md, or the rows that are
 * named and the first; all rows of `large` together are more than a memory of WebAssembly holds.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { prune } from "../compress/prune.ts";
import { quantise } from "../compress/quantise.ts";
import { builtinSpec } from "../model/builtin.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import type { Plan } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";
import type { WeightFormat } from "../model/weight_format.ts";
import { makeFrames } from "./throughput.ts";

/** One row. */
interface Variant {
  readonly format: WeightFormat;
  readonly density?: number;
  readonly defer?: number;
  readonly frozen?: boolean;
}

const DEFER = 16;
const VARIANTS: readonly Variant[] = [
  { format: "f32" },
  { format: "f32", defer: DEFER },
  { format: "bf16" },
  { format: "bf16", defer: DEFER },
  { format: "f16", defer: DEFER },
  { format: "i16", defer: DEFER },
  { format: "i8" },
  { format: "i8", defer: DEFER },
  { format: "codebook4" },
  { format: "codebook4", defer: DEFER },
  { format: "codebook2" },
  { format: "codebook2", defer: DEFER },
  { format: "f32", density: 0.25 },
  { format: "f32", density: 0.1 },
  { format: "i8", density: 0.1 },
  { format: "codebook4", density: 0.1 },
  { format: "f32", frozen: true },
  { format: "bf16", frozen: true },
  { format: "i8", frozen: true },
  { format: "codebook4", frozen: true },
  { format: "codebook2", frozen: true },
  { format: "i8", density: 0.1, frozen: true },
  { format: "codebook4", density: 0.1, frozen: true },
];

/** Steps that a model learns before it is compressed: so many that its decoders are not 0. */
const TAUGHT = 60;
/** Steps of a turn that do not count: its weights come back into the caches. */
const WARM = 3;
/** Reports are drained after so many steps at the latest. */
const REPORTED = 32 * DEFER;
/** Turns of each; the median counts. */
const ROUNDS = 15;

/** A variant and its times. */
interface Entry {
  readonly name: string;
  readonly session: Session;
  readonly learn: boolean;
  readonly times: number[];
  readonly bytes: number;
  readonly weights: number;
}

function planOf(spec: string, rule: RuleName): Plan {
  const learning = {
    delay_each_layer_learning: 0,
    enable_lateral_at: 0,
    enable_feedback_at: 0,
  };
  const fields = { motion: 0, ...(rule === "2016" ? learning : {}) };
  return compilePlan(builtinSpec(spec, { rule, fields }));
}

function nameOf({ format, density = 1, defer = 0, frozen = false }: Variant): string {
  return [
    format,
    ...(density < 1 ? [`${100 * (1 - density)} % pruned`] : []),
    ...(defer > 0 ? ["deferred"] : []),
    ...(frozen ? ["frozen"] : []),
  ].join(", ");
}

/** The plan and state of a variant. */
function compressed(plan: Plan, taught: Checkpoint, { format, density = 1, defer = 0 }: Variant) {
  let { plan: own, checkpoint } = quantise(plan, taught, format);
  if (density < 1) {
    ({ plan: own, checkpoint } = prune(own, checkpoint, {
      density,
      blocks: { rows: 1, columns: 8 },
      scope: "matrix",
    }));
  }
  // As --defer has it; the momentum of f32 is loaded and fades.
  const { defer: deferred } = compilePlan(
    builtinSpec("small", { rule: plan.rule.name, fields: { defer, format } }),
  );
  return { plan: { ...own, defer: deferred }, checkpoint };
}

async function steps(
  session: Session,
  frames: readonly Uint8Array[],
  count: number,
  learn: boolean,
) {
  for (let i = 0; i < count; i++) {
    const pending = session.step({ frame: frames[i % frames.length]! }, { learn });
    if (pending !== undefined) await pending;
  }
}

async function measure(spec: string, rule: RuleName, threads: number, seconds: number) {
  const plan = planOf(spec, rule);
  const frames = makeFrames(plan);
  const device = await wasmBackend({ threads }).open("relaxed");
  const teacher = await device.load(plan, initialCheckpoint(plan));
  await steps(teacher, frames, TAUGHT, true);
  const taught = await teacher.save();
  await teacher[Symbol.asyncDispose]();
  const entries: Entry[] = [];
  for (const variant of variants) {
    const own = compressed(plan, taught, variant);
    const session = await device.load(own.plan, own.checkpoint);
    // Long enough for a loaded momentum to fade, and for all kinds of steps to be counted.
    const count = 6 * DEFER;
    await steps(session, frames, count, true);
    await session.report();
    const learn = variant.frozen !== true;
    await steps(session, frames, 2 * DEFER, learn);
    const { bytesRead, bytesWritten } = await session.report();
    entries.push({
      name: nameOf(variant),
      session,
      learn,
      times: [],
      bytes: (bytesRead + bytesWritten) / (2 * DEFER),
      weights: session.memory().weights,
    });
  }
  const forMs = 1000 * seconds / ROUNDS / entries.length;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { session, learn, times } of entries) {
      await steps(session, frames, WARM, learn);
      const begin = performance.now();
      let count = 0;
      // Whole periods of the deferred writes.
      while (count === 0 || performance.now() - begin < forMs) {
        await steps(session, frames, DEFER, learn);
        count += DEFER;
        if (count % REPORTED === 0) await session.report();
      }
      if (round > 0) times.push((performance.now() - begin) / count);
      await session.report();
    }
  }
  await device[Symbol.asyncDispose]();
  return entries;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const [spec = "small", seconds = "60", threadList = "2", rows] = Deno.args;
const named = rows?.split(";");
const wrong = named?.find((row) => !VARIANTS.some((variant) => nameOf(variant) === row));
if (wrong !== undefined) {
  console.error(`There is no row "${wrong}": there are "${VARIANTS.map(nameOf).join('", "')}"`);
  Deno.exit(2);
}
const variants = VARIANTS.filter((variant, i) =>
  i === 0 || (named?.includes(nameOf(variant)) ?? true)
);
for (const threads of threadList.split(",").map(Number)) {
  for (const rule of ["2016", "saccade"] as const) {
    const entries = await measure(spec, rule, threads, Number(seconds));
    const base = entries[0]!.times;
    console.log(`\n${spec}, rule ${rule}, ${threads} thread${threads === 1 ? "" : "s"}\n`);
    console.log("| weights | steps/s | x f32 | MB a step | MB |");
    console.log("| --- | ---: | ---: | ---: | ---: |");
    for (const { name, times, bytes, weights } of entries) {
      const cells = [
        name,
        (1000 / median(times)).toFixed(0),
        median(times.map((ms, i) => base[i]! / ms)).toFixed(2),
        (bytes / 1e6).toFixed(1),
        (weights / 1e6).toFixed(1),
      ];
      console.log(`| ${cells.join(" | ")} |`);
    }
  }
}
