/**
 * What each part of rule saccade gives, at layer 0: networks, shift candidate, motion candidate.
 *
 * @module
 */
import { parseSpec } from "../model/parse_spec.ts";
import { frameSide } from "../model/spec.ts";
import { openScene } from "../sources/synthetic.ts";
import { openVideo } from "../sources/video.ts";
import type { Kept } from "./kept.ts";
import { LEARNED, learnOnce } from "./learning_run.ts";
import { convNetTable, partsTable, type Row, type Seeds, speedText } from "./learning_tables.ts";
import { convNetSkills, convNetSpeed } from "./peers/conv_net.ts";
import type { FramesOptions, Skills } from "./peers/frame_peer.ts";
import { thisMachine } from "./peers/machine.ts";
import { flowSkills } from "./peers/optical_flow.ts";
import { PeerError } from "./peers/peer.ts";

/** Layer 0 of `small` alone: contexts change nothing there, and the reference needs an eighth of the time. */
const GROUND = {
  rule: "saccade",
  layer_shapes: [12],
  disable_lateral: true,
  disable_feedback: true,
};
/** The networks do not learn: their decoders stay 0, so one hidden output does for all. */
const STILL = { schedule: [[0, 0]], hidden_block_size: 1 };
const SHIFT = { shift_radius: 2 };
const SCENE_FRAMES = 700;

/** The columns: what is on, and the seeds. */
const PARTS: readonly { name: string; fields: Record<string, unknown>; seeds: number[] }[] = [
  { name: "networks", fields: { motion: 0 }, seeds: [1] },
  { name: "shift", fields: { motion: 0, ...SHIFT, ...STILL }, seeds: [1] },
  { name: "**shift + networks**", fields: { motion: 0, ...SHIFT }, seeds: [1, 2, 3] },
  { name: "matching R 3", fields: { motion: 3, ...STILL }, seeds: [1] },
  { name: "**matching + shift + networks**", fields: { motion: 3, ...SHIFT }, seeds: [1] },
  {
    name: "the same, matching R 5, shift R 3",
    fields: { motion: 5, shift_radius: 3 },
    seeds: [1],
  },
];

/** What one of the others made of it; null where it cannot be had, which is said. */
async function unlessMissing<T>(made: Promise<T>): Promise<T | null> {
  try {
    return await made;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    console.error(error.message);
    return null;
  }
}

/** What the page says of the parts. */
export interface PartsText {
  /** A table of all parts, with the others beside them. */
  readonly parts: string;
  /** A table of the ConvNet at each rate. */
  readonly rates: string;
  /** A sentence on what the ConvNet costs. */
  readonly speed: string;
}

/**
 * Runs all parts over clips and the built-in scene.
 *
 * @param clips files
 * @param folder for checkpoints
 * @param kept what was made before
 * @param backend where to run the model
 * @returns Markdown
 */
export async function learnParts(
  clips: readonly string[],
  folder: string,
  kept: Kept,
  backend: string,
): Promise<PartsText> {
  const side = frameSide(parseSpec(GROUND));
  const on = backend === "reference" ? "" : `, ${backend}`;
  const size = { width: side, height: side };
  const subjects = [
    ...clips.map((path) => ({
      name: path.slice(path.lastIndexOf("/") + 1),
      open: () => openVideo(path, { size, fit: "stretch" as const }),
    })),
    {
      name: `the built-in scene, ${SCENE_FRAMES} frames`,
      open: () => Promise.resolve(openScene({ size, seed: 1, frames: SCENE_FRAMES })),
    },
  ];
  const rows: Row[] = [];
  for (const { name, open } of subjects) {
    await using counted = await open();
    const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
    const learned = Math.floor(LEARNED * frames);
    const over = async <T>(of: (frames: FramesOptions) => Promise<T>) => {
      await using source = await open();
      return await unlessMissing(of({ source, size, learned, folder }));
    };
    const parts: Seeds[] = [];
    for (const part of PARTS) {
      const seeds: Skills[] = [];
      for (const seed of part.seeds) {
        const skills = async (): Promise<Skills> => {
          const spec = parseSpec({ ...GROUND, ...part.fields, seed });
          const save = `${folder}/parts.safetensors`;
          const where = { save, backend };
          const { first, frozen } = await learnOnce(spec, open, frames, where);
          return [first.skill, frozen.skill];
        };
        seeds.push(await kept.get(`${name}, ${part.name}, seed ${seed}${on}`, skills));
      }
      parts.push(seeds);
    }
    const flow = await kept.get(`${name}, optical flow`, async () => {
      const skills = await over(flowSkills);
      return skills === null
        ? null
        : Object.fromEntries(Object.entries(skills).map(([of, pair]) => [of, [pair]]));
    });
    const convNet = await kept.get(`${name}, ConvNet`, () => over(convNetSkills));
    rows.push({ name, parts, flow, convNet });
  }
  const timed = await kept.get("ConvNet, speed", async () => {
    const speed = await unlessMissing(convNetSpeed(side));
    return speed === null ? null : { speed, machine: await thisMachine() };
  });
  return {
    parts: partsTable(PARTS.map(({ name }) => name), rows),
    rates: convNetTable(rows),
    speed: timed === null
      ? speedText(null, await thisMachine())
      : speedText(timed.speed, timed.machine),
  };
}
