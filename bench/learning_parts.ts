/**
 * What each part of rule saccade gives, at layer 0: networks, shift candidate, motion candidate.
 *
 * @module
 */
import { parseSpec } from "../model/parse_spec.ts";
import { frameSide } from "../model/spec.ts";
import type { Size, Source } from "../sources/source.ts";
import { openScene } from "../sources/synthetic.ts";
import { openVideo } from "../sources/video.ts";
import { flowSkills } from "./peers/optical_flow.ts";
import { LEARNED, learnOnce, skillText } from "./learning_run.ts";

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

/** Mean, and the largest distance of a seed from it where there is one worth mention. */
function cell(outcomes: readonly { first: number; frozen: number }[]): string {
  const part = (values: readonly number[]) => {
    const mean = values.reduce((a, b) => a + b) / values.length;
    const spread = Math.max(...values.map((value) => Math.abs(value - mean)));
    return spread < 5e-4 ? skillText(mean) : `${skillText(mean)} ±${skillText(spread)}`;
  };
  return `${part(outcomes.map((o) => o.first))} / ${part(outcomes.map((o) => o.frozen))}`;
}

/** The best variant for each part, in hindsight. */
async function flowCell(
  open: () => Promise<Source>,
  size: Size,
  frames: number,
  folder: string,
): Promise<string> {
  await using source = await open();
  const skills = await flowSkills(source, size, Math.floor(LEARNED * frames), folder);
  if (skills === null) return "-";
  const best = (part: 0 | 1) => Math.max(...Object.values(skills).map((pair) => pair[part]));
  return `${skillText(best(0))} / ${skillText(best(1))}`;
}

/**
 * Runs all parts over clips and the built-in scene.
 *
 * @param clips files
 * @param folder for checkpoints
 * @param backend where to run
 * @returns a table in Markdown
 */
export async function partsTable(
  clips: readonly string[],
  folder: string,
  backend: string,
): Promise<string> {
  const side = frameSide(parseSpec(GROUND));
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
  const lines = [
    `| clip | ${PARTS.map(({ name }) => name).join(" | ")} | optical flow, best of 8 |`,
    `|---|${PARTS.map(() => "---|").join("")}---|`,
  ];
  for (const { name, open } of subjects) {
    await using counted = await open();
    const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
    const cells: string[] = [];
    for (const part of PARTS) {
      const outcomes: { first: number; frozen: number }[] = [];
      for (const seed of part.seeds) {
        const spec = parseSpec({ ...GROUND, ...part.fields, seed });
        const save = `${folder}/parts.safetensors`;
        const { first, frozen } = await learnOnce(spec, open, frames, { save, backend });
        outcomes.push({ first: first.skill ?? NaN, frozen: frozen.skill ?? NaN });
      }
      cells.push(cell(outcomes));
      console.log(name, part.name, cells.at(-1));
    }
    cells.push(await flowCell(open, size, frames, folder));
    console.log(name, "optical flow", cells.at(-1));
    lines.push(`| ${[name, ...cells].join(" | ")} |`);
  }
  return lines.join("\n");
}
