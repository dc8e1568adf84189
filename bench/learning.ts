/**
 * How well the rule "saccade" learns from real clips: the first 70 % once, the rest frozen. Writes docs/learning.md. With `--results
 * FILE` results are added to a file as they come, and what is in it is not made again. `--backend` is for the parts; the published
 * ones are of the reference, from which "wasm" differs by rounding.
 *
 * ```sh
 * deno run -A bench/learning.ts [--results results.jsonl] [--backend reference] [CLIP ...]
 * ```
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import { frameSide } from "../model/spec.ts";
import { openVideo } from "../sources/video.ts";
import { parseArgs } from "../std.ts";
import { Kept } from "./kept.ts";
import { learnParts } from "./learning_parts.ts";
import { learnOnce, type Outcome, skillText } from "./learning_run.ts";

/** Skills published with the rule (first pass / frozen), motion 0 and 3: what this must come to within 0.02. */
const EXPECTED: Readonly<Record<string, Readonly<Record<number, readonly [number, number]>>>> = {
  "bottle-detection-160x120-30fps.mp4": { 0: [.041, .022], 3: [.581, .556] },
  "car-detection-160x120-12.5fps.mp4": { 0: [.298, .217], 3: [.714, .603] },
  "one-by-one-person-detection-160x120-10fps.mp4": { 0: [.283, .400], 3: [.661, .687] },
  "big-buck-bunny-480p-30sec-160x120-15fps.mp4": { 0: [.009, -.006], 3: [.071, -.008] },
};
const TOLERANCE = 0.02;

/** What one clip gave. */
interface Result extends Outcome {
  readonly frames: number;
}

async function learn(path: string, motion: number, folder: string): Promise<Result> {
  // At the rates that were published with the rule; the built-in model has others since.
  const spec = builtinSpec("small", { fields: { motion, encoder_rate: 0.1 } });
  const side = frameSide(spec);
  const open = () => openVideo(path, { size: { width: side, height: side }, fit: "stretch" });
  await using counted = await open();
  const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
  return {
    frames,
    ...await learnOnce(spec, open, frames, { save: `${folder}/model.safetensors` }),
  };
}

/** What one clip gave, with the name of its file. */
interface Row extends Result {
  readonly clip: string;
  readonly motion: number;
}

function clipsTable(results: readonly Row[]): string {
  const rows = results.map(({ clip, frames, motion, first, frozen }) => {
    const expected = EXPECTED[clip]?.[motion];
    const off = expected === undefined ? null : Math.max(
      Math.abs((first.skill ?? NaN) - expected[0]),
      Math.abs((frozen.skill ?? NaN) - expected[1]),
    );
    const cells = [
      clip,
      frames,
      motion,
      `${skillText(first.skill)} / ${skillText(frozen.skill)}`,
      expected === undefined ? "-" : `${skillText(expected[0])} / ${skillText(expected[1])}`,
      off === null ? "-" : off.toFixed(3),
      `${skillText(first.motionSkill)} / ${skillText(frozen.motionSkill)}`,
      `${first.mse.frame?.toExponential(2)} / ${frozen.mse.frame?.toExponential(2)}`,
      `${first.copyLastMse?.toExponential(2)} / ${frozen.copyLastMse?.toExponential(2)}`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `| clip | frames | motion radius | **skill** | published with the rule | largest difference | matching alone | MSE | MSE of copy-last |
|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}`;
}

/** The clips in the arguments, or all in the folder of test clips. */
async function clipsOf(args: readonly string[]): Promise<string[]> {
  if (args.length > 0) return [...args];
  const folder = new URL("../../shared/video/", import.meta.url).pathname;
  const clips: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".mp4")) clips.push(folder + name);
  }
  return clips.sort();
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["backend", "results"] });
  const backend = String(flags["backend"] ?? "reference");
  const file = flags["results"] as string | undefined;
  const clips = await clipsOf(flags._.map(String)).catch(() => []);
  if (clips.length === 0) {
    console.error("There are no clips: give video files as arguments");
    Deno.exit(3);
  }
  const kept = await Kept.open(file as string | undefined);
  const folder = await Deno.makeTempDir();
  const results: Row[] = [];
  for (const path of clips) {
    const clip = path.slice(path.lastIndexOf("/") + 1);
    for (const motion of [0, 3]) {
      const make = () => learn(path, motion, folder);
      results.push({ clip, motion, ...await kept.get(`${clip}, motion ${motion}`, make) });
    }
  }
  const template = await Deno.readTextFile(new URL("learning.template.md", import.meta.url));
  const { parts, rates, speed } = await learnParts(clips, folder, kept, backend);
  const page = template.replace("{{clips}}", clipsTable(results)).replace("{{parts}}", parts)
    .replace("{{rates}}", rates).replace("{{speed}}", speed);
  await Deno.remove(folder, { recursive: true });
  await Deno.writeTextFile(new URL("../docs/learning.md", import.meta.url), page);
  const off = results.filter(({ clip, motion, first, frozen }) => {
    const expected = EXPECTED[clip]?.[motion];
    return expected !== undefined &&
      [first, frozen].some(({ skill }, i) =>
        !(Math.abs((skill ?? NaN) - expected[i]!) <= TOLERANCE)
      );
  });
  for (const { clip, motion } of off) {
    console.error(`${clip}, motion ${motion}: more than ${TOLERANCE} from the published skill`);
  }
  Deno.exit(off.length === 0 ? 0 : 1);
}
