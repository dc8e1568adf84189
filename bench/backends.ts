/**
 * The backends of this machine against WebAssembly, in turns of a few steps in one process: what the machine does otherwise meets all.
 * `deno task bench:backends [SPEC] [SECONDS] [BACKEND,...]`; native is there after `deno task build:native`.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { findBackend, parseSpecifier } from "../backends/registry.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import type { Plan } from "../model/plan.ts";
import { failureOf } from "../runtime/failure.ts";
import { benchPlan, makeFrames } from "./throughput.ts";

/** Steps of a turn. */
const TURN = 5;

/** All are compared with the first. */
const BACKENDS = "wasm:relaxed,native:avx2,native:sse2,onnx:wasm";

/** One backend with a model of its own. */
interface Peer {
  readonly name: string;
  readonly session: Session;
  readonly times: number[];
  deviceNs: number;
  ms: number;
}

async function open(plan: Plan, specifier: string, threads: number): Promise<Peer> {
  const { backend: name, device: id } = parseSpecifier(specifier);
  const backend = await findBackend(name, { threads });
  const device = await backend.open(id ?? (await backend.probe())[0]!.id);
  const session = await device.load(plan, initialCheckpoint(plan));
  return { name: specifier, session, times: [], deviceNs: 0, ms: 0 };
}

/** A turn: milliseconds of its steps. */
async function turn({ session }: Peer, frames: readonly Uint8Array[], plan: Plan, from: number) {
  const external = new Float32Array(plan.external.motion).fill(0.5);
  const begin = performance.now();
  for (let i = 0; i < TURN; i++) {
    const frame = frames[(from + i) % frames.length]!;
    const pending = session.step(external.length > 0 ? { frame, external } : { frame });
    if (pending !== undefined) await pending;
  }
  return performance.now() - begin;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const [spec = "small", seconds = "10", specifiers = BACKENDS] = Deno.args;
for (const rule of ["2016", "saccade"] as const) {
  for (const threads of [1, 2]) {
    const plan = benchPlan(spec, rule);
    const frames = makeFrames(plan);
    const peers: Peer[] = [];
    for (const specifier of specifiers.split(",")) {
      try {
        peers.push(await open(plan, specifier, threads));
      } catch (error) {
        console.error(`${specifier} is not here: ${failureOf(error).message}`);
      }
    }
    for (const peer of peers) {
      await turn(peer, frames, plan, 0);
      await peer.session.report();
    }
    const end = performance.now() + 1000 * Number(seconds);
    for (let at = TURN; performance.now() < end; at += TURN) {
      for (const peer of peers) {
        const ms = await turn(peer, frames, plan, at);
        peer.times.push(ms / TURN);
        peer.ms += ms;
        peer.deviceNs += (await peer.session.report()).deviceNs ?? 0;
      }
    }
    for (const { name, times, deviceNs, ms } of peers) {
      const ratio = median(times.map((ms, i) => peers[0]!.times[i]! / ms));
      const around = deviceNs === 0
        ? ""
        : `, ${(100 * (1 - deviceNs / 1e6 / ms)).toFixed(2)} % around`;
      console.log(
        `${spec} ${rule.padEnd(7)} ${threads} thread${threads > 1 ? "s" : " "} ${name.padEnd(13)} ${
          (1000 / median(times)).toFixed(1).padStart(7)
        } steps/s  ${ratio.toFixed(2)} x ${peers[0]!.name}${around}`,
      );
    }
    for (const { session } of peers) await session[Symbol.asyncDispose]();
  }
}
Deno.exit();
