/** The example in C against the definition of the three passes. */
import { compileC, EXAMPLE } from "../../tests/compile_c.ts";
import { deviation } from "../../conformance/tolerance.ts";
import { needing } from "../../tests/needs.ts";
import { Folder } from "../../tests/program.ts";
import { proveConformance } from "../../conformance/mod.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { API_VERSION } from "../backend.ts";
import type { Learning, Shapes, Weights } from "../passes/engine.ts";
import { type Matrix, product, transposed, update } from "../reference/passes.ts";
import { nativeBackend } from "./backend.ts";
import { nativeEngine } from "./engine.ts";

const TRAITS = { name: "example", description: "plain loops in C" };

/** Values between -1 and 1 that follow from a seed. */
function values(length: number, seed: number): Float32Array {
  let state = seed * 2654435761 | 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  });
}

const total = (lengths: ArrayLike<number>, times: number) =>
  Array.from(lengths).reduce((sum, n) => sum + n * times, 0);

/** A copy of everything in weights. */
function copied(weights: Weights): Weights {
  const entries = Object.entries(weights).map(([name, array]) => [name, array.slice()]);
  return Object.fromEntries(entries) as unknown as Weights;
}

/** The three passes as the reference does them, over weights that it changes. */
class Definition {
  readonly #shapes: Shapes;
  readonly #weights: Weights;

  constructor(shapes: Shapes, weights: Weights) {
    this.#shapes = shapes;
    this.#weights = weights;
  }

  #matrix(name: "encoder" | "decoder", begin: number, length: number): Matrix {
    const momentum = this.#weights[`${name}Momentum`]?.subarray(begin, begin + length);
    const weights = this.#weights[name].subarray(begin, begin + length);
    return { weights, ...(momentum === undefined ? {} : { momentum }) };
  }

  /** Visits each unit with its decoder: rows, first row, and the place of its hidden values. */
  #decoders(visit: (u: number, matrix: Matrix, row: number, rows: number) => void): void {
    const { outputs, hidden } = this.#shapes;
    for (let u = 0, row = 0; u < outputs.length; row += outputs[u++]!) {
      const n = hidden + 1;
      visit(u, this.#matrix("decoder", row * n, outputs[u]! * n), row, outputs[u]!);
    }
  }

  sendBack(errors: Float32Array, hidden: Float32Array, { learns, rates }: Learning) {
    const { hidden: H, momentum: mu = 0 } = this.#shapes;
    const back = new Float32Array(hidden.length);
    this.#decoders((u, matrix, row, rows) => {
      const e = errors.subarray(row, row + rows);
      const h = hidden.subarray(u * (H + 1), (u + 1) * (H + 1));
      transposed(matrix, e, back.subarray(u * (H + 1), u * (H + 1) + H));
      if (learns[u] === 1) update(matrix, rates[u]!, mu, e, h);
    });
    return back;
  }

  encode(
    deltas: Float32Array,
    inputs: Float32Array,
    { learns, rates }: Learning,
    next: Float32Array,
  ) {
    const { hidden: H, inputs: columns, momentum: mu = 0 } = this.#shapes;
    const out = new Float32Array(deltas.length);
    for (let u = 0, at = 0; u < columns.length; at += columns[u++]!) {
      const n = columns[u]!;
      const matrix = this.#matrix("encoder", H * at, H * n);
      const d = deltas.subarray(u * H, (u + 1) * H);
      if (learns[u] === 1) update(matrix, rates[u]!, mu, d, inputs.subarray(at, at + n));
      product(matrix, next.subarray(at, at + n), out.subarray(u * H, (u + 1) * H));
    }
    return out;
  }

  decode(hidden: Float32Array) {
    const H = this.#shapes.hidden;
    const out = new Float32Array(total(this.#shapes.outputs, 1));
    this.#decoders((u, matrix, row, rows) => {
      product(
        matrix,
        hidden.subarray(u * (H + 1), (u + 1) * (H + 1)),
        out.subarray(row, row + rows),
      );
    });
    return out;
  }
}

const SHAPES: readonly Shapes[] = [
  { units: 1, hidden: 1, inputs: Uint32Array.of(1), outputs: Uint32Array.of(1) },
  { units: 1, hidden: 7, inputs: Uint32Array.of(13), outputs: Uint32Array.of(5) },
  { units: 3, hidden: 4, inputs: Uint32Array.of(9, 1, 6), outputs: Uint32Array.of(2, 11, 3) },
];

