/** Weights of codebooks on the kernels, beside the definition: both rules, odd sizes, masks, every package. */
import { deviation } from "../../conformance/tolerance.ts";
import { missingFor, PACKAGES } from "../../kernels/load.ts";
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { type Plan, weightCount } from "../../model/plan.ts";
import type { RuleName } from "../../model/spec.ts";
import { type Blocks, eachBlock, eachWeight } from "../../model/weight_blocks.ts";
import {
  type CodebookFormat,
  matricesOf,
  roundToFormat,
  weightBytes,
} from "../../model/weight_format.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { ALL_LEARN, inputs } from "../../tests/agreement.ts";
import type { Backend } from "../backend.ts";
import { backend as reference } from "../reference/backend.ts";
import { wasmBackend } from "./backend.ts";

const FORMATS = ["codebook4", "codebook2"] as const;
const RULES = ["saccade", "2016"] as const;

interface Case {
  readonly rule: RuleName;
  readonly format: CodebookFormat;
  readonly spec?: string;
  readonly blocks?: Blocks;
  readonly fields?: Readonly<Record<string, unknown>>;
}

function specOf({ rule, format, spec = "tiny", fields }: Case) {
  // At a rate that moves weights of two bits, too.
  const learning = { ...ALL_LEARN, initial_learning_rate: 0.3 };
  return builtinSpec(spec, {
    rule,
    fields: { ...(rule === "2016" ? learning : { motion: 0 }), ...fields, format },
  });
}

/** A model of which every third block is pruned, where there are blocks. */
function planOf(given: Case): Plan {
  const plan = compilePlan(specOf(given));
  const { blocks } = given;
  if (blocks === undefined) return plan;
  const { encoder, decoder } = initialCheckpoint(plan).tensors;
  const mask = {
    encoder: new Uint8Array(encoder!.length).fill(1),
    decoder: new Uint8Array(decoder!.length).fill(1),
  };
  let count = 0;
  for (const place of matricesOf(plan)) {
    eachBlock(place, blocks, (row, column) => {
      if (count++ % 3 > 0) return;
      eachWeight(place, blocks, row, column, (at) => mask[place.name][at] = 0);
    });
  }
  return { ...plan, mask };
}

/** A model whose matrices have weights of every size, decoders too. */
function begin(plan: Plan): Checkpoint {
  const first = initialCheckpoint(plan);
  const tensors = { ...first.tensors };
  delete tensors["encoder.codebook"];
  delete tensors["decoder.codebook"];
  for (const name of ["encoder", "decoder"] as const) {
    tensors[name] = tensors[name]!.map((weight, i) => weight + 0.02 * Math.sin(1.7 * i));
  }
  return { ...first, tensors: roundToFormat(plan, tensors) };
}

/** Runs frames `from` to `to`. */
async function goOn(
  plan: Plan,
  state: Checkpoint,
  [from, to]: readonly [number, number],
  { backend = wasmBackend({ threads: 1 }) as Backend, id = "strict", learn = true } = {},
) {
  await using device = await backend.open(id);
  await using session = await device.load(plan, state);
  for (const input of inputs(plan, to).slice(from)) await session.step(input, { learn });
  const { bytesRead, bytesWritten } = await session.report();
  return { state: await session.save(), bytesRead, bytesWritten, memory: session.memory() };
}

/** Weights that moved from one centroid to another, and those that did in one of the two only. */
function moves(plan: Plan, before: Checkpoint, got: Checkpoint, want: Checkpoint) {
  let [moved, other] = [0, 0];
  const size = want.tensors["encoder.codebook"]!.length / plan.inputs.length;
  for (const { name, unit, begin, rows, columns } of matricesOf(plan)) {
    const [a, b, c] = [before, got, want].map(({ tensors }) => {
      const book = tensors[`${name}.codebook`]!.subarray(unit * size, (unit + 1) * size);
      return new Map(Array.from(book, (centroid, k) => [centroid, k]));
    });
    for (let at = begin; at < begin + rows * columns; at++) {
      if (plan.mask?.[name][at] === 0) {
        if (got.tensors[name]![at] !== 0) other++;
        continue;
      }
      const mine = b!.get(got.tensors[name]![at]!);
      const wanted = c!.get(want.tensors[name]![at]!);
      assert(mine !== undefined, `${name} ${unit} has a weight that is not in its codebook`);
      if (wanted !== a!.get(before.tensors[name]![at]!)) moved++;
      if (wanted !== mine) other++;
    }
  }
  return { moved, other };
}

