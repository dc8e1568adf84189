import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { frameLength, type Plan } from "../../model/plan.ts";
import { openScene } from "../../sources/synthetic.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { backend } from "./backend.ts";
import { displacedCopies } from "./shift.ts";

const SIDE = 20;
const planOf = (fields: Record<string, unknown>): Plan =>
  compilePlan(builtinSpec("tiny", { fields: { motion: 0, ...fields } }));
const SHIFTING = planOf({ shift_radius: 2 });

/** A smooth texture without end, moving by [dy, dx] pixels a frame. */
function texture(t: number, [dy, dx]: readonly [number, number]): Uint8Array {
  const frame = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < frame.length; i++) {
    const [row, column, k] = [Math.floor(i / (3 * SIDE)), Math.floor(i / 3) % SIDE, i % 3];
    const [y, x] = [row - dy * t, column - dx * t];
    const wave = Math.sin(0.9 * x + 0.4 * y + k) + Math.cos(0.7 * y - 0.5 * x) +
      Math.sin(0.3 * x - 0.8 * y + 2 * k);
    frame[i] = Math.round(128 + 40 * wave);
  }
  return frame;
}

async function sessionOf(plan: Plan, checkpoint: Checkpoint = initialCheckpoint(plan)) {
  const device = await backend.open("f32");
  return await device.load(plan, checkpoint);
}

/** Skill at layer 0 over all frames from the fourth on. */
async function skillOf(plan: Plan, frames: readonly Uint8Array[]): Promise<number> {
  const session = await sessionOf(plan);
  let [error, copyLast] = [0, 0];
  for (const [t, frame] of frames.entries()) {
    session.step({ frame });
    const { mse } = await session.report();
    if (t < 3) continue;
    error += mse[0]!;
    let sum = 0;
    for (const [i, value] of frame.entries()) sum += ((value - frames[t - 1]![i]!) / 255) ** 2;
    copyLast += sum / frameLength(plan);
  }
  return 1 - error / copyLast;
}

Deno.test("displacedCopies() is 0 on a flat patch, and tells a slope from a ridge", () => {
  const copies = new Float64Array(8);
  const width = 5;
  const patch = (value: (row: number, column: number) => number) =>
    Float64Array.from(
      { length: width * width * 3 },
      (_, i) => value(Math.floor(i / (3 * width)), Math.floor(i / 3) % width),
    );
  const centre = (2 * width + 2) * 3;
  displacedCopies(patch(() => 0.3), width, centre, copies);
  assertEquals([...copies], [0, 0, 0, 0, 0, 0, 0, 0]);
  displacedCopies(patch((row) => row), width, centre, copies);
  assertEquals([...copies], [-1, 0, 0, 0, -2, 0, 0, 0]);
  displacedCopies(patch((_, column) => (column - 2) ** 2), width, centre, copies);
  assertEquals([...copies], [0, 0, 0, 1, 0, 0, 0, 4]);
});

Deno.test("a texture that moves steadily is predicted from its third frame on, whichever way it goes", async () => {
  const plain = planOf({});
  for (const way of [[0, 1], [-1, 0], [0.6, -0.4], [1.3, 1.1]] as const) {
    const frames = Array.from({ length: 12 }, (_, t) => texture(t, way));
    const [with_, without] = [await skillOf(SHIFTING, frames), await skillOf(plain, frames)];
    assert(with_ > 0.75, `${way}: skill ${with_}`);
    assert(with_ > without + 0.4, `${way}: skill ${with_}, without the candidate ${without}`);
  }
});

Deno.test("nothing moves, nothing is predicted to", async () => {
  const session = await sessionOf(SHIFTING);
  for (let t = 0; t < 5; t++) session.step({ frame: texture(0, [0, 0]) });
  const { tensors } = await session.save();
  assert(tensors["shift"]!.every((value) => value === 0));
  const [prediction, signal] = [tensors["prediction"]!, tensors["signal"]!];
  assertEquals(
    prediction.subarray(0, frameLength(SHIFTING)),
    signal.subarray(0, frameLength(SHIFTING)),
  );
});

Deno.test("without learning the combiner stays and the shift candidate follows the frames", async () => {
  const session = await sessionOf(SHIFTING);
  for (let t = 0; t < 6; t++) session.step({ frame: texture(t, [0, 1]) });
  const before = await session.save();
  for (let t = 6; t < 9; t++) session.step({ frame: texture(t, [1, 0]) }, { learn: false });
  const after = await session.save();
  for (const name of ["encoder", "decoder", "combiner.moments", "combiner.weights"]) {
    assertEquals(after.tensors[name], before.tensors[name], name);
  }
  for (const name of ["shift", "shift.moments", "shift.products", "shift.energy"]) {
    assert(after.tensors[name]!.some((v, i) => v !== before.tensors[name]![i]), name);
  }
});

Deno.test("a checkpoint with a shift candidate resumes bit for bit, with motion too", async () => {
  for (const motion of [0, 2]) {
    const plan = planOf({ shift_radius: 3, shift_memory: [0.8, 0, 0.3], motion });
    const external = new Float32Array(plan.external.motion).fill(0.01);
    const step = (session: Awaited<ReturnType<typeof sessionOf>>, t: number) =>
      session.step({ frame: texture(t, [0.5, 1]), ...(motion > 0 ? { external } : {}) });
    const whole = await sessionOf(plan);
    for (let t = 0; t < 8; t++) step(whole, t);
    const half = await sessionOf(plan);
    for (let t = 0; t < 4; t++) step(half, t);
    const rest = await sessionOf(plan, await half.save());
    for (let t = 4; t < 8; t++) step(rest, t);
    assertEquals(await rest.save(), await whole.save());
  }
});

Deno.test("what memory keeps is what it was told to keep", async () => {
  const energies = await Promise.all([0, 0.5].map(async (memory) => {
    const shift_memory = [memory];
    const session = await sessionOf(planOf({ shift_radius: 1, shift_memory }));
    session.step({ frame: texture(0, [0, 0]) });
    session.step({ frame: texture(1, [0, 1]) });
    const first = (await session.save()).tensors["shift.energy"]!;
    session.step({ frame: texture(1, [0, 1]) });
    return [first, (await session.save()).tensors["shift.energy"]!] as const;
  }));
  const [[one, none], [, half]] = energies as [typeof energies[0], typeof energies[0]];
  assert(one.every((value) => value > 0));
  assert(none.every((value) => value === 0));
  for (const [u, value] of half.entries()) assertEquals(value, Math.fround(one[u]! * 0.5));
});

Deno.test("values stay finite over noise, flashes and the built-in scene", async () => {
  const session = await sessionOf(planOf({ shift_radius: 8, shift_memory: [0.999] }));
  const scene = openScene({ size: { width: SIDE, height: SIDE }, seed: 2 });
  const frame = new Uint8Array(SIDE * SIDE * 3);
  for (let t = 0; t < 60; t++) {
    if (t % 20 < 10) scene.next(frame);
    else if (t % 2 === 0) frame.fill(t % 4 === 0 ? 0 : 255);
    else crypto.getRandomValues(frame);
    session.step({ frame });
  }
  const { tensors } = await session.save();
  for (const [name, values] of Object.entries(tensors)) {
    assert(values.every(Number.isFinite), name);
  }
});
