/** Every rung of the ladder against the reference. */
import { wasmBackend } from "../../backends/wasm/backend.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { assert } from "../../std_assert.ts";
import { deviationOf, ladderPlan, referenceState, sceneFrames, TOLERANCE } from "./check.ts";
import { RUNGS } from "./rungs.ts";

const STEPS = 4;
const plan = ladderPlan("tiny");
const checkpoint = initialCheckpoint(plan);
const frames = sceneFrames(plan, STEPS);
const want = referenceState(plan, checkpoint, frames);
const relaxed = (await wasmBackend().probe()).some(({ id }) => id === "relaxed");

for (const [number, { name, open }] of RUNGS.entries()) {
  Deno.test({
    name: `rung ${number}, ${name}, agrees with the reference: tiny, ${STEPS} learning steps`,
    ignore: !relaxed,
    fn: async () => {
      await using runner = await open(plan, checkpoint, 2);
      const { most, tensor } = await deviationOf(runner, frames, want);
      assert(most <= TOLERANCE, `${tensor} deviates by ${most}, more than ${TOLERANCE}`);
    },
  });
}
