/**
 * `deno task bench:peers`: the backends, naive loops and other libraries in one run, checked against the reference before they are
 * timed. Writes docs/benchmarks.md.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { BUILTIN_NAMES } from "../../model/builtin.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { type Plan, unitCount, weightCount } from "../../model/plan.ts";
import type { RuleName } from "../../model/spec.ts";
import { MotionKernel } from "../../runtime/motion_kernel.ts";
import { parseArgs } from "../../std.ts";
import { benchPlan, makeFrames, measure } from "../throughput.ts";
import { type ExportedInput, exportModel } from "./export.ts";
import { type Installed, installNumpy, installTensorFlow } from "./install.ts";
import { thisMachine } from "./machine.ts";
import { type ModelResult, type PeerRow, render } from "./page.ts";
import { Peer, PeerError } from "./peer.ts";
import { agrees, type Deviation, deviationOf, expect, LIMITS, VERIFY_STEPS } from "./verify.ts";

/** Updates between two writes of deferred updates: none, and many. */
const DEFERS = [0, 16];
const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PAGE = beside("../../docs/benchmarks.md");
const TEMPLATE = beside("./benchmarks.template.md");

/** A peer that does not run the same step: what it measures would mean nothing. */
class DisagreementError extends Error {
  override name = "DisagreementError";
}

/** The frames forth and back, as the backends see them, and the motion candidate of each. */
async function makeInput(plan: Plan): Promise<ExportedInput> {
  const forth = makeFrames(plan);
  const frames = [...forth, ...forth.slice(1, -1).reverse()];
  if (plan.rule.name !== "saccade" || plan.rule.motion === 0) return { frames, candidates: [] };
  const kernel = await MotionKernel.create(plan.frame, plan.rule.motion);
  const candidates = frames.map((frame) => {
    kernel.next(frame);
    return kernel.candidate.slice();
  });
  return { frames, candidates };
}

/** Measures one model on everything there is. */
async function measureAll(
  spec: string,
  rule: RuleName,
  installed: readonly Installed[],
  options: { threads: readonly number[]; seconds: number },
): Promise<ModelResult> {
  const plan = benchPlan(spec, rule);
  const folder = await Deno.makeTempDir({ prefix: "saccade-peers-" });
  try {
    await using stack = new AsyncDisposableStack();
    const peers: { peer: Peer; deviation: Deviation; rates: number[] }[] = [];
    const able = installed.filter(({ rules }) => rules.includes(rule));
    if (able.length > 0) {
      const input = await makeInput(plan);
      await exportModel(plan, initialCheckpoint(plan), input, folder);
      const expected = await expect(plan, input);
      for (const { program, threaded } of able) {
        for (const threads of threaded ? options.threads : [1]) {
          const peer = stack.use(await Peer.start(program(folder, threads)));
          const verified = await peer.verify(VERIFY_STEPS, `${folder}/peer.bin`);
          const bytes = await Deno.readFile(`${folder}/peer.bin`);
          const deviation = deviationOf(plan, expected, verified, bytes);
          const words = `${deviation.values.toExponential(1)} from the reference, ${
            deviation.learned.toExponential(1)
          } of what was learned`;
          console.error(`${spec} ${rule}: ${peer.name}, threads ${threads}: ${words}`);
          if (!agrees(deviation)) {
            const { values, learned } = LIMITS;
            throw new DisagreementError(
              `${peer.name} does not run the step of "${spec}", rule ${rule}: it is ${words}, more than ${values} or ${learned}`,
            );
          }
          peers.push({ peer, deviation, rates: [] });
        }
      }
    }
    const turn = async (ms: number) => {
      for (const { peer, rates } of peers) {
        const { steps, ms: took } = await peer.time(ms);
        rates.push(1000 * steps / took);
      }
    };
    const rows = await measure(spec, rule, { ...options, defers: DEFERS, turn });
    const peerRows = peers.map(({ peer, deviation, rates }): PeerRow => ({
      name: peer.name,
      version: peer.version,
      threads: peer.threads,
      deviation,
      stepsPerSecond: rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)]!,
    }));
    for (const { name, stepsPerSecond } of rows) console.error(name, stepsPerSecond.toFixed(1));
    for (const { name, threads, stepsPerSecond } of peerRows) {
      console.error(spec, rule, name, threads, stepsPerSecond.toFixed(1));
    }
    const [units, weights] = [unitCount(plan), weightCount(plan)];
    return { spec, rule, units, weights, rows, peers: peerRows };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the command; the exit code. */
async function main(args: string[]): Promise<number> {
  const flags = parseArgs(args, { string: ["only", "rule", "seconds", "output"] });
  const specs = String(flags["only"] ?? "small,large").split(",");
  const rules = (flags["rule"] === undefined ? ["2016", "saccade"] : [flags["rule"]]) as RuleName[];
  const seconds = Number(flags["seconds"] ?? 3);
  const unknown = Object.keys(flags).filter((name) =>
    !["_", "only", "rule", "seconds", "output"].includes(name)
  );
  if (
    unknown.length > 0 || flags._.length > 0 || !(seconds > 0) ||
    !specs.every((name) => BUILTIN_NAMES.includes(name)) ||
    !rules.every((rule) => rule === "2016" || rule === "saccade")
  ) {
    console.error(
      `Flags: --only MODELS of ${
        BUILTIN_NAMES.join(",")
      }; --rule 2016 or saccade; --seconds N; --output FILE`,
    );
    return 2;
  }
  const machine = await thisMachine();
  const installed: Installed[] = [];
  const missing: string[] = [];
  for (const install of [installNumpy, installTensorFlow]) {
    try {
      installed.push(...await install());
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      console.error(error.message);
      missing.push(error.message);
    }
  }
  const cores = navigator.hardwareConcurrency;
  const threads = cores > 1 ? [1, cores] : [1];
  const results: ModelResult[] = [];
  try {
    for (const spec of specs) {
      for (const rule of rules) {
        results.push(await measureAll(spec, rule, installed, { threads, seconds }));
      }
    }
  } catch (error) {
    const kinds = [DisagreementError, PeerError, RangeError];
    if (!(error instanceof Error) || !kinds.some((kind) => error instanceof kind)) throw error;
    console.error(error.message);
    return error instanceof RangeError ? 2 : 1;
  }
  const command = ["deno task bench:peers", ...args].join(" ");
  const data = { machine, command, results, missing };
  const output = flags["output"] === undefined ? PAGE : String(flags["output"]);
  await Deno.writeTextFile(output, render(await Deno.readTextFile(TEMPLATE), data));
  const format = ["fmt", "--quiet", "--config", beside("../../deno.json"), output];
  await new Deno.Command(Deno.execPath(), { args: format }).output();
  return missing.length > 0 ? 3 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
