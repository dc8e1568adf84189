/**
 * What the runtime itself takes of a step: the loop over a backend that does nothing, with frames that are there already.
 * `deno task bench:overhead` prints microseconds a step, medians of windows.
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import { frameSide } from "../model/spec.ts";
import { Frames } from "../runtime/garbage_testing.ts";
import { run } from "../runtime/runtime.ts";

const WINDOW = 1000;
const WINDOWS = 21;

/** Microseconds a step, the first window left out. */
async function measure(model: string, motion: number, promised: boolean): Promise<number> {
  const spec = builtinSpec(model, { fields: { motion } });
  const side = frameSide(spec);
  const source = new Frames({ width: side, height: side }, promised);
  const times: number[] = [];
  const steps = WINDOW * (WINDOWS + 1);
  let last = 0;
  for await (
    const { kind } of run({ spec, source, backend: "null", meter: null, steps, window: WINDOW })
  ) {
    if (kind === "summary") break;
    const now = performance.now();
    if (last > 0) times.push(1000 * (now - last) / WINDOW);
    last = now;
  }
  return times.toSorted((a, b) => a - b)[WINDOWS >> 1]!;
}

for (const model of ["tiny", "small"]) {
  for (
    const [name, motion, promised] of [
      ["loop", 0, false],
      ["loop, frames promised", 0, true],
      ["loop and block matching", 3, false],
    ] as const
  ) {
    const us = await measure(model, motion, promised);
    console.log(`${model.padEnd(6)} ${name.padEnd(24)} ${us.toFixed(1).padStart(7)} us a step`);
  }
}
