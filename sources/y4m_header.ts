/**
 * The first line of a y4m file (YUV4MPEG2): size, rate and how colour is stored.
 *
 * @module
 */
import { type Size, SourceError } from "./source.ts";

/** How many pixels share a colour sample, sideways and downwards. */
export interface Chroma {
  /** Pixels that share one sample sideways; 0 where there is no colour at all. */
  readonly across: 0 | 1 | 2;
  /** Pixels that share one sample downwards; 0 where there is no colour at all. */
  readonly down: 0 | 1 | 2;
}

/** What the first line says. */
export interface Y4mHeader extends Size {
  /** Frames a second, or null where the file does not say. */
  readonly fps: number | null;
  /** How colour is stored. */
  readonly chroma: Chroma;
  /** Whether brightness uses all of 0 to 255, not 16 to 235. */
  readonly fullRange: boolean;
}

/** A file may say any size; one that is larger than this is damaged, not large. */
const LARGEST_SIDE = 16384;

const HALVED: Chroma = { across: 2, down: 2 };
const CHROMA: Readonly<Record<string, Chroma>> = {
  "420": HALVED,
  "420jpeg": HALVED,
  "420mpeg2": HALVED,
  "420paldv": HALVED,
  "422": { across: 2, down: 1 },
  "444": { across: 1, down: 1 },
  "mono": { across: 0, down: 0 },
};

/**
 * Reads the first line of a y4m file.
 *
 * @param line the line, without its newline
 * @param name the file, for the messages
 * @returns what it says
 * @throws {SourceError} when it is no y4m header, or asks for what is not supported
 */
export function parseY4mHeader(line: string, name: string): Y4mHeader {
  const [magic, ...fields] = line.split(" ");
  if (magic !== "YUV4MPEG2") throw new SourceError(`Cannot read ${name}: it is not a y4m file`);
  const last = (letter: string) => fields.findLast((field) => field.startsWith(letter))?.slice(1);
  const width = Number(last("W")), height = Number(last("H"));
  if (!isSide(width) || !isSide(height)) {
    throw new SourceError(
      `Cannot read ${name}: its first line gives no size (W and H) from 1 to ${LARGEST_SIDE}`,
    );
  }
  const space = last("C") ?? "420jpeg";
  const chroma = CHROMA[space];
  if (chroma === undefined) {
    throw new SourceError(
      `Cannot read ${name}: its colour space ${space} is not supported; convert it to 8 bits (ffmpeg -i ... -pix_fmt yuv420p out.y4m)`,
    );
  }
  const [frames, seconds] = (last("F") ?? "").split(":").map(Number);
  const fps = frames && seconds ? frames / seconds : null;
  const range = fields.find((field) => field.startsWith("XCOLORRANGE="));
  // Grey pictures have always used the full range; ffmpeg reads them so as well.
  const fullRange = range === undefined ? space === "mono" : range.endsWith("=FULL");
  return { width, height, fps, chroma, fullRange };
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= LARGEST_SIDE;
}
