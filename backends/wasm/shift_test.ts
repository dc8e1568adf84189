/** The shift candidates of rule saccade in the kernels, against the reference and against themselves. */
import { deviation } from "../../conformance/tolerance.ts";
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import type { Plan } from "../../model/plan.ts";
import { parseSpec } from "../../model/parse_spec.ts";
import { motionCandidate } from "../../runtime/motion.ts";
import { openScene } from "../../sources/synthetic.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { agreeOn, openSession } from "../../tests/agreement.ts";
import type { StepInput } from "../backend.ts";
import { backend as reference } from "../reference/backend.ts";
import { wasmBackend } from "./backend.ts";

const STEPS = 24;

const planOf = (fields: Record<string, unknown>, motion = 0): Plan =>
  compilePlan(builtinSpec("tiny", { fields: { motion, shift_radius: 2, ...fields } }));

/** Frames in which things move, with motion candidates. */
function scene(plan: Plan, steps: number): StepInput[] {
  const { frame: size, external: { motion }, rule } = plan;
  const source = openScene({ size, seed: 3 });
  let last: Float32Array | undefined;
  return Array.from({ length: steps }, () => {
    const frame = new Uint8Array(size.width * size.height * 3);
    source.next(frame);
    if (motion === 0) return { frame };
    const now = Float32Array.from(frame, (byte) => byte / 255);
    const external = new Float32Array(motion);
    if (last !== undefined && rule.name === "saccade") {
      motionCandidate(now, last, size, rule.motion, external);
    }
    last = now;
    return { frame, external };
  });
}

const VARIANTS: Record<string, [Record<string, unknown>, number?]> = {
  ...Object.fromEntries(
    [1, 2, 3, 4, 6, 7].map((b) => [`tiles of ${b}`, [{ input_block_size: b }]]),
  ),
  ...Object.fromEntries([1, 2, 3, 8].map((R) => [`radius ${R}`, [{ shift_radius: R }]])),
  ...Object.fromEntries(
    [[0.5], [0.9, 0, 0.3], [0, 0.999, 0.8, 0.2]].map((
      shift_memory,
    ) => [`memories ${shift_memory}`, [{ shift_memory }]]),
  ),
  "no halo": [{ halo: 0 }],
  "halo 2": [{ halo: 2 }],
  "one unit": [{ layer_shapes: [1], readout_block_size: [1] }],
  "surprise": [{ surprise: 0.8 }],
  "matching": [{}, 2],
};

for (const [label, [fields, motion]] of Object.entries(VARIANTS)) {
  Deno.test(`shift candidates agree with the reference: ${label}`, async () => {
    const plan = planOf(fields, motion);
    for (const id of ["relaxed", "strict"]) {
      await agreeOn(plan, scene(plan, STEPS), motion === undefined ? 1e-5 : 5e-5, [
        (plan) => openSession(wasmBackend({ threads: 2 }), id, plan),
        (plan) => openSession(reference, "f32", plan),
      ]);
    }
  });
}

Deno.test("shift candidates agree with the reference over tiles of several sizes", async () => {
  // Two units, of a pixel and of four, whose patches are some values of the frame.
  const frame = { width: 5, height: 5, channels: 3 };
  const base = compilePlan(parseSpec({
    rule: "saccade",
    layer_shapes: [1],
    readout_block_size: [1],
    input_block_size: 1,
    hidden_block_size: 2,
    shift_radius: 2,
  }));
  const each = (runs: readonly (readonly [number, number])[], ofFirst: number) => ({
    start: Uint32Array.of(0, ofFirst, runs.length),
    index: Uint32Array.from(runs, ([at]) => at),
    length: Uint32Array.from(runs, ([, length]) => length),
    delay: new Uint32Array(runs.length),
  });
  // Patches of 11 x 11 and 12 x 12 pixels.
  const patch = [
    ...Array.from({ length: 11 }, (_, i): [number, number] => [i, 33]),
    ...Array.from({ length: 12 }, (_, i): [number, number] => [2 * i, 36]),
  ];
  const none = each([], 0);
  const plan: Plan = {
    ...base,
    frame,
    layerStart: Uint32Array.of(0, 2),
    signal: each([[0, 3], [3, 12]], 1),
    window: each([[0, 30], [3, 60]], 1),
    patch: each(patch, 11),
    motion: none,
    context: none,
    contextKind: new Uint8Array(),
    block: Uint32Array.of(3, 12),
    inputs: Uint32Array.of(31, 61),
    outputs: Uint32Array.of(3, 12),
  };
  await agreeOn(plan, scene(plan, STEPS), 1e-5, [
    (plan) => openSession(wasmBackend({ threads: 2 }), "relaxed", plan),
    (plan) => openSession(reference, "f32", plan),
  ]);
});

