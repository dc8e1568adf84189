/**
 * How near a backend on a GPU comes to the GPU's memory: `deno run -A bench/gpu.ts [SPEC] [BACKEND] [RULE]` prints steps a second and the
 * weights they move, beside the bandwidth of a kernel that only copies, measured in turn with them on the same GPU.
 *
 * The defaults are `large`, `webgpu:f32` and `saccade`; the aim is half of the copy. On a CPU that plays a GPU the numbers say nothing.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { openDevice } from "../backends/registry.ts";
import { findAdapter } from "../backends/webgpu/adapter.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength, weightCount } from "../model/plan.ts";
import type { RuleName } from "../model/spec.ts";

/** Rounds of both; the median counts. */
const ROUNDS = 7;
/** A round takes about this long: Deno needs some 10 ms to see that a GPU is done. */
const ROUND_MS = 1000;
const COPY_BYTES = 2 ** 26;
const COPY = /* wgsl */ `
@group(0) @binding(0) var<storage, read> from_here: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> to_there: array<vec4f>;
@compute @workgroup_size(256)
fn copy(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&from_here); i += 256u * groups.x) {
    to_there[i] = from_here[i];
  }
}`;

/** What one round moved. */
interface Round {
  readonly bytes: number;
  readonly steps: number;
  readonly seconds: number;
}

/** Repeats something so often that it takes a round. */
async function repeats(once: (times: number) => Promise<unknown>): Promise<number> {
  let times = 1;
  for (;;) {
    const begin = performance.now();
    await once(times);
    const ms = performance.now() - begin;
    if (ms > ROUND_MS / 4) return Math.max(1, Math.round(times * ROUND_MS / ms));
    times *= 2;
  }
}

/** Copies a buffer to another one, again and again. */
async function openCopy(): Promise<{ round(): Promise<Round>; destroy(): void }> {
  const gpu = await (await findAdapter())!.requestDevice();
  const make = () => gpu.createBuffer({ size: COPY_BYTES, usage: GPUBufferUsage.STORAGE });
  const pipeline = gpu.createComputePipeline({
    layout: "auto",
    compute: { module: gpu.createShaderModule({ code: COPY }), entryPoint: "copy" },
  });
  const group = gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [make(), make()].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const copy = async (times: number) => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < times; i++) pass.dispatchWorkgroups(COPY_BYTES / 16 / 256 / 8);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
  };
  const times = await repeats(copy);
  return {
    async round() {
      const begin = performance.now();
      await copy(times);
      const seconds = (performance.now() - begin) / 1000;
      return { bytes: 2 * COPY_BYTES * times, steps: times, seconds };
    },
    destroy: () => gpu.destroy(),
  };
}

/** Steps, and what they moved. */
async function steps(session: Session, frames: readonly Uint8Array[], count: number) {
  let [bytes, made] = [0, 0];
  const begin = performance.now();
  while (made < count) {
    for (const end = Math.min(count, made + 512); made < end; made++) {
      const pending = session.step({ frame: frames[made % frames.length]! });
      if (pending !== undefined) await pending;
    }
    const { bytesRead, bytesWritten } = await session.report();
    bytes += bytesRead + bytesWritten;
  }
  return { bytes, steps: made, seconds: (performance.now() - begin) / 1000 };
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

async function main(): Promise<void> {
  const [model = "large", backend = "webgpu:f32", rule = "saccade"] = Deno.args;
  // Under rule 2016 every layer learns from the first step: it is then that all is moved.
  const fields = rule === "saccade" ? { motion: 0 } : { delay_each_layer_learning: 0 };
  const plan = compilePlan(builtinSpec(model, { rule: rule as RuleName, fields }));
  const frames = Array.from(
    { length: 16 },
    (_, n) => Uint8Array.from({ length: frameLength(plan) }, (_, i) => (i * 7 + n * 31) % 256),
  );
  const { device } = await openDevice(backend);
  await using _device = device;
  await using session = await device.load(plan, initialCheckpoint(plan));
  // What is written in the first two steps of rule saccade is nothing.
  await steps(session, frames, 4);
  const count = await repeats((times) => steps(session, frames, times));
  const copy = await openCopy();
  const [copies, rounds]: [Round[], Round[]] = [[], []];
  for (let i = 0; i < ROUNDS; i++) {
    copies.push(await copy.round());
    rounds.push(await steps(session, frames, count));
  }
  copy.destroy();
  const rate = ({ bytes, seconds }: Round) => bytes / seconds / 1e9;
  const [copied, moved] = [median(copies.map(rate)), median(rounds.map(rate))];
  const share = median(rounds.map((round, i) => rate(round) / rate(copies[i]!)));
  const speed = median(rounds.map(({ steps, seconds }) => steps / seconds));
  console.log(`${device.info.description}; ${(weightCount(plan) / 1e6).toFixed(1)} M weights`);
  console.log(`${model}, rule ${rule}, ${backend}: ${speed.toFixed(1)} steps/s`);
  console.log(
    `weights moved ${moved.toFixed(2)} GB/s, copy ${copied.toFixed(2)} GB/s: ${
      share.toFixed(2)
    } of it`,
  );
}

if (import.meta.main) await main();
