import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { frameLength, type Plan } from "../../model/plan.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../std_assert.ts";
import { DeviceLostError, type Session, type StepInput, type StepOptions } from "../backend.ts";
import type { Engine, Shapes, WeightPasses, Weights } from "./engine.ts";
import { fromPasses } from "./from_passes.ts";

/** What is done after each call of an engine: nothing, a wait, a failure. */
type Hook = (call: keyof WeightPasses) => void | Promise<void>;

const PLANS: Readonly<Record<string, Plan>> = {
  saccade: compilePlan(builtinSpec("tiny", { fields: { motion: 0 } })),
  "saccade, shift candidates": compilePlan(
    builtinSpec("tiny", { fields: { motion: 0, shift_radius: 2 } }),
  ),
  "2016": compilePlan(builtinSpec("tiny", {
    rule: "2016",
    fields: {
      predict_two_steps: true,
      normalize_output: true,
      delay_each_layer_learning: 2,
      initial_learning_rate: 0.02,
    },
  })),
};
const PLAN = PLANS["saccade"]!;

/** Loops, and something after each of them. */
function engine(hook: Hook = () => {}, more: Partial<Engine> = {}): Engine {
  return {
    name: "loops",
    description: "loops",
    load: (shapes, weights) => passes(shapes, structuredClone(weights), hook),
    ...more,
  };
}

function passes(shapes: Shapes, own: Weights, hook: Hook): WeightPasses {
  const { units, hidden: H, inputs, outputs, momentum: mu = 0 } = shapes;
  /** For each unit the first row, and where its weights, inputs and outputs begin. */
  const each = (
    rows: (u: number) => number,
    columns: (u: number) => number,
    act: (u: number, row: number, w: number, x: number, columns: number) => void,
  ) => {
    for (let u = 0, row = 0, w = 0, x = 0; u < units; x += columns(u), u++) {
      for (let i = 0; i < rows(u); i++, row++, w += columns(u)) act(u, row, w, x, columns(u));
    }
  };
  const encoders = each.bind(null, () => H, (u) => inputs[u]!);
  const decoders = each.bind(null, (u) => outputs[u]!, () => H + 1);
  const learn = (
    W: Float32Array,
    M: Float32Array | undefined,
    [w, columns]: [number, number],
    d: number,
    vector: Float32Array,
    x: number,
  ) => {
    for (let j = 0; j < columns; j++) {
      const term = d * vector[x + j]! + mu * (M?.[w + j] ?? 0);
      if (M !== undefined) M[w + j] = term;
      W[w + j]! += term;
    }
  };
  const product = (W: Float32Array, [w, columns]: [number, number], v: Float32Array, x: number) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += W[w + j]! * v[x + j]!;
    return sum;
  };
  const { encoder, decoder, encoderMomentum, decoderMomentum } = own;
  return {
    sendBack(errors, hidden, { learns, rates }, back) {
      back.fill(0);
      decoders((u, row, w, x, columns) => {
        for (let j = 0; j < columns; j++) back[x + j]! += decoder[w + j]! * errors[row]!;
        if (learns[u] === 0) return;
        learn(decoder, decoderMomentum, [w, columns], rates[u]! * errors[row]!, hidden, x);
      });
      return hook("sendBack");
    },
    encode(deltas, past, { learns, rates }, next, out) {
      encoders((u, row, w, x, columns) => {
        if (learns[u] === 1) {
          learn(encoder, encoderMomentum, [w, columns], rates[u]! * deltas[row]!, past, x);
        }
        out[row] = product(encoder, [w, columns], next, x);
      });
      return hook("encode");
    },
    decode(hidden, out) {
      decoders((_, row, w, x, columns) => out[row] = product(decoder, [w, columns], hidden, x));
      return hook("decode");
    },
    save(into) {
      into.encoder.set(encoder);
      into.decoder.set(decoder);
      into.encoderMomentum?.set(encoderMomentum!);
      into.decoderMomentum?.set(decoderMomentum!);
      return hook("save");
    },
    dispose: () => hook("dispose"),
  };
}

/** Some turns of the event loop. */
const wait: Hook = async () => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
};

async function open(
  plan: Plan,
  hook?: Hook,
): Promise<
  { device: Awaited<ReturnType<ReturnType<typeof fromPasses>["open"]>>; session: Session }
> {
  const device = await fromPasses(engine(hook)).open("0");
  return { device, session: await device.load(plan, initialCheckpoint(plan)) };
}