Deno.test("shift candidates stay with the reference over 300 steps", async () => {
  const plan = planOf({});
  await using got = await openSession(wasmBackend({ threads: 1 }), "relaxed", plan);
  await using want = await openSession(reference, "f64", plan);
  const [predicted, expected] = [0, 0].map(() => new Float64Array(plan.frame.width ** 2 * 3));
  const prediction = async (session: typeof got) => (await session.save()).tensors["prediction"]!;
  for (const input of scene(plan, 300)) {
    await got.step(input);
    await want.step(input);
    predicted!.set((await prediction(got)).subarray(0, predicted!.length));
    expected!.set((await prediction(want)).subarray(0, predicted!.length));
    const off = deviation(predicted!, expected!);
    assert(off < 2e-4, `${off} from the reference`);
  }
});

Deno.test("without learning the shift candidates follow the frames as the reference's do", async () => {
  const plan = planOf({});
  await using got = await openSession(wasmBackend({ threads: 2 }), "relaxed", plan);
  await using want = await openSession(reference, "f32", plan);
  for (const [t, input] of scene(plan, STEPS).entries()) {
    for (const session of [got, want]) await session.step(input, { learn: t < 10 });
  }
  const [ours, theirs] = [await got.save(), await want.save()];
  for (const name of ["shift", "shift.moments", "shift.products", "shift.energy", "prediction"]) {
    const off = deviation(ours.tensors[name]!, theirs.tensors[name]!, name);
    assert(off < 1e-5, `${name}: ${off}`);
  }
});

const EXECUTIONS: Record<string, Record<string, unknown>> = {
  "f32": {},
  "deferred": { defer: 4 },
  "i8, deferred": { format: "i8", defer: 4 },
  "bf16": { format: "bf16" },
  "skipping": { skip_below: [1e-3, 0.05] },
};

for (const [label, fields] of Object.entries(EXECUTIONS)) {
  Deno.test(`shift candidates: bits are the same on any threads, and after a pause (${label})`, async () => {
    const plan = planOf({ ...fields, shift_memory: [0.8, 0, 0.3] }, 2);
    const given = scene(plan, STEPS);
    const run = async (threads: number, from: Checkpoint, begin: number, end: number) => {
      await using device = await wasmBackend({ threads }).open("strict");
      await using session = await device.load(plan, from);
      for (const input of given.slice(begin, end)) await session.step(input);
      return await session.save();
    };
    const first = initialCheckpoint(plan);
    const whole = await run(1, first, 0, STEPS);
    for (const threads of [2, 4]) assertEquals(await run(threads, first, 0, STEPS), whole);
    for (const pause of [1, 2, STEPS / 2]) {
      assertEquals(await run(1, await run(1, first, 0, pause), pause, STEPS), whole);
    }
  });
}

Deno.test("a model without shift candidates has no memory for them", async () => {
  const memory = async (plan: Plan) => {
    await using session = await openSession(wasmBackend({ threads: 1 }), "strict", plan);
    return session.memory();
  };
  const [off, on] = [await memory(planOf({ shift_radius: 0 })), await memory(planOf({}))];
  assertEquals(on.weights, off.weights);
  assert(on.state > off.state && on.scratch > off.scratch);
});
