/**
 * Learns from the built-in scene and says how well, beside copying the last frame.
 *
 * Run it: `deno run --allow-read examples/learn.ts`
 */
import { builtinSpec, openScene, run } from "../mod.ts";

const spec = builtinSpec("tiny", { fields: { motion: 0 } });
await using source = openScene({ size: { width: 20, height: 20 } });
for await (const report of run({ spec, source, steps: 600, window: 100 })) {
  const { kind, step, skill, perStep, energy } = report;
  const joules = perStep.joules === null ? "unknown" : `${(perStep.joules * 1e6).toFixed(0)} uJ`;
  console.log(`${kind} ${step}: skill ${skill?.toFixed(3)}, ${joules} a step (${energy?.method})`);
}