/** A frame of noise that is the same every time. */
function frameOf(plan: Plan, n: number): Uint8Array {
  return Uint8Array.from({ length: frameLength(plan) }, (_, i) => (i * (n + 7) + 31 * n) % 256);
}

const how = (n: number): StepOptions => n % 5 === 3 ? { learn: false } : { rate: 1 / (1 + n % 3) };

for (const [rule, plan] of Object.entries(PLANS)) {
  Deno.test(`fromPasses(): queued steps are awaited ones, with a frame that is used again: rule ${rule}`, async () => {
    const { device, session: awaited } = await open(plan);
    await using _device = device;
    const { device: other, session: queued } = await open(plan, wait);
    await using _other = other;
    const frame = new Uint8Array(frameLength(plan));
    const pending = [];
    for (let n = 0; n < 12; n++) {
      frame.set(frameOf(plan, n));
      assertEquals(awaited.step({ frame }, how(n)), undefined);
      pending.push(queued.step({ frame }, how(n)));
    }
    frame.fill(255);
    assert(pending.every((step) => step instanceof Promise));
    // Both are asked for while steps are under way, and stand behind them.
    const [report, state] = await Promise.all([queued.report(), queued.save()]);
    assertEquals(report, await awaited.report());
    assertEquals(state, await awaited.save());
  });

  Deno.test(`fromPasses(): a checkpoint resumes bit for bit: rule ${rule}`, async () => {
    const { device, session: whole } = await open(plan);
    await using _device = device;
    const half = await device.load(plan, initialCheckpoint(plan));
    for (let n = 0; n < 12; n++) whole.step({ frame: frameOf(plan, n) });
    for (let n = 0; n < 5; n++) half.step({ frame: frameOf(plan, n) });
    const rest = await device.load(plan, await half.save());
    for (let n = 5; n < 12; n++) rest.step({ frame: frameOf(plan, n) });
    assertEquals(await rest.save(), await whole.save());
  });
}

Deno.test("fromPasses(): steps that are not done yet need room for their reports", async () => {
  const { device, session } = await open(PLAN, wait);
  await using _device = device;
  const frame = frameOf(PLAN, 1);
  for (let n = 0; n < device.info.reportCapacity; n++) session.step({ frame });
  assertThrows(() => session.step({ frame }), RangeError, "call report()");
  assertEquals((await session.report()).steps, device.info.reportCapacity);
});

Deno.test("fromPasses(): whoever awaits each step finds nothing under way, and it takes the short way", async () => {
  const calls: string[] = [];
  const { device, session } = await open(PLAN, (call) => {
    calls.push(call);
    return wait(call);
  });
  await using _device = device;
  for (let n = 0; n < 4; n++) await session.step({ frame: frameOf(PLAN, n) });
  // Nothing is learned in the first two steps: there is nothing to send back.
  const step = ["encode", "decode"];
  assertEquals(calls, [...step, ...step, "sendBack", ...step, "sendBack", ...step]);
});

for (
  const [kind, broken] of Object.entries({
    throws: () => {
      throw new Error("out of memory");
    },
    rejects: () => Promise.reject(new Error("out of memory")),
  })
) {
  Deno.test(`fromPasses(): a pass that ${kind} ends the device, and every step behind it`, async () => {
    let passed = 0;
    const { device, session } = await open(PLAN, (call) => {
      if (call === "encode" && passed++ === 4) return broken();
      return kind === "rejects" ? wait(call) : undefined;
    });
    const input = (n: number): StepInput => ({ frame: frameOf(PLAN, n) });
    const steps = Array.from({ length: 7 }, (_, n) => {
      try {
        return Promise.resolve(session.step(input(n)));
      } catch (error) {
        return Promise.reject(error);
      }
    });
    const ended = await Promise.allSettled(steps);
    assertEquals(ended.map(({ status }) => status === "fulfilled"), [
      ...Array<boolean>(4).fill(true),
      ...Array<boolean>(3).fill(false),
    ]);
    for (const step of ended.slice(4)) {
      assert(step.status === "rejected" && step.reason instanceof DeviceLostError);
      assert(step.reason.message.includes(`"loops" failed in a step: out of memory`));
    }
    assertEquals((await device.lost).reason, "unknown");
    assertThrows(() => session.step(input(0)), DeviceLostError, "out of memory");
    await assertRejects(() => session.save(), DeviceLostError, "out of memory");
    await assertRejects(() => device.load(PLAN, initialCheckpoint(PLAN)), DeviceLostError);
  });
}

