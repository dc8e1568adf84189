/** Deferred updates: the same mathematics, whatever K, and states that travel. */
import { assertEquals } from "../std_assert.ts";
import type { Session } from "../backends/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import type { Plan } from "../model/plan.ts";
import { deviation } from "../conformance/tolerance.ts";
import { agree, ALL_LEARN, inputs, openSession } from "./agreement.ts";
import { assertSameFile, Folder, succeed } from "./program.ts";

/** A model whose updates are large enough for an error in learning to show. */
function spec(name: string, rule: "2016" | "saccade", fields: Record<string, unknown>) {
  const large = name === "tiny" ? { initial_learning_rate: 0.02 } : {};
  return builtinSpec(name, {
    rule,
    fields: { ...(rule === "2016" ? { ...ALL_LEARN, ...large } : {}), ...fields },
  });
}

const wasm = (plan: Plan) => openSession(wasmBackend({ threads: 2 }), "relaxed", plan);
const exact = (plan: Plan) => openSession(reference, "f32", plan);

for (const rule of ["2016", "saccade"] as const) {
  const limit = rule === "2016" ? 1e-5 : 5e-5;
  for (const defer of [1, 3, 8, 64]) {
    Deno.test(`deferred every ${defer}, tiny agrees with the reference: rule ${rule}`, async () => {
      await agree(spec("tiny", rule, { defer }), 60, limit, [wasm, exact]);
    });
  }
  Deno.test(`deferred every 8, small agrees with the reference: rule ${rule}`, async () => {
    await agree(spec("small", rule, { defer: 8 }), 60, limit, [wasm, exact]);
  });
}

const EXTRAS: Record<string, Record<string, unknown>> = {
  // A smaller rate: its delays amplify whatever rounding there is.
  "two steps, autoencoder": {
    predict_two_steps: true,
    autoencoder: true,
    initial_learning_rate: 0.005,
  },
  "no momentum": { momentum: 0 },
  "layers that start late": { delay_each_layer_learning: 7 },
  "less momentum, a window of its own": { momentum: 0.1, defer_window: 6 },
};
for (const [label, fields] of Object.entries(EXTRAS)) {
  Deno.test(`deferred every 5, tiny agrees with the reference: ${label}`, async () => {
    await agree(spec("tiny", "2016", { ...fields, defer: 5 }), 60, 1e-5, [wasm, exact]);
  });
}

Deno.test("a window that is too short loses momentum: the agreement is no accident", async () => {
  const plan = compilePlan(spec("tiny", "2016", { defer: 8, defer_window: 3 }));
  const [short, whole] = [await end(plan, wasm, 60), await end(plan, exact, 60)];
  const off = deviation(short.tensors["prediction"]!, whole.tensors["prediction"]!);
  assertEquals(off > 1e-4 && off < 0.1, true, String(off));
});

/** The state after some steps, dense. */
async function end(
  plan: Plan,
  open: (plan: Plan) => Promise<Session>,
  steps: number,
): Promise<Checkpoint> {
  await using session = await open(plan);
  for (const input of inputs(plan, steps)) await session.step(input);
  return denseCheckpoint(plan, await session.save());
}

/** Every bit of two states: deeply comparing hundreds of thousands of values takes seconds. */
function assertSame(a: Checkpoint, b: Checkpoint, what: string): void {
  const rest = ({ tensors, ...others }: Checkpoint) => ({ ...others, names: Object.keys(tensors) });
  assertEquals(rest(a), rest(b), what);
  for (const [name, tensor] of Object.entries(a.tensors)) {
    assertEquals(deviation(tensor, b.tensors[name]!), 0, `${what}: ${name}`);
  }
}

/** Goes on from a state over frames `from` to `to` of the sequence; every third step only predicts. */
async function goOn(
  plan: Plan,
  checkpoint: Checkpoint,
  [from, to]: readonly [number, number],
  threads = 1,
): Promise<Checkpoint> {
  const device = await wasmBackend({ threads }).open("relaxed");
  await using session = await device.load(plan, checkpoint);
  for (const [n, input] of inputs(plan, to).entries()) {
    if (n >= from) await session.step(input, { learn: n % 3 !== 2 });
  }
  return await session.save();
}

for (const rule of ["2016", "saccade"] as const) {
  Deno.test(`a run that defers is interrupted anywhere and goes on bit for bit: rule ${rule}`, async () => {
    const plan = compilePlan(spec("tiny", rule, { defer: 6 }));
    const whole = await goOn(plan, initialCheckpoint(plan), [0, 40]);
    for (const at of [1, 2, 9, 17, 30]) {
      const part = await goOn(plan, initialCheckpoint(plan), [0, at]);
      assertSame(await goOn(plan, part, [at, 40], 2), whole, `interrupted at ${at}`);
    }
  });
}

Deno.test("a state with momentum is taken over by a run that defers, interrupted or not, and by the reference", async () => {
  const [fused, deferred, other] = [0, 6, 4].map((defer) =>
    compilePlan(spec("tiny", "2016", { defer }))
  );
  const begun = await goOn(fused!, initialCheckpoint(fused!), [0, 20]);
  const want = await goOn(fused!, begun, [20, 50]);
  const near = (state: Checkpoint, what: string) => {
    for (const [name, tensor] of Object.entries(want.tensors)) {
      const off = deviation(state.tensors[name]!, tensor, name);
      assertEquals(off < 1e-5, true, `${what}: ${name} deviates by ${off}`);
    }
  };
  const got = await goOn(deferred!, begun, [20, 50]);
  near(denseCheckpoint(deferred!, got), "deferred");
  // Its momentum still counts at step 25.
  const part = await goOn(deferred!, begun, [20, 25]);
  assertEquals(part.tensors["encoder.momentum"] !== undefined, true);
  assertEquals(got.tensors["encoder.momentum"], undefined);
  assertSame(await goOn(deferred!, part, [25, 50]), got, "interrupted");
  near(denseCheckpoint(other!, await goOn(other!, part, [25, 50])), "another K");
  near(await goOn(fused!, part, [25, 50]), "without deferring");
  const device = await reference.open("f32");
  await using session = await device.load(fused!, denseCheckpoint(deferred!, part));
  for (const [n, input] of inputs(fused!, 50).entries()) {
    if (n >= 25) await session.step(input, { learn: n % 3 !== 2 });
  }
  near(await session.save(), "reference");
});

Deno.test("--defer: 25 steps and 15 more are 40 steps, byte for byte; a resumed run may change it", async () => {
  await using folder = new Folder();
  const [a, b, c] = ["a", "b", "c"].map((name) => folder.file(`${name}.safetensors`));
  const run = ["run", "--quiet", "--threads", "1"];
  const model = ["--spec", "tiny", "--rule", "2016", "--defer", "8"];
  await succeed(...run, ...model, "--steps", "40", "--save", a!);
  await succeed(...run, ...model, "--steps", "25", "--save", b!);
  await succeed(...run, "--resume", b!, "--steps", "15");
  await assertSameFile(a!, b!);
  await succeed(...run, "--resume", b!, "--defer", "0", "--steps", "5", "--save", c!);
  await succeed(...run, "--resume", b!, "--backend", "reference", "--steps", "5");
  await succeed(...run, "--resume", c!, "--defer", "auto", "--steps", "5");
  assertEquals(JSON.parse(await succeed("inspect", "--json", c!)).spec.defer, "auto");
});
