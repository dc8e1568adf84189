/** Weights of codebooks on the kernels, beside the definition: both rules, odd sizes, masks, every package. */
import { deviation } from "../../conformance/tolerance.ts";
import { missingFor, PACKAGES } from "../../kernels/load.ts";
import { codebookFault } from "../../model/check_codebooks.ts";
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import type { Plan } from "../../model/plan.ts";
import { denseCheckpoint } from "../../model/pairs.ts";
import type { RuleName } from "../../model/spec.ts";
import { type Blocks, eachBlock, eachWeight } from "../../model/weight_blocks.ts";
import {
  type CodebookFormat,
  matricesOf,
  readBytes,
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
const BOOKS = ["encoder", "decoder"].flatMap((name) => [`${name}.codebook`, `${name}.scale`]);

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
  for (const name of BOOKS) delete tensors[name];
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

/** Masters that learned, and those that are not what the reference has: a term may fall on the other side of its noise. */
function moves(plan: Plan, before: Checkpoint, got: Checkpoint, want: Checkpoint) {
  let [moved, other] = [0, 0];
  for (const name of ["encoder", "decoder"] as const) {
    for (const [at, wanted] of want.tensors[name]!.entries()) {
      const mine = got.tensors[name]![at]!;
      if (plan.mask?.[name][at] === 0) {
        if (mine !== 0) other++;
        continue;
      }
      if (wanted !== before.tensors[name]![at]) moved++;
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
  // Between these steps it is each unit's turn to have its centroids follow.
  await using defined = await definition.load(plan, { ...begin(plan), step: 50 });
  for (const frame of frames.slice(0, 3)) await defined.step(frame);
  let [moved, other, followed] = [0, 0, 0];
  for (const [n, frame] of frames.slice(3).entries()) {
    const before = await defined.save();
    await using session = await device.load(plan, before);
    session.step(frame);
    await defined.step(frame);
    const [got, want] = [await session.save(), await defined.save()];
    const fault = codebookFault(plan, got.tensors);
    assert(fault === undefined, fault);
    const count = moves(plan, before, got, want);
    moved += count.moved;
    other += count.other;
    for (const name of BOOKS) {
      const books = want.tensors[name]!;
      followed += books.filter((value, k) => value !== before.tensors[name]![k]).length;
      if (count.other === 0) assertEquals(got.tensors[name], books, `${name} in step ${n + 3}`);
    }
    for (const name of ["prediction", "hidden"]) {
      const off = deviation(got.tensors[name]!, want.tensors[name]!);
      // What moved elsewhere may be multiplied at once.
      const limit = count.other === 0 ? 2e-5 : 0.2;
      assert(off <= limit, `"${name}" deviates by ${off} in step ${n + 3}`);
    }
  }
  assert(other <= 2 + moved / 500, `${other} weights are elsewhere, ${moved} moved`);
  assert(followed > 0, "no centroid followed its weights");
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
        assert(moved > 5000, `only ${moved} weights moved`);
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
        if (blocks !== undefined) {
          const deferring = { ...plan, defer: { every: 4, window: 0 } };
          assertEquals((await goOn(deferring, begin(plan), [0, 24])).state, whole);
        }
        const { state } = await goOn(plan, whole, [24, 27], { learn: false });
        for (const name of ["encoder", "decoder", ...BOOKS]) {
          assertEquals(state.tensors[name], whole.tensors[name], name);
        }
      }
    });
  }
  Deno.test(`${format}, deferred: every update by itself is what learning at once is`, async () => {
    for (const rule of RULES) {
      const plan = planOf({ rule, format });
      const each = { ...plan, defer: { every: 1, window: 0 } };
      // Long enough for the centroids of every unit to follow.
      const first = { ...begin(plan), step: 40 };
      let [moved, other] = [0, 0];
      let want = (await goOn(plan, first, [0, 3])).state;
      for (let n = 3; n < 30; n += 3) {
        const before = want;
        const got = (await goOn(each, before, [n, n + 3])).state;
        want = (await goOn(plan, before, [n, n + 3])).state;
        const { tensors, step } = denseCheckpoint(plan, got);
        const count = moves(plan, before, { ...want, tensors, step }, want);
        moved += count.moved;
        other += count.other;
        for (const name of count.other === 0 ? BOOKS : []) {
          assertEquals(tensors[name], want.tensors[name], name);
        }
      }
      assert(moved > 1000 && other <= moved / 50, `${other} are elsewhere, ${moved} moved`);
    }
  });
  Deno.test(`${format}, deferred: an interrupted run goes on bit for bit, elsewhere in its codebooks`, async () => {
    for (const rule of RULES) {
      const plan = { ...planOf({ rule, format }), defer: { every: 4, window: 0 } };
      const whole = (await goOn(plan, begin(plan), [0, 24])).state;
      const half = (await goOn(plan, begin(plan), [0, 11])).state;
      assertEquals((await goOn(plan, half, [11, 24])).state, whole);
      const backend = wasmBackend({ threads: 4 });
      assertEquals((await goOn(plan, begin(plan), [0, 24], { backend })).state, whole);
      const { tensors } = denseCheckpoint(plan, half);
      for (const name of BOOKS) assertEquals(tensors[name], half.tensors[name], name);
      assertEquals(codebookFault(plan, tensors), undefined);
      const changed = tensors["encoder"]!.some((weight, i) =>
        weight !== half.tensors["encoder"]![i]
      );
      assert(changed, "nothing was pending");
    }
  });
  Deno.test(`${format}: what a step moves and what memory holds is what the plan says`, async () => {
    const plan = planOf({ rule: "saccade", format, spec: "small" });
    // Rows are padded to whole panels.
    const H = plan.hidden;
    const rows = [4 * Math.ceil(H / 4) / H, 4 * Math.ceil((H + 1) / 4) / (H + 1)] as const;
    let count = 0;
    for (const { name, rows: r, columns: c } of matricesOf(plan)) {
      count += r * c * rows[name === "encoder" ? 0 : 1];
    }
    const bytes = count * weightBytes(format);
    const within = (got: number, want: number, what: string) =>
      assert(Math.abs(got / want - 1) < 0.05, `${what}: ${got} instead of ${want}`);
    const taught = await goOn(plan, { ...begin(plan), step: 2 }, [2, 3]);
    within(taught.bytesRead, bytes, "read");
    within(taught.bytesWritten, bytes, "written");
    within(taught.memory.weights, bytes, "weights");
    const still = await goOn(plan, begin(plan), [2, 3], { learn: false });
    within(still.bytesRead, count * readBytes(format), "read while it rests");
    assertEquals(still.bytesWritten, 0);
  });
}
