/** The three weight passes and the activations of rule 2016 against single networks of the release. */
import { product, transposed, update } from "../backends/reference/passes.ts";
import { activation, slope } from "../backends/reference/rule_2016.ts";
import { weightSource } from "../model/initialise.ts";
import type { Rule2016 } from "../model/plan.ts";
import { assert } from "../std_assert.ts";
import { golden } from "./golden.ts";

interface Network {
  dims: number[];
  activation: "poly" | "logistic";
  momentum: number;
  bias: 0 | 1;
  eta: number;
  weight_seed: number;
  steps: { input: number[]; target: number[]; output: number[]; hidden: number[] }[];
  /** The matrices, or of large ones their sums. */
  final: (number[] | { sum: number; sumsq: number })[];
}

/** The matrix as the release drew it, stored outputs x inputs. */
function draw(seed: number, inputs: number, outputs: number): Float64Array {
  const next = weightSource(seed);
  const W = new Float64Array(inputs * outputs);
  const scale = 2 / Math.sqrt(inputs - 1);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) W[j * inputs + i] = next() * scale;
  }
  return W;
}

const networks: Network[] = golden("lite_mlp");
for (const net of networks.filter((net) => net.dims.length === 3)) {
  Deno.test(`the weight passes follow the release: ${net.dims.join("-")}, ${net.activation}, bias ${net.bias}`, () => {
    const rule = {
      activation: net.activation === "poly" ? "polynomial" : "logistic",
    } as Rule2016;
    const [inputs, H, outputs] = net.dims as [number, number, number];
    const matrix = (seed: number, rows: number, columns: number) => ({
      weights: draw(seed, columns, rows),
      momentum: new Float64Array(rows * columns),
    });
    const encoder = matrix(net.weight_seed, H, inputs + 1);
    const decoder = matrix(net.weight_seed + 1, outputs, H + 1);
    const near = (got: ArrayLike<number>, want: number[], what: string) => {
      for (let i = 0; i < got.length; i++) {
        assert(Math.abs(got[i]! - want[i]!) < 1e-12, `${what}[${i}]: ${got[i]} for ${want[i]}`);
      }
    };
    for (const step of net.steps) {
      const x = Float64Array.from(step.input);
      const h = new Float64Array(H);
      const out = new Float64Array(outputs);
      product(encoder, x, h, net.bias);
      h.set(h.map((z) => activation(rule, z)));
      product(decoder, h, out, net.bias);
      out.set(out.map((z) => activation(rule, z)));
      near(h, step.hidden, "hidden");
      near(out, step.output, "output");
      const dz = out.map((a, i) => (step.target[i]! - a) * slope(rule, a));
      const dh = new Float64Array(H);
      transposed(decoder, dz, dh);
      dh.set(dh.map((d, j) => d * slope(rule, h[j]!)));
      update(decoder, net.eta, net.momentum, dz, h, net.bias);
      update(encoder, net.eta, net.momentum, dh, x, net.bias);
    }
    for (const [k, { weights }] of [encoder, decoder].entries()) {
      const rows = k === 0 ? H : outputs;
      const columns = weights.length / rows;
      const stored = Array.from(
        weights,
        (_, i) => weights[i % rows * columns + Math.floor(i / rows)]!,
      );
      const want = net.final[k]!;
      if (Array.isArray(want)) {
        near(stored, want, k === 0 ? "encoder" : "decoder");
      } else {
        const sum = stored.reduce((a, w) => a + w, 0);
        const squares = stored.reduce((a, w) => a + w * w, 0);
        near([sum, squares], [want.sum, want.sumsq], "sums");
      }
    }
  });
}
