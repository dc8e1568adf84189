/**
 * Memory is flat, and reported truly.
 *
 * @module
 */
import fc from "fast-check";
import v8 from "node:v8";
import vm from "node:vm";
import type { Session } from "../../backends/backend.ts";
import { weightCount } from "../../model/plan.ts";
import { buildCase } from "../case.ts";
import {
  claim,
  type Property,
  recipesFor,
  type Subject,
  within,
  withSession,
} from "../property.ts";
import type { Stimulus } from "../stimulus.ts";
import { stepOnce } from "../trace.ts";

const BITS: Readonly<Record<string, number>> = {
  f64: 64,
  f32: 32,
  f16: 16,
  bf16: 16,
  i16: 16,
  i8: 8,
  codebook4: 4,
  codebook2: 2,
};

/** What may be left after thousands of steps: caches of the engine, not a buffer a step. */
const SLACK = 1 << 20;

/** Bytes of objects and of array buffers, after a collection. */
function used(): number {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  collect();
  collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

async function steps(
  subject: Subject,
  session: Session,
  stimuli: readonly Stimulus[],
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    await stepOnce(session, stimuli[i % stimuli.length]!);
    if (i % 500 === 499) await within(subject, "report()", session.report());
  }
  await within(subject, "report()", session.report());
}

/** Memory. */
export const MEMORY: readonly Property[] = [
  {
    name: "memory() counts every weight, and stays the same",
    share: 0.3,
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { density: 100 }),
        (recipe) =>
          withSession(subject, recipe, async (session, { plan, stimuli }) => {
            const before = session.memory();
            const own = plan.format === undefined ? subject.info.formats : [plan.format];
            const bits = Math.min(...own.map((format) => BITS[format] ?? 1));
            const least = weightCount(plan) * bits / 8;
            claim(
              before.weights >= least && before.state > 0 && before.scratch >= 0,
              `It reports ${before.weights} bytes of weights and ${before.state} of state; the weights alone have ${least}`,
            );
            for (const stimulus of stimuli) await stepOnce(session, stimulus);
            await session.report();
            const after = session.memory();
            claim(
              JSON.stringify(after) === JSON.stringify(before),
              `memory() changes while it runs: ${JSON.stringify(before)}, ${JSON.stringify(after)}`,
            );
          }),
      ),
  },
  {
    name: "thousands of steps leave nothing behind",
    share: 0.01,
    of: (subject) =>
      fc.asyncProperty(
        fc.noShrink(
          recipesFor(subject, { width: 16, height: 16, layers: [2], floats: true }),
        ),
        (recipe) =>
          withSession(subject, recipe, async (session, { stimuli }) => {
            await steps(subject, session, stimuli, 500);
            const before = used();
            await steps(subject, session, stimuli, 2500);
            const grown = used() - before;
            claim(grown < SLACK, `2500 steps leave ${grown} bytes behind`);
          }),
      ),
  },
  {
    name: "sessions that are closed leave nothing behind",
    share: 0.01,
    of: (subject) =>
      fc.asyncProperty(
        fc.noShrink(
          recipesFor(subject, { width: 16, height: 16, layers: [2], before: 0 }),
        ),
        async (recipe) => {
          const { plan, checkpoint, stimuli } = await buildCase(recipe);
          const device = await subject.device();
          const cycle = async (times: number) => {
            for (let i = 0; i < times; i++) {
              await using session = await device.load(plan, checkpoint);
              await stepOnce(session, stimuli[0]!);
            }
          };
          await cycle(10);
          const before = used();
          await cycle(50);
          const grown = used() - before;
          claim(grown < SLACK, `50 sessions that were closed leave ${grown} bytes behind`);
        },
      ),
  },
];
