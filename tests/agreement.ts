/** Runs two backends over the same frames and compares everything they hold. */
import type { Backend, Session, StepInput } from "../backends/backend.ts";
import { deviation } from "../conformance/tolerance.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { denseCheckpoint } from "../model/pairs.ts";
import type { Plan } from "../model/plan.ts";
import type { Spec } from "../model/spec.ts";
import { motionCandidate } from "../runtime/motion.ts";
import { assert } from "../std_assert.ts";
import { goldenFrame } from "./golden.ts";

/** Rule 2016 with every layer learning and every context on from the first step. */
export const ALL_LEARN = {
  delay_each_layer_learning: 0,
  enable_lateral_at: 0,
  enable_feedback_at: 0,
} as const;

/** Opens a model on a device of a backend. */
export async function openSession(
  backend: Backend,
  id: string,
  plan: Plan,
): Promise<Session & AsyncDisposable> {
  const device = await backend.open(id);
  return await device.load(plan, initialCheckpoint(plan));
}

/** Frames and motion candidates of the golden sequence. */
export function inputs(
  plan: Plan,
  steps: number,
): { frame: Uint8Array; external?: Float32Array }[] {
  const side = plan.frame.width;
  const { rule } = plan;
  const values = (n: number) => Float32Array.from(goldenFrame(n, side), (byte) => byte / 255);
  return Array.from({ length: steps }, (_, n) => {
    const frame = goldenFrame(n, side);
    if (plan.external.motion === 0 || rule.name !== "saccade") return { frame };
    const external = new Float32Array(plan.external.motion);
    if (n > 0) motionCandidate(values(n), values(n - 1), plan.frame, rule.motion, external);
    return { frame, external };
  });
}

/**
 * Asserts that two sessions stay together for a number of steps: errors of every step, all tensors at the end.
 *
 * @returns the worst deviation
 */
export function agree(
  spec: Spec,
  steps: number,
  limit: number,
  sessions: readonly [(plan: Plan) => Promise<Session>, (plan: Plan) => Promise<Session>],
): Promise<number> {
  const plan = compilePlan(spec);
  return agreeOn(plan, inputs(plan, steps), limit, sessions);
}

/** As {@linkcode agree}, of any plan and input. */
export async function agreeOn(
  plan: Plan,
  given: readonly StepInput[],
  limit: number,
  [got, want]: readonly [(plan: Plan) => Promise<Session>, (plan: Plan) => Promise<Session>],
): Promise<number> {
  await using a = await got(plan);
  await using b = await want(plan);
  let worst = 0;
  const check = (what: string, x: ArrayLike<number>, y: ArrayLike<number>, name?: string) => {
    const off = deviation(x, y, name);
    assert(off <= limit, `${what} deviates by ${off}, more than ${limit}`);
    worst = Math.max(worst, off);
  };
  for (const [n, input] of given.entries()) {
    await a.step(input);
    await b.step(input);
    check(`mse of step ${n}`, (await a.report()).mse, (await b.report()).mse);
  }
  // What one of them has deferred counts.
  const [left, right] = [
    denseCheckpoint(plan, await a.save()),
    denseCheckpoint(plan, await b.save()),
  ];
  for (const name of Object.keys(right.tensors)) {
    check(`tensor "${name}"`, left.tensors[name] ?? [], right.tensors[name]!, name);
  }
  for (const name of ["prediction", "hidden", "error", "signal"] as const) {
    const length = right.tensors[name === "error" ? "signal" : name]!.length;
    const [x, y] = [new Float32Array(length), new Float32Array(length)];
    await a.read(name, x);
    await b.read(name, y);
    check(`read "${name}"`, x, y);
  }
  return worst;
}
