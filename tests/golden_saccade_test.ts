/** The reference against trajectories of the rule "saccade". */
import { backend } from "../backends/reference/backend.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { parseSpec } from "../model/parse_spec.ts";
import { offsetsOf } from "../model/plan.ts";
import { motionCandidate } from "../runtime/motion.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { golden, goldenFrame } from "./golden.ts";

/** Limits of learning-rule, Tolerances. */
const LIMITS: Record<string, Record<string, number>> = {
  saccade_tiny: { f64: 1e-12, f32: 1e-5 },
  saccade_motion: { f64: 1e-12, f32: 5e-5 },
};

/** Frame t of the sequence: a still stretch, and a constant first tile (field `frames` of the files). */
function picture(t: number, side: number, tile: number): Uint8Array {
  const frame = goldenFrame(t < 25 ? t : t < 29 ? 24 : t - 4, side);
  for (let r = 0; r < tile; r++) {
    frame.fill(t < 10 ? 100 : 101, r * side * 3, (r * side + tile) * 3);
  }
  return frame;
}

for (const [name, limits] of Object.entries(LIMITS)) {
  for (const [precision, limit] of Object.entries(limits)) {
    Deno.test(`the ${precision} reference follows ${name}`, async () => {
      const data = golden(name);
      const spec = parseSpec({ ...data.options, readout_block_size: [1, 1, 1, 1] });
      const plan = compilePlan(spec);
      const at = offsetsOf(plan);
      const side = plan.frame.width;
      const Values = precision === "f64" ? Float64Array : Float32Array;
      await using device = await backend.open(precision);
      const start = initialCheckpoint(plan, { precision: precision as "f64" | "f32" });
      await using session = await device.load(plan, start);
      const check = (what: string, got: ArrayLike<number>, want: readonly number[]) => {
        assertEquals(got.length, want.length, what);
        for (const [i, value] of want.entries()) {
          const off = Math.abs(got[i]! - value) / Math.max(1, Math.abs(value));
          assert(off <= limit, `${what}[${i}]: ${got[i]} for ${value}, off by ${off}`);
        }
      };
      let last = new Values(side * side * 3);
      for (let t = 0; t < data.steps; t++) {
        const frame = picture(t, side, spec.input_block_size);
        const values = new Values(Array.from(frame, (byte) => byte / 255));
        const external = new Values(plan.external.motion);
        if (t > 0 && spec.motion > 0) {
          motionCandidate(values, last, plan.frame, spec.motion, external);
        }
        last = values;
        session.step({ frame, external }, { learn: t < data.learning_off_from });
        const { mse } = await session.report();
        check(`errors of step ${t}`, mse, data.errors[t].map((pair: number[]) => pair[0]));
        const snap = data.snap[t];
        if (snap === undefined) continue;
        const { tensors } = await session.save();
        check(`hidden of step ${t}`, tensors["published"]!, snap.hidden.flat());
        check(`prediction of step ${t}`, tensors["prediction"]!, snap.prediction.flat());
        check(`s of step ${t}`, tensors["scale"]!, snap.s);
        check(`v of step ${t}`, tensors["variance"]!, snap.v);
        check(`Q of step ${t}`, tensors["power"]!, snap.Q);
        const w = tensors["combiner.weights"]!;
        check(`w_z of step ${t}`, w.filter((_, i) => i % 2 === 0), snap.w_z);
        check(`w_m of step ${t}`, w.filter((_, i) => i % 2 === 1), snap.w_m);
        for (const [u, x] of Object.entries<number[]>(snap.x)) {
          const begin = at.input[Number(u)]!;
          check(
            `x of unit ${u}, step ${t}`,
            tensors["input"]!.subarray(begin, begin + x.length),
            x,
          );
        }
      }
      const { tensors } = await session.save();
      for (const [u, matrices] of data.final_weights.entries()) {
        for (const tensor of ["encoder", "decoder"] as const) {
          const W = Array.from(tensors[tensor]!.subarray(at[tensor][u], at[tensor][u + 1]));
          const want = matrices[tensor];
          assertEquals(W.length, want.shape[0] * want.shape[1]);
          const what = `${tensor} of unit ${u}`;
          check(what, [W[0]!, W.at(-1)!], [want.first, want.last]);
          // Deviations add up in a sum: the limit is that of a weight.
          const mean = (sum: number) => sum / W.length;
          check(what, [mean(W.reduce((a, w) => a + w, 0))], [mean(want.sum)]);
          check(what, [mean(W.reduce((a, w) => a + w * w, 0))], [mean(want.sumsq)]);
        }
      }
    });
  }
}
