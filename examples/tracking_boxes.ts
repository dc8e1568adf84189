/**
 * Where the model is surprised, and where the objects are: the scene knows their true boxes.
 *
 * Run it: `deno run --allow-read examples/tracking_boxes.ts`
 */
import { builtinSpec, compilePlan, initialCheckpoint, openDevice, openScene } from "../mod.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const { width, height } = plan.frame;
const scene = openScene({ size: plan.frame, seed: 3 });
const { device } = await openDevice("wasm");
const session = await device.load(plan, initialCheckpoint(plan));

const frame = new Uint8Array(width * height * 3);
for (let step = 0; step < 400; step++) {
  scene.next(frame);
  await session.step({ frame });
  if (step % 100 !== 99) continue;
  const { mse } = await session.report();
  const boxes = scene.objects().map(({ kind, box }) => `${kind} at ${box.x},${box.y}`);
  console.log(`step ${step + 1}: mse ${mse.at(-4)!.toExponential(2)}; ${boxes.join("; ")}`);
}
await device[Symbol.asyncDispose]();
