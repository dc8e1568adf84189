/**
 * What a model sees, expected and missed, as pictures.
 *
 * @module
 */
import type { Session } from "../backends/backend.ts";
import { frameLength, offsetsOf, type Plan } from "../model/plan.ts";

/** One frame beside its prediction; bytes, rows, columns, channels. */
export interface Picture {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** What came. */
  readonly frame: Uint8Array;
  /** What was expected. */
  readonly prediction: Uint8Array;
  /** |frame - prediction|, four times as bright. */
  readonly error: Uint8Array;
}

/** Errors are small: shown so many times as bright. */
const BRIGHTER = 4;

/**
 * The element of the frame behind each signal entry of layer 0.
 *
 * @param plan a compiled model
 */
export function framePositions(plan: Plan): Uint32Array {
  const positions: number[] = [];
  const { start, index, length } = plan.signal;
  for (let run = 0; run < start[plan.layerStart[1]!]!; run++) {
    for (let i = 0; i < length[run]!; i++) positions.push(index[run]! + i);
  }
  return Uint32Array.from(positions);
}

/** Takes pictures of a session. */
export class Photographer {
  readonly #plan: Plan;
  readonly #positions: Uint32Array;
  readonly #signal: Float32Array;
  readonly #error: Float32Array;

  /** @param plan the session's */
  constructor(plan: Plan) {
    this.#plan = plan;
    this.#positions = framePositions(plan);
    const length = offsetsOf(plan).signal.at(-1)!;
    this.#signal = new Float32Array(length);
    this.#error = new Float32Array(length);
  }

  /** The frame of the last step, and what had been expected of it. */
  async take(session: Session): Promise<Picture> {
    await session.read("signal", this.#signal);
    await session.read("error", this.#error);
    const { width, height } = this.#plan.frame;
    const frame = new Uint8Array(frameLength(this.#plan));
    const prediction = frame.slice();
    const error = frame.slice();
    const byte = (value: number) => Math.min(Math.max(Math.round(255 * value), 0), 255);
    for (const [i, at] of this.#positions.entries()) {
      const [signal, off] = [this.#signal[i]!, this.#error[i]!];
      frame[at] = byte(signal);
      prediction[at] = byte(signal - off);
      error[at] = byte(BRIGHTER * Math.abs(off));
    }
    return { width, height, frame, prediction, error };
  }
}