/** Makes each of many steps from the state of the reference, and compares what was learned in it. */
async function compareSteps(given: Case, id: string, steps = 22): Promise<number> {
  const plan = planOf(given);
  const frames = inputs(plan, 3 + steps);
  await using definition = await reference.open("f32");
  await using device = await wasmBackend({ threads: 1 }).open(id);
  await using defined = await definition.load(plan, begin(plan));
  for (const frame of frames.slice(0, 3)) await defined.step(frame);
  let [moved, other] = [0, 0];
  for (const [n, frame] of frames.slice(3).entries()) {
    const before = await defined.save();
    await using session = await device.load(plan, before);
    session.step(frame);
    await defined.step(frame);
    const [got, want] = [await session.save(), await defined.save()];
    const count = moves(plan, before, got, want);
    moved += count.moved;
    other += count.other;
    for (const name of ["encoder.codebook", "decoder.codebook", "prediction", "hidden"]) {
      const off = deviation(got.tensors[name]!, want.tensors[name]!);
      // What moved elsewhere may be multiplied at once.
      const limit = name.endsWith("codebook") || count.other === 0 ? 2e-5 : 0.2;
      assert(off <= limit, `"${name}" deviates by ${off} in step ${n + 3}`);
    }
  }
  assert(other <= 2 + moved / 500, `${other} weights are elsewhere, ${moved} moved`);
  return moved;
}

const MASKS: readonly (Blocks | undefined)[] = [
  undefined,
  { rows: 1, columns: 8 },
  { rows: 4, columns: 4 },
  { rows: 3, columns: 5 },
];

for (const rule of RULES) {
  for (const format of FORMATS) {
    for (const blocks of MASKS) {
      const pruned = blocks === undefined ? "" : `, blocks of ${blocks.rows}x${blocks.columns}`;
      Deno.test(`wasm learns ${format} as the reference does, step by step: rule ${rule}${pruned}`, async () => {
        const fields = { layer_shapes: [3, 2], readout_block_size: [1, 1] };
        const moved = await compareSteps(
          { rule, format, fields, ...(blocks === undefined ? {} : { blocks }) },
          missingFor("relaxed") === null ? "relaxed" : "single",
        );
        const least = format === "codebook4" ? 500 : rule === "saccade" ? 20 : 4;
        assert(moved > least, `only ${moved} weights moved`);
      });
    }
    for (const id of PACKAGES) {
      Deno.test({
        name: `wasm:${id} learns ${format} in matrices of odd sizes: rule ${rule}`,
        ignore: missingFor(id) !== null,
        fn: async () => {
          const odd = { hidden_block_size: 3, input_block_size: 3, layer_shapes: [3, 1] };
          const single = { hidden_block_size: 1, input_block_size: 7, layer_shapes: [1] };
          for (const fields of [odd, single]) {
            const readout = { readout_block_size: fields.layer_shapes.map(() => 1) };
            await compareSteps({ rule, format, fields: { ...fields, ...readout } }, id);
          }
        },
      });
    }
  }
}

Deno.test("rule 2016 learns codebooks with all its options as the reference does", async () => {
  for (
    const fields of [
      { predict_two_steps: true, normalize_output: true, use_integral: false },
      { activation: "logistic", bias_free: true, autoencoder: true },
    ]
  ) {
    const small = { layer_shapes: [3, 2], readout_block_size: [1, 1] };
    const given = { rule: "2016", format: "codebook4", fields: { ...small, ...fields } } as const;
    await compareSteps(given, "strict");
  }
});

for (const format of FORMATS) {
  for (const blocks of [undefined, { rows: 1, columns: 8 }]) {
    const given = { format, ...(blocks === undefined ? {} : { blocks }) };
    Deno.test(`${format}${blocks === undefined ? "" : ", pruned"}: threads change nothing, an interrupted run goes on bit for bit`, async () => {
      for (const rule of RULES) {
        const plan = planOf({ ...given, rule });
        const whole = (await goOn(plan, begin(plan), [0, 24])).state;
        const half = (await goOn(plan, begin(plan), [0, 11])).state;
        assertEquals((await goOn(plan, half, [11, 24])).state, whole);
        for (const threads of [2, 4]) {
          const backend = wasmBackend({ threads });
          assertEquals((await goOn(plan, begin(plan), [0, 24], { backend })).state, whole);
        }
        const deferring = { ...plan, defer: { every: 4, window: 0 } };
        assertEquals((await goOn(deferring, begin(plan), [0, 24])).state, whole);
        const { state } = await goOn(plan, whole, [24, 27], { learn: false });
        for (const name of ["encoder", "decoder", "encoder.codebook", "decoder.codebook"]) {
          assertEquals(state.tensors[name], whole.tensors[name], name);
        }
      }
    });
  }
  Deno.test(`${format}: what a step moves and what memory holds is what the plan says`, async () => {
    const plan = planOf({ rule: "saccade", format, spec: "small" });
    const bytes = weightCount(plan) * weightBytes(format);
    const within = (got: number, want: number, what: string) =>
      assert(Math.abs(got / want - 1) < 0.05, `${what}: ${got} instead of ${want}`);
    const taught = await goOn(plan, { ...begin(plan), step: 2 }, [2, 3]);
    within(taught.bytesRead, bytes, "read");
    // A byte or less for each of the few that move.
    assert(taught.bytesWritten > 0 && taught.bytesWritten < bytes / 100, `${taught.bytesWritten}`);
    within(taught.memory.weights, bytes, "weights");
    const still = await goOn(plan, begin(plan), [2, 3], { learn: false });
    within(still.bytesRead, bytes, "read while it rests");
    assertEquals(still.bytesWritten, 0);
  });
}