Deno.test("fromPasses(): a closed device rejects what waits for an engine that hangs", async () => {
  let given = 0;
  const { device, session } = await open(PLAN, (call) => {
    if (call === "dispose") given++;
    return call === "decode" ? new Promise(() => {}) : undefined;
  });
  const pending = [session.step({ frame: frameOf(PLAN, 0) }), session.report(), session.save()];
  const outcome = Promise.allSettled(pending);
  await device[Symbol.asyncDispose]();
  for (const { status } of await outcome) assertEquals(status, "rejected");
  assertEquals((await device.lost).reason, "destroyed");
  await assertRejects(() => session.report(), DeviceLostError);
  // It is still at work: what it holds is not taken from under it.
  assertEquals(given, 0);
});

Deno.test("fromPasses(): closed in the middle of a step, no other pass begins, and then the weights go", async () => {
  const calls: string[] = [];
  const under = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const { device, session } = await open(PLAN, (call) => {
    calls.push(call);
    if (call === "dispose") gone.resolve();
    if (call === "encode") return under.promise;
  });
  const step = Promise.resolve(session.step({ frame: frameOf(PLAN, 0) }));
  await device[Symbol.asyncDispose]();
  await assertRejects(() => step, DeviceLostError, "device is closed");
  under.resolve();
  await gone.promise;
  assertEquals(calls, ["encode", "dispose"]);
});

Deno.test("fromPasses(): a closed session gives the weights back once, and the device goes on", async () => {
  let given = 0;
  const { device, session } = await open(PLAN, (call) => {
    if (call === "dispose") given++;
  });
  await session[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
  assertThrows(
    () => session.step({ frame: frameOf(PLAN, 0) }),
    DeviceLostError,
    "session is closed",
  );
  const next = await device.load(PLAN, initialCheckpoint(PLAN));
  next.step({ frame: frameOf(PLAN, 0) });
  assertEquals(given, 1);
  await device[Symbol.asyncDispose]();
  assertEquals(given, 2);
});

Deno.test("fromPasses(): a save that fails leaves the session running", async () => {
  let full = true;
  const { device, session } = await open(PLAN, (call) => {
    if (call === "save" && full) throw new RangeError("no room to save");
  });
  await using _device = device;
  session.step({ frame: frameOf(PLAN, 0) });
  await assertRejects(() => session.save(), RangeError, "no room");
  full = false;
  session.step({ frame: frameOf(PLAN, 1) });
  assertEquals((await session.save()).step, 2);
});

Deno.test("fromPasses(): what an engine refuses is refused with its sentence", async () => {
  const refuses = ({ hidden }: Shapes) => hidden === 8 ? [] : [`H is ${hidden}, it must be 8`];
  const device = await fromPasses(engine(undefined, { refuses })).open("0");
  await using _device = device;
  const reasons = [`H is ${PLAN.hidden}, it must be 8`];
  assertEquals(device.accepts(PLAN), { ok: false, reasons });
  await assertRejects(() => device.load(PLAN, initialCheckpoint(PLAN)), TypeError, reasons[0]);
});

Deno.test("fromPasses(): pruned models are for engines that know of masks", async () => {
  const { encoder, decoder } = initialCheckpoint(PLAN).tensors;
  const mask = {
    encoder: new Uint8Array(encoder!.length).fill(1),
    decoder: new Uint8Array(decoder!.length).fill(1),
  };
  const pruned = { ...PLAN, mask };
  await using without = await fromPasses(engine()).open("0");
  assertEquals(without.accepts(pruned).reasons, [
    'The plan is pruned; the engine "loops" has no masks',
  ]);
  const told: Shapes[] = [];
  const refuses = (shapes: Shapes) => (told.push(shapes), []);
  await using knowing = await fromPasses(engine(undefined, { masks: true, refuses })).open("0");
  assertEquals(knowing.accepts(pruned), { ok: true, reasons: [] });
  assertEquals(told[0]!.mask, mask);
});

Deno.test("fromPasses(): an engine that lacks something is refused, naming it", async () => {
  assertThrows(() => fromPasses({ name: "x" } as Engine), TypeError, "says its name");
  assertThrows(() => fromPasses({ name: "x", description: "" } as Engine), TypeError, "no load()");
  const load = () => ({ encode() {}, save() {} }) as unknown as WeightPasses;
  const device = await fromPasses(engine(undefined, { load })).open("0");
  await using _device = device;
  await assertRejects(
    () => device.load(PLAN, initialCheckpoint(PLAN)),
    TypeError,
    "lacks sendBack, decode",
  );
});
