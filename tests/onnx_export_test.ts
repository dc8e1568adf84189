/** Exported graphs against onnx's checker and, run by Python's onnxruntime, against the reference. */
import { backend as reference } from "../backends/reference/backend.ts";
import { type ExportForm, exportOnnx } from "../backends/onnx/export.ts";
import { builtinSpec } from "../model/builtin.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import type { Plan } from "../model/plan.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { deviation } from "../conformance/tolerance.ts";
import { ALL_LEARN, inputs } from "./agreement.ts";
import { needing } from "./needs.ts";

const SPECS = {
  "saccade": builtinSpec("tiny"),
  "2016": builtinSpec("tiny", {
    rule: "2016",
    fields: {
      ...ALL_LEARN,
      initial_learning_rate: 0.02,
      predict_two_steps: true,
      normalize_output: true,
      // Contexts come while the graph runs.
      enable_feedback_at: 2,
    },
  }),
};

/** What the Python program says. */
interface Proof {
  readonly operators: string[];
  readonly opsets: Record<string, number>;
  readonly ir: number;
  readonly metadata: Record<string, string>;
  readonly mse: number[][];
  readonly state: Record<string, number[]>;
}

type Input = ReturnType<typeof inputs>[number];

async function prove(
  plan: Plan,
  checkpoint: Checkpoint,
  form: ExportForm,
  steps: readonly Input[],
): Promise<Proof> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/model.onnx`, await exportOnnx(plan, checkpoint, form));
    const given = steps.map(({ frame, external }) => ({
      frame: Array.from(frame, (byte) => byte / 255),
      ...(external === undefined ? {} : { external: Array.from(external) }),
    }));
    await Deno.writeTextFile(`${folder}/inputs.json`, JSON.stringify(given));
    const script = new URL("onnx_proof.py", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command("python3", {
      args: [script, folder],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the reference from a checkpoint: its errors and its state at the end. */
async function runReference(
  plan: Plan,
  checkpoint: Checkpoint,
  steps: readonly Input[],
  learn: boolean,
): Promise<{ mse: number[]; saved: Checkpoint }> {
  await using device = await reference.open("f32");
  await using session = await device.load(plan, checkpoint);
  for (const input of steps) await session.step(input, { learn });
  return { mse: Array.from((await session.report()).mse), saved: await session.save() };
}

/** What the metadata say of a part of the state. */
interface Place {
  readonly name: string;
  readonly tensor: string;
  readonly pieces: readonly (readonly [
    first: number,
    columns: number,
    rows: number,
    stride: number,
  ])[];
}

/** The largest deviation of what a graph holds of some tensors. */
function worst(proof: Proof, want: Checkpoint, tensors?: readonly string[]): number {
  let most = 0;
  const got: Record<string, Float32Array> = {};
  for (const { name, tensor, pieces } of JSON.parse(proof.metadata["layout"]!) as Place[]) {
    const values = proof.state[name] ?? proof.state[`${name}.next`];
    if (values === undefined || !(tensors?.includes(tensor) ?? true)) continue;
    const into = got[tensor] ??= new Float32Array(want.tensors[tensor]!.length);
    let next = 0;
    for (const [first, columns, rows, stride] of pieces) {
      for (let column = 0; column < columns; column++) {
        for (let row = 0; row < rows; row++) into[first + row * stride + column] = values[next++]!;
      }
    }
    assertEquals(next, values.length);
  }
  assertEquals(Object.keys(got).toSorted(), [...tensors ?? Object.keys(want.tensors)].toSorted());
  for (const [name, values] of Object.entries(got)) {
    most = Math.max(most, deviation(values, want.tensors[name]!, name));
  }
  return most;
}

/** How far bytes may lead: inputs lie between -8 and 8 (rule saccade), in steps of 0.06. */
const INT8_BOUNDS: Readonly<Record<string, number>> = { prediction: 0.02, published: 0.06 };

for (const [rule, spec] of Object.entries(SPECS)) {
  const plan = compilePlan(spec);
  const steps = inputs(plan, 12);

  await needing(
    ["onnx"],
    `rule ${rule}: three steps of the training graph in Python are those of the reference`,
    async () => {
      // From the very first step, and from where everything learns.
      const begin = await runReference(plan, initialCheckpoint(plan), steps.slice(0, 4), true);
      for (const [from, checkpoint] of [[0, initialCheckpoint(plan)], [4, begin.saved]] as const) {
        const taken = steps.slice(from, from + 3);
        const proof = await prove(plan, checkpoint, "training", taken);
        const want = await runReference(plan, checkpoint, taken, true);
        const off = deviation(proof.mse.flat(), want.mse);
        assert(off <= 1e-5, `errors deviate by ${off}`);
        const state = worst(proof, want.saved);
        assert(state <= 1e-5, `the state deviates by ${state}`);
        assertEquals(Number(proof.state["step"]![0]), from + 3);
        assertEquals(Number(proof.state["learned"]![0]), want.saved.learned);
        assertEquals([proof.opsets, proof.ir], [{ "": 17 }, 8]);
      }
    },
  );

  await needing(
    ["onnx"],
    `rule ${rule}: the inference graphs in Python predict what the reference does`,
    async () => {
      const { saved } = await runReference(plan, initialCheckpoint(plan), steps.slice(0, 8), true);
      const rest = steps.slice(8);
      const want = await runReference(plan, saved, rest, false);
      const shown = Object.keys(INT8_BOUNDS);
      const exact = await prove(plan, saved, "inference", rest);
      assert(deviation(exact.mse.flat(), want.mse) <= 1e-5);
      assert(worst(exact, want.saved, shown) <= 1e-5);
      const bytes = await prove(plan, saved, "int8", rest);
      assert(bytes.operators.includes("MatMulInteger"), "products are of whole numbers");
      assert(!bytes.operators.includes("MatMul"), "and none of floats");
      for (const tensor of shown) {
        const off = worst(bytes, want.saved, [tensor]);
        assert(off <= INT8_BOUNDS[tensor]!, `${tensor} in int8 deviates by ${off}`);
      }
    },
  );
}
