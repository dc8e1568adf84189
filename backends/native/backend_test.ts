/** Our own library against the reference, and what every backend owes. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { denseCheckpoint } from "../../model/pairs.ts";
import { agree, ALL_LEARN, inputs, openSession } from "../../tests/agreement.ts";
import { deviation } from "../../conformance/tolerance.ts";
import { needing } from "../../tests/needs.ts";
import { assert, assertEquals, assertRejects } from "../../std_assert.ts";
import type { DeviceInfo } from "../backend.ts";
import { backend as reference } from "../reference/backend.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { nativeBackend, ownBackend } from "./backend.ts";

const OLD = { rule: "2016", ...ALL_LEARN, initial_learning_rate: 0.02 } as const;
const MODELS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "saccade": {},
  "saccade without motion": { motion: 0 },
  "2016": OLD,
};
const EXTRAS: typeof MODELS = {
  "2016, two steps, normalised": {
    ...OLD,
    predict_two_steps: true,
    normalize_output: true,
    use_t_minus_2_block: true,
    use_integral: false,
  },
  "2016, logistic, bias free, autoencoder": {
    ...OLD,
    activation: "logistic",
    bias_free: true,
    autoencoder: true,
  },
  "2016, two steps, autoencoder, legacy": {
    ...OLD,
    predict_two_steps: true,
    autoencoder: true,
    lateral: "legacy",
  },
  "2016, deferred": { ...OLD, defer: 4 },
  "saccade, deferred": { defer: 3, motion: 0 },
};

function spec(name: string, { rule, ...fields }: Readonly<Record<string, unknown>>) {
  return builtinSpec(name, { rule: rule === "2016" ? "2016" : "saccade", fields });
}

/** The instruction sets of this machine; none where the library is not built. */
const infos: readonly DeviceInfo[] = await (await ownBackend()).probe();
const levels = infos.length === 0 ? ["avx2"] : infos.map(({ id }) => id);
/** Small m / s amplifies rounding (learning-rule, Tolerances). */
const limit = (label: string) => label === "saccade" ? 5e-5 : 1e-5;

for (const level of levels) {
  for (const [label, fields] of Object.entries({ ...MODELS, ...EXTRAS })) {
    await needing(["native"], `native:${level} agrees with the reference: ${label}`, async () => {
      const native = await ownBackend({ threads: 2 });
      await agree(spec("tiny", fields), 60, limit(label), [
        (plan) => openSession(native, level, plan),
        (plan) => openSession(reference, "f32", plan),
      ]);
    });
  }
}

for (const [label, fields] of Object.entries(MODELS)) {
  await needing(["native"], `native agrees with the reference: small, ${label}`, async () => {
    const native = await ownBackend({ threads: 3 });
    await agree(spec("small", fields), 20, limit(label), [
      (plan) => openSession(native, levels[0]!, plan),
      (plan) => openSession(reference, "f32", plan),
    ]);
  });
}

for (const [label, fields] of Object.entries({ ...MODELS, deferred: { ...OLD, defer: 4 } })) {
  await needing(
    ["native"],
    `any number of native threads gives the same bits: ${label}`,
    async () => {
      const plan = compilePlan(spec("tiny", fields));
      const states = [];
      for (const threads of [1, 2, 5]) {
        const native = await ownBackend({ threads });
        await using session = await openSession(native, levels[0]!, plan);
        for (const input of inputs(plan, 12)) await session.step(input);
        states.push(await session.save());
      }
      for (const state of states) assertEquals(state, states[0]);
    },
  );
}

await needing(["native"], "native costs what wasm does: the layout is the same", async () => {
  for (const fields of [...Object.values(MODELS), { ...OLD, defer: 3 }, { defer: 2, motion: 0 }]) {
    const plan = compilePlan(spec("tiny", fields));
    await using native = await openSession(await ownBackend(), levels[0]!, plan);
    await using wasm = await openSession(wasmBackend({ threads: 1 }), "single", plan);
    for (const [n, input] of inputs(plan, 9).entries()) {
      const learn = n !== 4;
      await native.step(input, { learn });
      await wasm.step(input, { learn });
      const [{ macs, bytesRead, bytesWritten }, want] = [
        await native.report(),
        await wasm.report(),
      ];
      assertEquals(
        [macs, bytesRead, bytesWritten],
        [want.macs, want.bytesRead, want.bytesWritten],
        `step ${n}`,
      );
    }
    assertEquals(native.memory().weights, wasm.memory().weights);
    assertEquals(native.memory().state, wasm.memory().state);
  }
});

await needing(
  ["native"],
  "what is deferred resumes bit for bit, and goes to wasm and back",
  async () => {
    const plan = compilePlan(spec("tiny", { ...OLD, defer: 4 }));
    const steps = inputs(plan, 21);
    const native = await (await ownBackend({ threads: 2 })).open(levels[0]!);
    await using _native = native;
    const wasm = await wasmBackend({ threads: 1 }).open("strict");
    await using _wasm = wasm;
    await using whole = await native.load(plan, initialCheckpoint(plan));
    for (const input of steps) await whole.step(input);

    let state = initialCheckpoint(plan);
    for (const [device, from, to] of [[native, 0, 7], [native, 7, 14], [native, 14, 21]] as const) {
      await using session = await device.load(plan, state);
      for (const input of steps.slice(from, to)) await session.step(input);
      state = await session.save();
    }
    assertEquals(state, await whole.save());

    state = initialCheckpoint(plan);
    for (const [device, from, to] of [[native, 0, 7], [wasm, 7, 14], [native, 14, 21]] as const) {
      await using session = await device.load(plan, state);
      for (const input of steps.slice(from, to)) await session.step(input);
      state = await session.save();
    }
    const [got, want] = [denseCheckpoint(plan, state), denseCheckpoint(plan, await whole.save())];
    for (const [name, tensor] of Object.entries(want.tensors)) {
      assert(deviation(got.tensors[name]!, tensor, name) < 1e-5, name);
    }
  },
);

await needing(
  ["native"],
  "native refuses what it cannot do, before anything is allocated",
  async () => {
    await using device = await (await ownBackend()).open(levels[0]!);
    const plan = compilePlan(spec("tiny", { motion: 0 }));
    const { encoder, decoder } = initialCheckpoint(plan).tensors;
    const mask = {
      encoder: new Uint8Array(encoder!.length).fill(1),
      decoder: new Uint8Array(decoder!.length).fill(1),
    };
    const masked = device.accepts({ ...plan, mask });
    assertEquals([masked.ok, masked.reasons.length], [false, 1]);
    const huge = compilePlan(
      builtinSpec("large", { fields: { hidden_block_size: 64, motion: 0 } }),
    );
    const { ok, reasons } = device.accepts(huge);
    assert(!ok && /needs \d+\.\d GiB/.test(reasons[0]!), reasons[0]!);
    await assertRejects(
      () => device.load({ ...plan, mask }, initialCheckpoint(plan)),
      TypeError,
    );
  },
);

Deno.test("a number of threads that is none is refused", async () => {
  for (const threads of [0, 1.5, -1]) {
    await assertRejects(() => nativeBackend("./lib.so", { threads }), RangeError, "Cannot run on");
  }
});
