import { initialCheckpoint } from "../../model/initialise.ts";
import { needing } from "../../tests/needs.ts";
import { assert } from "../../std_assert.ts";
import { exportModel } from "./export.ts";
import { numpyOf } from "./install.ts";
import { Peer } from "./peer.ts";
import { tinyInput, tinyPlan } from "./tiny_model.ts";
import { agrees, deviationOf, expect, VERIFY_STEPS } from "./verify.ts";

const cases = [
  ["2016", 1, "chunks"],
  ["2016", 2, "chunks"],
  ["saccade", 1, "chunks"],
  ["2016", 1, "einsum"],
  ["saccade", 1, "einsum"],
] as const;

for (const [rule, threads, passes] of cases) {
  const name =
    `numpy runs the step of the reference: rule ${rule}, threads ${threads}, passes by ${passes}`;
  await needing(["numpy"], name, async () => {
    const plan = tinyPlan(rule);
    const input = tinyInput(plan);
    const folder = await Deno.makeTempDir();
    try {
      await exportModel(plan, initialCheckpoint(plan), input, folder);
      await using peer = await Peer.start(numpyOf("python3", passes).program(folder, threads));
      const verified = await peer.verify(VERIFY_STEPS, `${folder}/out.bin`);
      const bytes = await Deno.readFile(`${folder}/out.bin`);
      const off = deviationOf(plan, await expect(plan, input), verified, bytes);
      assert(agrees(off), `numpy deviates by ${JSON.stringify(off)}`);
      const { steps, ms } = await peer.time(1);
      assert(steps >= 3 && ms > 0, "it did not step");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
