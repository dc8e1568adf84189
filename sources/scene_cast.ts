/**
 * Which objects are on the stage of the built-in scene, and where, at any moment.
 *
 * Lengths are in view units: 1 is the square root of the view's area; the view's centre is (0, 0).
 *
 * @module
 */
import { hash } from "./scene_texture.ts";

/** What an object looks like from far away. */
export type ObjectKind = "ellipse" | "box";

/** An object at one moment. */
export interface Actor {
  /** Different for every object that ever enters. */
  readonly id: number;
  /** Its shape. */
  readonly kind: ObjectKind;
  /** Its centre, to the right. */
  readonly x: number;
  /** Its centre, downwards. */
  readonly y: number;
  /** Half its width, before it is turned. */
  readonly halfWidth: number;
  /** Half its height, before it is turned. */
  readonly halfHeight: number;
  /** How far it is turned, in radians. */
  readonly angle: number;
  /** Distance, from 0 (nearest) to 1. */
  readonly depth: number;
  /** Its colour: red, green, blue from 0 to 1. */
  readonly colour: readonly [number, number, number];
  /** Where in the texture its own surface begins, in texture sides. */
  readonly grain: number;
}

/** How many objects are somewhere on their way; some of them are just outside. */
const TRACKS = 7;
/** Seconds that an object takes from one edge to another. */
const FASTEST = 2.6, SLOWEST = 6.5;

/**
 * The objects that may be in view.
 *
 * Each track sends one object after another across the view. All of an object follows from the seed, its track and
 * its turn, so that any moment can be computed without those before it.
 *
 * @param seed the seed of the scene
 * @param seconds the time since the scene began
 * @param width the view's width in view units
 * @param height the view's height in view units
 * @returns the objects, the farthest first
 */
export function castAt(seed: number, seconds: number, width: number, height: number): Actor[] {
  return Array.from({ length: TRACKS }, (_, track) => actor(seed, seconds, track, width, height))
    .sort((a, b) => b.depth - a.depth || a.id - b.id);
}

function actor(
  seed: number,
  seconds: number,
  track: number,
  width: number,
  height: number,
): Actor {
  const period = FASTEST + (SLOWEST - FASTEST) * hash(seed, track, 1);
  const elapsed = seconds / period + hash(seed, track, 2);
  const turn = Math.floor(elapsed);
  const id = turn * TRACKS + track;
  const draw = (what: number) => hash(seed, track, turn, 100 + what);

  const size = 0.08 + 0.14 * draw(0);
  const shape = 0.65 + 0.7 * draw(1);
  const halfWidth = size * shape, halfHeight = size / shape;
  const reach = Math.hypot(halfWidth, halfHeight);
  // From outside one edge, through a point near the middle, to outside again.
  const heading = 2 * Math.PI * draw(2);
  const throughX = (draw(3) - 0.5) * 0.6 * width, throughY = (draw(4) - 0.5) * 0.6 * height;
  const half = Math.hypot(width, height) / 2 + Math.hypot(throughX, throughY) + reach + 0.1;
  const way = (2 * (elapsed - turn) - 1) * half;
  const sway = 0.07 * Math.sin(2 * Math.PI * (draw(5) + (elapsed - turn) * (1 + draw(6))));
  return {
    id,
    kind: draw(7) < 0.5 ? "ellipse" : "box",
    x: throughX + way * Math.cos(heading) - sway * Math.sin(heading),
    y: throughY + way * Math.sin(heading) + sway * Math.cos(heading),
    halfWidth,
    halfHeight,
    angle: 2 * Math.PI * draw(8) + (draw(9) - 0.5) * 0.8 * seconds,
    depth: draw(10),
    colour: hue(draw(11)),
    grain: draw(12),
  };
}

/** A clear colour from around the colour wheel. */
function hue(turn: number): [number, number, number] {
  const part = (shift: number) => 0.58 + 0.4 * Math.cos(2 * Math.PI * (turn + shift));
  return [part(0), part(1 / 3), part(2 / 3)];
}
