/** How weights stored in 16 bits learn. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { fromHalf, toHalf, toHalfByChance } from "../../model/half.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { noise } from "../../model/noise.ts";
import { offsetsOf, type Plan } from "../../model/plan.ts";
import { assert } from "../../std_assert.ts";
import { ALL_LEARN, inputs } from "../../tests/agreement.ts";
import { deviation } from "../../conformance/tolerance.ts";
import { needing } from "../../tests/needs.ts";
import { referenceBackend } from "../reference/backend.ts";
import { product, transposed, update } from "../reference/passes.ts";
import { webgpuBackend } from "./backend.ts";

/** The reference with weights rounded by chance after every update. */
function referenceF16(plan: Plan, clock: { step: number }) {
  const at = offsetsOf(plan);
  return referenceBackend("f16", {
    transposed,
    product,
    update(matrix, rate, mu, d, x, bias) {
      update(matrix, rate, mu, d, x, bias);
      const isDecoder = bias !== undefined;
      const begins = isDecoder ? at.decoder : at.encoder;
      const unit = begins.indexOf(matrix.weights.byteOffset / 4);
      const of = { seed: plan.seed, step: clock.step, unit, matrix: isDecoder ? 1 : 0 } as const;
      const columns = matrix.weights.length / d.length;
      for (let row = 0; row < d.length; row++) {
        for (let column = 0; column < columns; column++) {
          const i = row * columns + column;
          const word = noise(of, row, column);
          matrix.weights[i] = fromHalf(toHalfByChance(matrix.weights[i]!, word));
        }
      }
    },
  });
}

for (const rule of ["saccade", "2016"] as const) {
  await needing(
    ["gpu"],
    `webgpu:f16 learns as the reference with rounded weights: ${rule}`,
    async () => {
      const fields = rule === "2016"
        ? { ...ALL_LEARN, initial_learning_rate: 0.02 }
        : { motion: 0 };
      const plan = compilePlan(builtinSpec("tiny", { rule, fields }));
      const initial = initialCheckpoint(plan);
      const tensors = { ...initial.tensors };
      for (const name of ["encoder", "decoder"]) {
        tensors[name] = tensors[name]!.map((weight) => fromHalf(toHalf(weight)));
      }
      const clock = { step: 0 };
      await using device = await webgpuBackend().open("f16");
      await using other = await referenceF16(plan, clock).open("f32");
      await using a = await device.load(plan, initial);
      await using b = await other.load(plan, { ...initial, tensors });
      for (const input of inputs(plan, 10)) {
        await a.step(input);
        await b.step(input);
        clock.step++;
      }
      const [got, want] = [(await a.save()).tensors, (await b.save()).tensors];
      for (const name of ["encoder", "decoder"]) {
        // Where sums differ in their last bits a weight falls on the other side of its noise, now and then.
        let same = 0;
        let moved = 0;
        for (const [i, weight] of want[name]!.entries()) {
          same += Number(weight === got[name]![i]);
          moved += Number(weight !== tensors[name]![i]);
        }
        const total = want[name]!.length;
        assert(moved > 0.2 * total, `${name}: ${moved} of ${total} weights moved`);
        assert(same > 0.98 * total, `${name}: ${same} of ${total} weights are the same`);
      }
      const off = deviation(got["prediction"]!, want["prediction"]!);
      assert(off < 5e-3, `prediction deviates by ${off}`);
    },
  );
}
