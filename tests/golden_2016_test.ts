/** The reference against trajectories of the 2016 release. */
import { backend } from "../backends/reference/backend.ts";
import type { Session } from "../backends/backend.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { parseSpec } from "../model/parse_spec.ts";
import { frameLength, offsetsOf, type Plan, unitCount } from "../model/plan.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { golden, goldenFrame } from "./golden.ts";

/** Of the release; the last three were made with an independent program, for the release left no trajectories of them. */
const CASES = [
  "classic",
  "classic_fixedlat",
  "classic_logistic",
  "deep",
  "deep_fixedlat",
  "bias_free",
  "autoencoder",
  "autoencoder_two_steps",
];
const LIMITS = { f64: 1e-12, f32: 1e-5 } as const;

/** Puts the blocks of a layer's units where the release kept them: an array of the layer below's picture. */
class Picture {
  readonly values: Float64Array;
  constructor(readonly side: number, readonly block: number, readonly channels: number) {
    this.values = new Float64Array((side * block) ** 2 * channels);
  }
  set(row: number, column: number, values: Float64Array): void {
    const { block, channels, side } = this;
    for (let r = 0; r < block; r++) {
      const line = values.subarray(r * block * channels, (r + 1) * block * channels);
      this.values.set(line, ((row * block + r) * side + column) * block * channels);
    }
  }
}

/** What the release showed of each layer: predictions of the next signals, and hidden outputs. */
async function look(plan: Plan, shapes: readonly number[], session: Session) {
  const at = offsetsOf(plan);
  const H = plan.hidden;
  const hidden = new Float64Array(unitCount(plan) * H);
  const prediction = new Float64Array(at.output.at(-1)!);
  await session.read("hidden", hidden);
  await session.read("prediction", prediction);
  const h = Math.sqrt(H);
  const tile = plan.frame.width / shapes[0]!;
  const pictures = () =>
    shapes.map((_, l) =>
      l === 0 ? new Picture(shapes[0]!, tile, 3) : new Picture(shapes[l - 1]!, h, 1)
    );
  const [pred, pred2] = [pictures(), pictures()];
  const state = shapes.map((side) => new Picture(side, h, 1));
  for (const [l, side] of shapes.entries()) {
    const first = plan.layerStart[l]!;
    for (let i = 0; i < side * side; i++) {
      const u = first + i;
      state[l]!.set(Math.floor(i / side), i % side, hidden.subarray(u * H, (u + 1) * H));
      const out = prediction.subarray(at.output[u], at.output[u + 1]);
      const half = at.signal[u + 1]! - at.signal[u]!;
      for (const [k, to] of [pred, pred2].entries()) {
        if (out.length <= k * half) continue;
        if (l === 0) {
          to[0]!.set(Math.floor(i / side), i % side, out.subarray(k * half, (k + 1) * half));
          continue;
        }
        for (let run = plan.signal.start[u]!; run < plan.signal.start[u + 1]!; run++) {
          const child = (plan.signal.index[run]! - frameLength(plan)) / H - plan.layerStart[l - 1]!;
          const below = shapes[l - 1]!;
          const from = k * half + (run - plan.signal.start[u]!) * H;
          to[l]!.set(Math.floor(child / below), child % below, out.subarray(from, from + H));
        }
      }
    }
  }
  const values = (list: Picture[]) => list.map((picture) => picture.values);
  return { pred: values(pred), pred2: values(pred2), state: values(state) };
}

function worst(got: ArrayLike<number>, want: readonly number[]): number {
  assertEquals(got.length, want.length);
  return want.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
}

for (const name of CASES) {
  for (const precision of ["f64", "f32"] as const) {
    Deno.test(`the ${precision} reference follows the release: ${name}`, async () => {
      const data = golden(`lite_${name}`);
      const spec = parseSpec({
        ...data.options,
        lateral: data.variant.lateral_fixed ? "layer" : "legacy",
        activation: data.variant.logistic ? "logistic" : "polynomial",
      });
      const plan = compilePlan(spec);
      const side = plan.frame.width;
      assertEquals(goldenFrame(0, side).reduce((a, b) => a + b), data.frame0_sum);
      assertEquals(goldenFrame(7, side).reduce((a, b) => a + b), data.frame7_sum);
      await using device = await backend.open(precision);
      await using session = await device.load(plan, initialCheckpoint(plan, { precision }));
      const limit = LIMITS[precision];
      const check = (what: string, got: ArrayLike<number>, want: readonly number[]) => {
        const most = worst(got, want);
        assert(most <= limit, `${what} deviates by ${most}, more than ${limit}`);
      };
      for (let n = 0; n < data.steps; n++) {
        const seen = await look(plan, spec.layer_shapes, session);
        const frame = goldenFrame(n, side);
        const snap = data.snap[n];
        for (const [l] of spec.layer_shapes.entries()) {
          if (snap !== undefined) {
            check(`state of layer ${l} in step ${n}`, seen.state[l]!, snap.state[l]);
            check(`prediction of layer ${l} in step ${n}`, seen.pred[l]!, snap.pred[l]);
            if (snap.pred2) check(`second prediction of layer ${l}`, seen.pred2[l]!, snap.pred2[l]);
          }
          if (n + 1 < data.steps) {
            const target = l === 0 ? Array.from(frame, (v) => v / 255) : seen.state[l - 1]!;
            let sum = 0;
            for (let i = 0; i < target.length; i++) sum += Math.abs(seen.pred[l]![i]! - target[i]!);
            check(`adif of layer ${l} after step ${n}`, [sum / target.length], [
              data.adif[n + 1][l],
            ]);
          }
        }
        session.step({ frame });
      }
      const { tensors } = await session.save();
      const at = offsetsOf(plan);
      for (const [u, { primary }] of data.final_weights.entries()) {
        for (const [k, tensor] of (["encoder", "decoder"] as const).entries()) {
          const W = Array.from(tensors[tensor]!.subarray(at[tensor][u], at[tensor][u + 1]));
          const want = primary[k];
          assertEquals(W.length, want.shape[0] * want.shape[1]);
          check(`${tensor} of unit ${u}`, [W[0]!, W.at(-1)!], [want.first, want.last]);
          // A sum gathers the deviation of every weight in it.
          const sum = W.reduce((a, w) => a + w, 0);
          const squares = W.reduce((a, w) => a + w * w, 0);
          check(`mean of ${tensor} ${u}`, [sum / W.length], [want.sum / W.length]);
          check(`mean square of ${tensor} ${u}`, [squares / W.length], [want.sumsq / W.length]);
        }
      }
    });
  }
}
