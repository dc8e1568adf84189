/**
 * `deno task bench:kernels [--only NAMES] [--threads N] [--seconds N] [--json]`: checks every rung of the ladder against the
 * reference, then measures it.
 *
 * @module
 */
import { initialCheckpoint } from "../../model/initialise.ts";
import { BUILTIN_NAMES } from "../../model/builtin.ts";
import { parseArgs } from "../../std.ts";
import { deviationOf, ladderPlan, referenceState, sceneFrames, TOLERANCE } from "./check.ts";
import { type Rung, RUNGS } from "./rungs.ts";
import type { Runner } from "./runner.ts";

/** What is known of a rung. */
interface Row {
  readonly spec: string;
  readonly rung: number;
  readonly name: string;
  readonly changed: string;
  readonly threads: number;
  /** The largest deviation from the reference. */
  readonly deviation: number;
  readonly stepsPerSecond: number;
  /** Null for the first rung, and for one of fewer threads than the one before. */
  readonly timesBefore: number | null;
  readonly timesNaive: number;
}

/** Steps that are compared with the reference. */
const CHECKED = 3;
/** Times that the whole ladder is climbed; the best counts, for whatever else the machine does only slows. */
const ROUNDS = 40;
/** Frames of the scene, played forth and back. */
const FRAMES = 24;

async function measure(spec: string, threads: number, seconds: number): Promise<Row[]> {
  const plan = ladderPlan(spec);
  const checkpoint = initialCheckpoint(plan);
  const frames = sceneFrames(plan, FRAMES);
  const first = frames.slice(0, CHECKED);
  const want = referenceState(plan, checkpoint, first);
  await using stack = new AsyncDisposableStack();
  const runners: Runner[] = [];
  const deviations: number[] = [];
  for (const [i, rung] of RUNGS.entries()) {
    const runner = stack.use(await rung.open(plan, checkpoint, threads));
    const { most, tensor } = await deviationOf(runner, first, want);
    if (most > TOLERANCE) {
      throw new Error(`${spec}: rung ${i}, ${rung.name}, deviates by ${most} in ${tensor}`);
    }
    deviations.push(most);
    runners.push(runner);
  }
  const best = RUNGS.map(() => 0);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, runner] of runners.entries()) {
      const rate = await climb(runner, frames, 1000 * seconds / ROUNDS);
      // The first round warms up: the engine compiles again what is called often.
      if (round > 0) best[i] = Math.max(best[i]!, rate);
    }
  }
  return RUNGS.map(({ name, changed, parallel }: Rung, rung): Row => ({
    spec,
    rung,
    name,
    changed,
    threads: parallel ? threads : 1,
    deviation: deviations[rung]!,
    stepsPerSecond: best[rung]!,
    timesBefore: rung === 0 || (RUNGS[rung - 1]!.parallel && !parallel)
      ? null
      : best[rung]! / best[rung - 1]!,
    timesNaive: best[rung]! / best[0]!,
  }));
}

/** Steps a second over a while: two steps bring a model's memory back, then at least three count. */
async function climb(
  runner: Runner,
  frames: readonly Uint8Array[],
  forMs: number,
): Promise<number> {
  let [begin, count] = [0, -2];
  while (count < 3 || performance.now() - begin < forMs) {
    if (count === 0) begin = performance.now();
    const at = (count + 2) % (2 * FRAMES - 2);
    const working = runner.step(frames[at < FRAMES ? at : 2 * FRAMES - 2 - at]!);
    if (working !== undefined) await working;
    count++;
  }
  return 1000 * count / (performance.now() - begin);
}

/** Rows as a Markdown table. */
function render(rows: readonly Row[]): string {
  const lines = [
    ["", "rung", "what it changed", "threads", "steps/s", "x before", "x naive"],
    ["-", "-", "-", "-", "-", "-", "-"],
    ...rows.map(({ rung, name, changed, threads, stepsPerSecond, timesBefore, timesNaive }) => [
      String(rung),
      name,
      changed,
      String(threads),
      stepsPerSecond.toFixed(1),
      timesBefore?.toFixed(2) ?? "",
      timesNaive.toFixed(1),
    ]),
  ];
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((line) => line[column]!.length))
  );
  return lines.map((line, i) => {
    const cells = line.map((cell, column) => cell.padEnd(widths[column]!, i === 1 ? "-" : " "));
    return `| ${cells.join(" | ")} |`;
  }).join("\n");
}

if (import.meta.main) {
  const usage = "deno task bench:kernels [--only NAMES] [--threads N] [--seconds N] [--json]";
  const args = parseArgs(Deno.args, {
    string: ["only", "threads", "seconds"],
    boolean: ["json"],
    default: { only: "small", threads: String(navigator.hardwareConcurrency), seconds: "3" },
    unknown: (argument) => {
      console.error(`Unknown argument "${argument}": ${usage}`);
      Deno.exit(2);
    },
  });
  const specs = String(args["only"]).split(",");
  const [threads, seconds] = [Number(args["threads"]), Number(args["seconds"])];
  const unknown = specs.find((name) => !BUILTIN_NAMES.includes(name));
  if (unknown !== undefined || !Number.isInteger(threads) || threads < 1 || !(seconds > 0)) {
    console.error(
      unknown === undefined
        ? `Threads are a whole number from 1 on, seconds are more than 0: ${usage}`
        : `Unknown model "${unknown}": there are ${BUILTIN_NAMES.join(", ")}`,
    );
    Deno.exit(2);
  }
  for (const spec of specs) {
    const rows = await measure(spec, threads, seconds);
    if (args["json"]) { for (const row of rows) console.log(JSON.stringify(row)); }
    else console.log(`${spec}, rule 2016\n\n${render(rows)}\n`);
  }
}