for (const momentum of [undefined, 0.5]) {
  await needing(
    ["cc"],
    `the example in C does the passes ${momentum === undefined ? "without" : "with"} momentum`,
    async () => {
      await using folder = new Folder();
      const engine = nativeEngine(await compileC(EXAMPLE, folder.file("lib.so")), TRAITS, 0);
      for (const plain of SHAPES) {
        const shapes = momentum === undefined ? plain : { ...plain, momentum };
        const { units, hidden: H, inputs, outputs } = shapes;
        const [encoders, decoders] = [total(inputs, H), total(outputs, H + 1)];
        const weights: Weights = {
          encoder: values(encoders, 1),
          decoder: values(decoders, 2),
          ...(momentum === undefined ? {} : {
            encoderMomentum: values(encoders, 3),
            decoderMomentum: values(decoders, 4),
          }),
        };
        const expected = copied(weights);
        const definition = new Definition(shapes, expected);
        const passes = await engine.load(shapes, weights);
        // The weights were copied: these are no longer looked at.
        const got = copied(weights);
        for (const array of Object.values(weights)) array.fill(NaN);
        const learning = {
          learns: Uint8Array.from({ length: units }, (_, u) => Number(u !== 1)),
          rates: values(units, 5),
        };
        for (let step = 0; step < 3; step++) {
          const errors = values(total(outputs, 1), 10 * step);
          const h = values(units * (H + 1), 10 * step + 1);
          const back = new Float32Array(units * (H + 1));
          passes.sendBack(errors, h, learning, back);
          const want = definition.sendBack(errors, h, learning);
          // That of the bias is not looked at.
          for (let u = 0; u < units; u++) back[u * (H + 1) + H] = want[u * (H + 1) + H] = 0;
          assert(deviation(back, want) < 1e-6, `sendBack of step ${step}`);

          const [d, x, next] = [values(units * H, 10 * step + 2)].concat(
            [3, 4].map((seed) => values(total(inputs, 1), 10 * step + seed)),
          ) as [Float32Array, Float32Array, Float32Array];
          const out = new Float32Array(units * H);
          passes.encode(d, x, learning, next, out);
          assert(deviation(out, definition.encode(d, x, learning, next)) < 1e-6, `encode ${step}`);

          const z = new Float32Array(total(outputs, 1));
          passes.decode(h, z);
          assert(deviation(z, definition.decode(h)) < 1e-6, `decode of step ${step}`);
        }
        await passes.save(got);
        for (const name of Object.keys(expected) as (keyof Weights)[]) {
          assert(deviation(got[name]!, expected[name]!) < 1e-6, `${name} of ${units} units`);
        }
        await passes.dispose?.();
      }
    },
  );
}

await needing(["cc"], "an engine says what stands against matrices, and why it fails", async () => {
  await using folder = new Folder();
  const picky = await compileC(
    `#include "${EXAMPLE}"
#include <stdio.h>
static int open_devices = 0;
saccade_status saccade_open(uint32_t device, uint32_t threads, saccade_device **opened) {
  if (device > 0 || threads == 7) return error = "It cannot count to seven", SACCADE_TOO_BIG;
  open_devices++;
  return *opened = (saccade_device *)&open_devices, SACCADE_OK;
}
void saccade_close(saccade_device *device) { --*(int *)device; }
saccade_status saccade_passes_accept(saccade_device *d, const saccade_shapes *s, char *reasons, uint64_t capacity) {
  if (s->hidden < 100 && *(int *)d == 1) return SACCADE_OK;
  snprintf(reasons, capacity, "It has room for 99 hidden outputs\\nIt is Sunday");
  return SACCADE_REFUSED;
}
`,
    folder.file("picky.so"),
  );
  const engine = nativeEngine(picky, TRAITS, 0);
  assertEquals(engine.refuses!(SHAPES[0]!), []);
  const wide = { ...SHAPES[0]!, hidden: 100 };
  assertEquals(engine.refuses!(wide), ["It has room for 99 hidden outputs", "It is Sunday"]);
  const unlucky = nativeEngine(picky, TRAITS, 7);
  const weights = { encoder: values(1, 1), decoder: values(2, 2) };
  let said = "";
  try {
    await unlucky.load(SHAPES[0]!, weights);
  } catch (error) {
    assert(error instanceof RangeError);
    said = error.message;
  }
  assertEquals(said, "It cannot count to seven");
});

await needing(["cc"], "the example in C is conformant", async () => {
  await using folder = new Folder();
  const backend = await nativeBackend(await compileC(EXAMPLE, folder.file("lib.so")));
  assertEquals([backend.name, backend.apiVersion], ["example", API_VERSION]);
  const { conformant, results } = await proveConformance(backend, { runs: 5 });
  assert(conformant, JSON.stringify(results.filter(({ outcome }) => outcome === "failed")));
  const passed = results.filter(({ outcome }) => outcome === "passed");
  assert(passed.length > 25, `${passed.length} properties were looked at`);
});
