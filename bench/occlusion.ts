/**
 * What a model fills in where it sees nothing: after `--steps` frames of the built-in scene it is frozen, and again and again a square of
 * the frames that follow is hidden from it, or all of them. There it sees what it expected to see instead. Printed is the skill of what it
 * expects under the cover, 1 - MSE / MSE of what was seen there last, after so many hidden frames.
 *
 * ```sh
 * deno run -A bench/occlusion.ts --spec small --steps 20000 --seeds 1,2,3 --threads 2
 * ```
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { wasmBackend } from "../backends/wasm/backend.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { frameLength, offsetsOf, type Plan } from "../model/plan.ts";
import { framePositions } from "../runtime/picture.ts";
import type { Source } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { parseArgs } from "../std.ts";
import { ITSELF, NONE } from "./contexts.ts";
import { meanAndSpread } from "./spread.ts";

/** Frames that are seen before each cover, and those that are hidden. */
const SEEN = 16;
const HIDDEN = 16;
/** Hidden frames after which the error is printed. */
const AFTER = [1, 2, 3, 4, 8, 16] as const;
const EPISODES = 150;

const SHIFT = { shift_radius: 2 };

/** Models that differ in what a unit is told, and in whether pixels are carried on. */
const VARIANTS: readonly (readonly [name: string, fields: Readonly<Record<string, unknown>>])[] = [
  ["networks, all contexts", {}],
  ["networks, a unit's own context", ITSELF],
  ["networks, no contexts", NONE],
  ["shift and networks, all contexts", SHIFT],
  ["shift and networks, no contexts", { ...SHIFT, ...NONE }],
];

/** A part of the frame, in pixels. */
interface Cover {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

/** Which covers are tried: side as a share of the frame's. */
const COVERS = { "a quarter of each side": 0.25, "everything": 1 } as const;

type CoverName = keyof typeof COVERS;

/** A model that is shown frames, covered or not. */
class Viewer {
  readonly #session: Session;
  readonly #plan: Plan;
  readonly #positions: Uint32Array;
  readonly #outputs: Float32Array;
  readonly #places: Uint32Array;
  /** What it expects of the next frame. */
  readonly expected: Float32Array;
  /** What it is shown. */
  readonly #shown: Float32Array;

  constructor(plan: Plan, session: Session) {
    this.#plan = plan;
    this.#session = session;
    this.#positions = framePositions(plan);
    const { output, signal } = offsetsOf(plan);
    this.#outputs = new Float32Array(output.at(-1)!);
    // Of each unit of layer 0 the outputs begin with the signal.
    const places: number[] = [];
    for (let u = 0; u < plan.layerStart[1]!; u++) {
      for (let i = 0; i < signal[u + 1]! - signal[u]!; i++) places.push(output[u]! + i);
    }
    this.#places = Uint32Array.from(places);
    this.expected = new Float32Array(frameLength(plan));
    this.#shown = this.expected.slice();
  }

  /** Shows a frame, with what it expected where it is covered. */
  async see(frame: Uint8Array, cover: Cover | null, learn: boolean): Promise<void> {
    const { width } = this.#plan.frame;
    for (let i = 0; i < frame.length; i++) this.#shown[i] = frame[i]! / 255;
    if (cover !== null) {
      eachCovered(cover, width, (at) => this.#shown[at] = this.expected[at]!);
    }
    await this.#session.step({ frame: this.#shown }, { learn });
    if (learn) return;
    await this.#session.read("prediction", this.#outputs);
    for (const [i, at] of this.#positions.entries()) {
      this.expected[at] = Math.min(Math.max(this.#outputs[this.#places[i]!]!, 0), 1);
    }
  }

  /** Forgets the reports. */
  async drain(): Promise<void> {
    await this.#session.report();
  }
}

function eachCovered({ top, left, side }: Cover, width: number, each: (at: number) => void): void {
  for (let row = top; row < top + side; row++) {
    const begin = 3 * (row * width + left);
    for (let at = begin; at < begin + 3 * side; at++) each(at);
  }
}

/** Numbers from 0 to below 1, the same in every run. */
function* chances(): Generator<number, never> {
  for (let state = 1;;) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    yield state / 2 ** 32;
  }
}

/** Skills after each number of hidden frames. */
async function fillIn(
  viewer: Viewer,
  { frame, scene, share }: { frame: Uint8Array; scene: Source; share: number },
  width: number,
): Promise<number[]> {
  const side = Math.round(share * width);
  const chance = chances();
  const place = () => Math.floor(chance.next().value * (width - side + 1));
  const [error, held] = [new Float64Array(HIDDEN + 1), new Float64Array(HIDDEN + 1)];
  for (let episode = 0; episode < EPISODES; episode++) {
    const cover = { top: place(), left: place(), side };
    for (let t = 0; t < SEEN; t++) {
      await scene.next(frame);
      await viewer.see(frame, null, false);
    }
    const last = frame.slice();
    for (let k = 1; k <= HIDDEN; k++) {
      await scene.next(frame);
      eachCovered(cover, width, (at) => {
        const now = frame[at]! / 255;
        error[k]! += (viewer.expected[at]! - now) ** 2;
        held[k]! += (last[at]! / 255 - now) ** 2;
      });
      await viewer.see(frame, cover, false);
    }
    await viewer.drain();
  }
  return AFTER.map((k) => 1 - error[k]! / held[k]!);
}

const flags = parseArgs(Deno.args, {
  string: ["spec", "steps", "seeds", "threads"],
  default: { spec: "small", steps: "20000", seeds: "1", threads: "2" },
}) as unknown as Record<"spec" | "steps" | "seeds" | "threads", string>;

/** Skills of one model under each cover. */
async function tryModel(fields: Readonly<Record<string, unknown>>, seed: number) {
  const plan = compilePlan(builtinSpec(flags.spec, { fields: { ...fields, motion: 0, seed } }));
  await using device = await wasmBackend({ threads: Number(flags.threads) }).open("relaxed");
  await using session = await device.load(plan, initialCheckpoint(plan));
  await using scene = openScene({ size: plan.frame });
  const frame = new Uint8Array(frameLength(plan));
  const viewer = new Viewer(plan, session);
  for (let t = 0; t < Number(flags.steps); t++) {
    await scene.next(frame);
    await viewer.see(frame, null, true);
    if (t % 256 === 0) await viewer.drain();
  }
  const skills: Partial<Record<CoverName, number[]>> = {};
  for (const [name, share] of Object.entries(COVERS)) {
    await viewer.drain();
    skills[name as CoverName] = await fillIn(viewer, { frame, scene, share }, plan.frame.width);
  }
  return skills as Record<CoverName, number[]>;
}

const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
console.log(`${flags.spec}, ${flags.steps} frames of the scene, seeds ${flags.seeds}\n`);
const head = ["model", "hidden", ...AFTER.map((k) => `${k} frame${k === 1 ? "" : "s"}`)];
row(head);
row(head.map(() => "---"));
for (const [name, fields] of VARIANTS) {
  const seeds: Record<CoverName, number[]>[] = [];
  for (const seed of flags.seeds.split(",")) seeds.push(await tryModel(fields, Number(seed)));
  for (const cover of Object.keys(COVERS) as CoverName[]) {
    row([
      name,
      cover,
      ...AFTER.map((_, i) =>
        meanAndSpread(seeds.map((skills) => skills[cover][i]!), (value) => value.toFixed(3))
      ),
    ]);
  }
}
