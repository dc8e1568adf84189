/**
 * What contexts are worth at layer 0 when frames never repeat: the same model with some of them or none, on the built-in scene,
 * motion 0. Counted are the last tenth of the steps, learning, and as many frames as a twenty-fifth of them after it, frozen.
 *
 * ```sh
 * deno run -A bench/contexts.ts --spec small --steps 50000 --seeds 1 --threads 2
 * ```
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { weightCount } from "../model/plan.ts";
import { DirectFeed } from "../runtime/feed.ts";
import { Running } from "../runtime/running.ts";
import { tryModel } from "../runtime/trial.ts";
import { openScene } from "../sources/synthetic.ts";
import { parseArgs } from "../std.ts";

const ONLY_LATERAL = { disable_feedback: true, last_layer_context_to_all: false };
/** Which contexts a unit has, and the fields that say so. */
const VARIANTS: readonly (readonly [name: string, fields: Record<string, unknown>])[] = [
  ["all", {}],
  ["neighbours and itself", ONLY_LATERAL],
  ["itself", { ...ONLY_LATERAL, lateral_radius: 0 }],
  ["parents and the last layer", { disable_lateral: true }],
  ["none", { ...ONLY_LATERAL, disable_lateral: true }],
];

const flags = parseArgs(Deno.args, {
  string: ["spec", "steps", "seeds", "threads"],
  default: { spec: "tiny", steps: "10000", seeds: "1", threads: "2" },
}) as unknown as Record<"spec" | "steps" | "seeds" | "threads", string>;
const steps = Number(flags.steps);

/** Skill at layer 0, learning and frozen. */
async function tryOut(fields: Record<string, unknown>, seed: number) {
  const spec = builtinSpec(flags.spec, { fields: { ...fields, motion: 0, seed } });
  const plan = compilePlan(spec);
  await using source = openScene({ size: plan.frame });
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
  await skill(0.9 * steps, true);
  const learning = await skill(0.1 * steps, true);
  return { weights: weightCount(plan), learning, frozen: await skill(0.04 * steps, false) };
}

/** Mean, and the largest less the smallest where there are several. */
function summary(values: readonly number[]): string {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length === 1) return mean.toFixed(3);
  return `${mean.toFixed(3)} (${(Math.max(...values) - Math.min(...values)).toFixed(3)})`;
}

console.log(`${flags.spec}, ${steps} steps, seeds ${flags.seeds}\n`);
console.log("| contexts | weights | skill | skill frozen |\n| --- | --- | --- | --- |");
for (const [name, fields] of VARIANTS) {
  const results: Awaited<ReturnType<typeof tryOut>>[] = [];
  for (const seed of flags.seeds.split(",")) results.push(await tryOut(fields, Number(seed)));
  const [learning, frozen] = (["learning", "frozen"] as const).map((what) =>
    summary(results.map((result) => result[what]))
  );
  const millions = (results[0]!.weights / 1e6).toFixed(2);
  console.log(`| ${name} | ${millions} M | ${learning} | ${frozen} |`);
}
