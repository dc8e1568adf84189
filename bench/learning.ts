/**
 * How well the rule "saccade" learns from real clips: the first 70 % once, the rest frozen. Writes docs/learning.md.
 *
 * @module
 */
import { builtinSpec } from "../model/builtin.ts";
import { frameSide } from "../model/spec.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import type { Report } from "../runtime/report.ts";
import { run } from "../runtime/runtime.ts";
import { openVideo } from "../sources/video.ts";

/** Skills published with the rule (first pass / frozen), motion 0 and 3: what this must come to within 0.02. */
const EXPECTED: Readonly<Record<string, Readonly<Record<number, readonly [number, number]>>>> = {
  "bottle-detection-160x120-30fps.mp4": { 0: [.041, .022], 3: [.581, .556] },
  "car-detection-160x120-12.5fps.mp4": { 0: [.298, .217], 3: [.714, .603] },
  "one-by-one-person-detection-160x120-10fps.mp4": { 0: [.283, .400], 3: [.661, .687] },
  "big-buck-bunny-480p-30sec-160x120-15fps.mp4": { 0: [.009, -.006], 3: [.071, -.008] },
};
const TOLERANCE = 0.02;
const LEARNED = 0.7;

/** What one clip gave. */
interface Result {
  readonly clip: string;
  readonly frames: number;
  readonly motion: number;
  readonly first: Report;
  readonly frozen: Report;
}

async function summaryOf(reports: AsyncGenerator<Report>): Promise<Report> {
  let last: Report | undefined;
  for await (const report of reports) last = report;
  return last!;
}

async function learn(path: string, motion: number, folder: string): Promise<Result> {
  const spec = builtinSpec("small", { fields: { motion } });
  const side = frameSide(spec);
  const open = () => openVideo(path, { size: { width: side, height: side }, fit: "stretch" });
  await using counted = await open();
  const frames = await counted.skip(Number.MAX_SAFE_INTEGER);
  const steps = Math.floor(LEARNED * frames);
  const save = `${folder}/model.safetensors`;
  await using source = await open();
  const first = await summaryOf(run({ spec, source, steps, save, window: 1000 }));
  await using rest = await open();
  const resume = await loadCheckpoint(save);
  const frozen = await summaryOf(run({ spec, source: rest, resume, learn: false, window: 1000 }));
  return { clip: path.slice(path.lastIndexOf("/") + 1), frames, motion, first, frozen };
}

const skill = (value: number | null | undefined) => value == null ? "-" : value.toFixed(3);

function render(results: readonly Result[]): string {
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
      `${skill(first.skill)} / ${skill(frozen.skill)}`,
      expected === undefined ? "-" : `${skill(expected[0])} / ${skill(expected[1])}`,
      off === null ? "-" : off.toFixed(3),
      `${skill(first.motionSkill)} / ${skill(frozen.motionSkill)}`,
      `${first.mse.frame?.toExponential(2)} / ${frozen.mse.frame?.toExponential(2)}`,
      `${first.copyLastMse?.toExponential(2)} / ${frozen.copyLastMse?.toExponential(2)}`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `# What the rule learns from real video

Written by \`deno task bench:learning\`; do not edit. Model \`small\`, rule \`saccade\`, f32, seed 1, 60 x 60 stretched by area from the
clip. The model sees the first 70 % of a clip **once**, learning from every frame; then it is frozen and predicts the rest. Never quote
the skill of a looped clip: a model learns a short loop by heart.

Skill = 1 - MSE / MSE of copying the last frame; 0 is as good as copying, 1 is perfect. "Matching alone" is the motion candidate
without anything learned (clip(I + 0.7 M, 0, 1)): what is computed must not be confused with what was learned. Each cell is first
pass / frozen rest.

| clip | frames | motion radius | **skill** | published with the rule | largest difference | matching alone | MSE | MSE of copy-last |
|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
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
  const clips = await clipsOf(Deno.args).catch(() => []);
  if (clips.length === 0) {
    console.error("There are no clips: give video files as arguments");
    Deno.exit(3);
  }
  const folder = await Deno.makeTempDir();
  const results: Result[] = [];
  for (const clip of clips) {
    for (const motion of [0, 3]) {
      const result = await learn(clip, motion, folder);
      results.push(result);
      console.log(clip, "motion", motion, skill(result.first.skill), skill(result.frozen.skill));
    }
  }
  await Deno.remove(folder, { recursive: true });
  await Deno.writeTextFile(new URL("../docs/learning.md", import.meta.url), render(results));
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
