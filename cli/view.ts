/**
 * What a run looks like: live pictures where there is a terminal, plain lines where there is none, a table at the end.
 *
 * @module
 */
import { bold, dim, green, red } from "../std.ts";
import type { HostedRun, Listener } from "../runtime/host.ts";
import type { Picture } from "../runtime/picture.ts";
import type { Report } from "../runtime/report.ts";
import { blocks, type Colour } from "./blocks.ts";
import { quantity, signed, small } from "./format.ts";

/** Milliseconds between two pictures. */
const PICTURE_MS = 100;

let gone = false;

/** From now on nothing is written: the terminal was closed, and writing to it would fail. */
export function hangUp(): void {
  gone = true;
}

/** Writes all of a text; what was on the way when a pipe closed is lost, as it should be. */
export function write(
  text: string,
  to: { writeSync(bytes: Uint8Array): number } = Deno.stdout,
): void {
  if (gone) return;
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** The energy of a record: never without its method. */
function energyOf({ perStep, energy }: Report): string {
  if (energy === null) return "energy unknown";
  return `${quantity(perStep.joules, "J")}/step (${energy.method})`;
}

/** How many units skipped learning, where any may. */
const shareText = (share: number) => `${(100 * share).toFixed(1)} %`;

/** One record as a line. */
export function line(report: Report): string {
  const { step, skill, motionSkill, mse, copyLastMse } = report;
  const { stepsPerSecond, perStep, skippedShare, dropped } = report;
  return [
    `step ${step}`,
    `skill ${signed(skill)}${motionSkill === null ? "" : ` (motion alone ${signed(motionSkill)})`}`,
    `mse ${small(mse.frame)} (copy-last ${small(copyLastMse)})`,
    ...(report.density < 1 ? [`density ${report.density.toFixed(3)}`] : []),
    `${stepsPerSecond?.toFixed(1) ?? "unknown"} steps/s`,
    `${quantity(perStep.bytesRead + perStep.bytesWritten, "B")}/step`,
    ...(skippedShare === null ? [] : [`${shareText(skippedShare)} skipped`]),
    energyOf(report),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
  ].join("  ");
}

/** A row of the summary, where there is something to say. */
function rowsOf(name: string, value: string | null): [string, string][] {
  return value === null ? [] : [[name, value]];
}

/** The summary as a table. */
export function summary(report: Report): string {
  const { mse, memory, perStep, energy, ms } = report;
  const range = energy === null
    ? "no meter and nothing counted"
    : `${energy.source}; ${energy.scope}; ${quantity(energy.low, "J")} to ${
      quantity(energy.high, "J")
    }`;
  const rows: [string, string][] = [
    ["steps", `${report.steps} (${report.step} in the model's life)`],
    ["prediction error (MSE)", small(mse.frame)],
    ["copying the last frame", small(report.copyLastMse)],
    ["skill", `${signed(report.skill)} (moving frames ${signed(report.movingSkill)})`],
    ["skill of motion alone", report.motionSkill === null ? "off" : signed(report.motionSkill)],
    ["error by layer", mse.layers.map(small).join(" ")],
    ["speed", `${report.stepsPerSecond?.toFixed(1) ?? "unknown"} steps/s`],
    [
      "time a step",
      `source ${ms.source.toFixed(2)} ms, step ${ms.step.toFixed(2)} ms, report ${
        ms.report.toFixed(2)
      } ms`,
    ],
    ...(report.density < 1
      ? [["weights kept", `${(100 * report.density).toFixed(1)} %`] as [string, string]]
      : []),
    ["work a step", `${quantity(perStep.macs, "MAC")}`],
    [
      "bytes a step",
      `${quantity(perStep.bytesRead, "B")} read, ${quantity(perStep.bytesWritten, "B")} written`,
    ],
    ...rowsOf(
      "units that skipped learning",
      report.skippedShare === null ? null : shareText(report.skippedShare),
    ),
    [
      "energy",
      energy === null
        ? "unknown"
        : `${quantity(energy.joules, "J")} ${energy.method}, ${
          quantity(perStep.joules, "J")
        } a step`,
    ],
    ["", range],
    [
      "memory",
      `weights ${quantity(memory.weights, "B")}, state ${quantity(memory.state, "B")}, process ${
        quantity(memory.rss, "B")
      }`,
    ],
    ...rowsOf("dropped frames", report.dropped > 0 ? String(report.dropped) : null),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

/** A live view in a terminal: three pictures and the last record, redrawn in place. */
export class LiveView implements Listener {
  readonly #colour: Colour;
  readonly #warn: (sentence: string) => void;
  #run: HostedRun | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #report: Report | undefined;
  #skills: number[] = [];
  #lines = 0;

  /**
   * @param colour how the terminal shows colour
   * @param warn told of warnings
   */
  constructor(colour: Colour, warn: (sentence: string) => void) {
    this.#colour = colour;
    this.#warn = warn;
  }

  /** Begins to look. */
  start(run: HostedRun): void {
    this.#run = run;
    write("\x1b[?25l");
    run.look();
  }

  report(report: Report): void {
    this.#report = report;
    if (report.kind === "window" && report.skill !== null) this.#skills.push(report.skill);
  }

  picture(picture: Picture): void {
    this.#draw(picture);
    this.#timer = setTimeout(() => this.#run?.look(), PICTURE_MS);
  }

  warning(sentence: string): void {
    this.#warn(sentence);
    this.#lines = 0;
  }

  /** Ends the view; the cursor comes back. */
  end(): void {
    clearTimeout(this.#timer);
    this.#run = undefined;
    write("\x1b[?25h");
  }

  #draw({ width, height, frame, prediction, error }: Picture): void {
    const { columns } = Deno.consoleSize();
    const each = Math.max(Math.min(Math.floor((columns - 4) / 3), width), 8);
    const shown = [frame, prediction, error].map((bytes) => ({ width, height, bytes }));
    const caption = ["frame", "prediction", "error x 4"].map((text) => text.padEnd(each)).join(
      "  ",
    );
    const lines = [
      dim(caption),
      ...blocks(shown, { columns: each, colour: this.#colour }),
      ...this.#status(columns),
    ];
    // Up to where the last picture began, and over it line by line: nothing flickers.
    const up = this.#lines > 0 ? `\x1b[${this.#lines}A` : "";
    write(up + lines.map((text) => `${text}\x1b[K\n`).join(""));
    this.#lines = lines.length;
  }

  #status(columns: number): string[] {
    const report = this.#report;
    if (report === undefined) return ["learning ..."];
    const { skill, motionSkill, stepsPerSecond, perStep } = report;
    const colour = (skill ?? 0) > 0 ? green : red;
    const alone = motionSkill === null ? "" : `, motion alone ${signed(motionSkill)}`;
    return [
      `step ${report.step}  skill ${
        bold(colour(signed(skill)))
      }  (1 is perfect, 0 is copying the last frame${alone})`,
      dim(
        `${stepsPerSecond?.toFixed(0) ?? "?"} steps/s  ${
          quantity(perStep.bytesRead + perStep.bytesWritten, "B")
        }/step  ${energyOf(report)}`,
      ),
      `skill so far ${spark(this.#skills, columns - 14)}`,
    ];
  }
}

const BARS = "▁▂▃▄▅▆▇█";

/** Values as a line of bars, from 0 to the largest; neighbours are averaged when there are too many. */
export function spark(values: readonly number[], width: number): string {
  const most = Math.max(...values, 1e-6);
  const group = Math.max(Math.ceil(values.length / Math.max(width, 1)), 1);
  let out = "";
  for (let i = 0; i < values.length; i += group) {
    const part = values.slice(i, i + group);
    const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
    out += BARS[Math.min(Math.max(Math.floor(mean / most * BARS.length), 0), BARS.length - 1)];
  }
  return out;
}
