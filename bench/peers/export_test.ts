import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { offsetsOf, type Sources, unitCount } from "../../model/plan.ts";
import { assertEquals, assertRejects } from "../../std_assert.ts";
import { type ExportedModel, exportModel, groupsOf } from "./export.ts";
import { tinyInput, tinyPlan } from "./tiny_model.ts";

const plan = tinyPlan();
const checkpoint = initialCheckpoint(plan);

async function exported(): Promise<{ model: ExportedModel; bytes: Uint8Array<ArrayBuffer> }> {
  const folder = await Deno.makeTempDir();
  try {
    await exportModel(plan, checkpoint, tinyInput(plan), folder);
    const model = JSON.parse(await Deno.readTextFile(`${folder}/model.json`));
    return { model, bytes: await Deno.readFile(`${folder}/model.bin`) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const { model, bytes } = await exported();

/** Row `row` of a tensor, as the file has it. */
function rowOf(name: string, row: number): number[] {
  const { type, shape, at } = model.tensors[name]!;
  const width = shape.slice(1).reduce((product, size) => product * size, 1);
  const Values = { f32: Float32Array, i32: Int32Array, u8: Uint8Array }[type];
  const values = new Values(bytes.buffer, at, shape[0]! * width);
  return [...values.subarray(row * width, (row + 1) * width)];
}

/** Every element that the plan says a unit reads. */
function elements({ start, index, length }: Sources, unit: number): number[] {
  const runs = Array.from({ length: start[unit + 1]! - start[unit]! }, (_, i) => start[unit]! + i);
  return runs.flatMap((run) => Array.from({ length: length[run]! }, (_, i) => index[run]! + i));
}

/** Where the hidden outputs of units lie in the signal space. */
function outputsOf(units: readonly number[]): number[] {
  const at = (unit: number) => model.frame + model.external + unit * model.hidden;
  return units.flatMap((unit) => Array.from({ length: model.hidden }, (_, i) => at(unit) + i));
}

Deno.test("groupsOf() has every unit once, with units of its shape", () => {
  const groups = groupsOf(plan);
  const all = groups.flatMap(({ units }) => units).sort((a, b) => a - b);
  assertEquals(all, Array.from({ length: unitCount(plan) }, (_, u) => u));
  for (const { units, inputs, outputs, block } of groups) {
    for (const u of units) {
      assertEquals([plan.inputs[u], plan.outputs[u], plan.block[u]], [inputs, outputs, block]);
    }
  }
});

Deno.test("exportModel() writes each unit's weights, rates and sources", () => {
  const at = offsetsOf(plan);
  for (const [i, { units, ground }] of model.groups.entries()) {
    for (const [row, u] of units.entries()) {
      const part = (name: "encoder" | "decoder") => [
        ...checkpoint.tensors[name]!.subarray(at[name][u]!, at[name][u + 1]!),
      ];
      assertEquals(rowOf(`${i}.encoder`, row), part("encoder"));
      assertEquals(rowOf(`${i}.decoder`, row), part("decoder"));
      assertEquals(rowOf(`${i}.rate`, row), [Math.fround(0.01)]);
      const signal = rowOf(`${i}.signal`, row);
      assertEquals(ground ? signal : outputsOf(signal), elements(plan.signal, u));
      assertEquals(outputsOf(rowOf(`${i}.context`, row)), elements(plan.context, u));
    }
  }
});

Deno.test("exportModel() writes frames in the order they are played", () => {
  for (const [n, frame] of tinyInput(plan).frames.entries()) {
    assertEquals(rowOf("frames", n), [...frame]);
  }
});

Deno.test("exportModel() refuses options that the peers do not run", async () => {
  const other = compilePlan(builtinSpec("tiny", {
    rule: "2016",
    fields: { delay_each_layer_learning: 0, enable_lateral_at: 0, enable_feedback_at: 0 },
  }));
  await assertRejects(
    () => exportModel(other, initialCheckpoint(other), tinyInput(other), "/nowhere"),
    RangeError,
    "features other than",
  );
  const late = compilePlan(builtinSpec("tiny", { rule: "2016" }));
  await assertRejects(
    () => exportModel(late, initialCheckpoint(late), tinyInput(late), "/nowhere"),
    RangeError,
    "contexts that begin after step 0",
  );
});
