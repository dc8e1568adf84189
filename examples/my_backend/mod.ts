/**
 * A backend of one's own: the three weight passes as plain loops; all else of a model is Saccade's.
 *
 * Run it: `saccade run --spec tiny --steps 50 --backend ./examples/my_backend/mod.ts`
 */
import { fromPasses, type Weights } from "@saccade/saccade";

type Values = Float32Array;
type Matrix = { w: Values; m: Values | undefined };

export default fromPasses({
  name: "mine",
  description: "plain loops in TypeScript",
  load({ units, hidden: H, inputs, outputs, momentum: mu = 0 }, weights) {
    const own: Weights = structuredClone(weights);
    const encoder: Matrix = { w: own.encoder, m: own.encoderMomentum };
    const decoder: Matrix = { w: own.decoder, m: own.decoderMomentum };
    const unitOf = [...outputs].flatMap((rows, u) => new Array<number>(rows).fill(u));

    /** The n weights from `row` on learn d times the values of x from `at` on. */
    function learn({ w, m }: Matrix, row: number, n: number, d: number, x: Values, at: number) {
      for (let j = 0; j < n; j++) {
        const term = d * x[at + j]! + (m === undefined ? 0 : mu * m[row + j]!);
        if (m !== undefined) m[row + j] = term;
        w[row + j]! += term;
      }
    }
    /** The n weights from `row` on times the values of x from `at` on. */
    function dot({ w }: Matrix, row: number, n: number, x: Values, at: number): number {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += w[row + j]! * x[at + j]!;
      return sum;
    }
    return {
      sendBack(errors, hidden, { learns, rates }, back) {
        back.fill(0);
        for (const [i, u] of unitOf.entries()) {
          const [row, at] = [i * (H + 1), u * (H + 1)];
          for (let j = 0; j < H; j++) back[at + j]! += decoder.w[row + j]! * errors[i]!;
          if (learns[u]) learn(decoder, row, H + 1, rates[u]! * errors[i]!, hidden, at);
        }
      },
      encode(deltas, past, { learns, rates }, next, out) {
        for (let u = 0, at = 0, row = 0; u < units; at += inputs[u++]!) {
          for (let i = u * H; i < (u + 1) * H; i++, row += inputs[u]!) {
            if (learns[u]) learn(encoder, row, inputs[u]!, rates[u]! * deltas[i]!, past, at);
            out[i] = dot(encoder, row, inputs[u]!, next, at);
          }
        }
      },
      decode(hidden, out) {
        unitOf.forEach((u, i) => out[i] = dot(decoder, i * (H + 1), H + 1, hidden, u * (H + 1)));
      },
      save(into) {
        for (const name of Object.keys(own) as (keyof Weights)[]) into[name]!.set(own[name]!);
      },
    };
  },
});
