/**
 * The native library against WebAssembly, in turns of a few steps in one process: what the machine does otherwise meets both.
 * `deno task bench:native [SPEC] [SECONDS]`, after `deno task build:native`.
 *
 * @module
 */
import type { Backend, Session } from "../backends/backend.ts";
import { ownBackend } from "../backends/native/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import type { Plan } from "../model/plan.ts";
import { benchPlan, makeFrames } from "./throughput.ts";

/** Steps of a turn. */
const TURN = 5;

/** One backend with a model of its own. */
interface Peer {
  readonly name: string;
  readonly session: Session;
  readonly times: number[];
  deviceNs: number;
  ms: number;
}

async function open(plan: Plan, name: string, backend: Backend, id: string): Promise<Peer> {
  const device = await backend.open(id);
  const session = await device.load(plan, initialCheckpoint(plan));
  return { name, session, times: [], deviceNs: 0, ms: 0 };
}

/** A turn: milliseconds a step. */
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

const spec = Deno.args[0] ?? "small";
const seconds = Number(Deno.args[1] ?? 10);
for (const rule of ["2016", "saccade"] as const) {
  for (const threads of [1, 2]) {
    const plan = benchPlan(spec, rule);
    const frames = makeFrames(plan);
    const native = await ownBackend({ threads });
    const infos = await native.probe();
    const peers = [
      await open(plan, "wasm relaxed", wasmBackend({ threads }), "relaxed"),
      ...await Promise.all(infos.map(({ id }) => open(plan, `native ${id}`, native, id))),
    ];
    for (const peer of peers) {
      await turn(peer, frames, plan, 0);
      await peer.session.report();
    }
    const end = performance.now() + 1000 * seconds;
    for (let at = TURN; performance.now() < end; at += TURN) {
      for (const peer of peers) {
        const ms = await turn(peer, frames, plan, at);
        peer.times.push(ms / TURN);
        peer.ms += ms;
        peer.deviceNs += (await peer.session.report()).deviceNs ?? 0;
      }
    }
    const [wasm] = peers;
    for (const { name, times, deviceNs, ms } of peers) {
      const ratio = median(times.map((ms, i) => wasm!.times[i]! / ms));
      const around = deviceNs === 0
        ? ""
        : `, ${(100 * (1 - deviceNs / 1e6 / ms)).toFixed(2)} % around`;
      console.log(
        `${spec} ${rule.padEnd(7)} ${threads} thread${threads > 1 ? "s" : " "} ${name.padEnd(13)} ${
          (1000 / median(times)).toFixed(1).padStart(7)
        } steps/s  ${ratio.toFixed(2)} x wasm${around}`,
      );
    }
    for (const { session } of peers) await session[Symbol.asyncDispose]();
  }
}
Deno.exit();
