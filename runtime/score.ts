/**
 * How good predictions are, beside the simplest one: that the last frame stays.
 *
 * @module
 */

/** Copy-last errors above this count as motion. */
const MOVING = 1e-4;
/** The first frames of a model have nothing behind them to be predicted from. */
const FIRST = 2;
/** How much of the motion candidate is believed where nothing was learned (learning-rule, Motion candidate). */
const MOTION_GAIN = 0.7;

/** Means over the steps of a record. */
export interface Scores {
  readonly mse: (number | null)[];
  readonly copyLastMse: number | null;
  readonly skill: number | null;
  readonly motionSkill: number | null;
  readonly movingSkill: number | null;
}

/** A mean, or null when nothing was counted or a backend knows no error. */
function mean(sum: number, count: number): number | null {
  return count > 0 && Number.isFinite(sum) ? sum / count : null;
}

/** Sums of errors over some steps. */
export class ScoreSum {
  readonly #layers: Float64Array;
  readonly #early: Float64Array;
  #steps = 0;
  #earlySteps = 0;
  #earlyCopy = 0;
  #copied = 0;
  #copy = 0;
  #motion = 0;
  #moving = { mse: 0, copy: 0, steps: 0 };

  /** @param layers how many layers the model has */
  constructor(layers: number) {
    this.#layers = new Float64Array(layers);
    this.#early = new Float64Array(layers);
  }

  /**
   * Counts a step.
   *
   * @param step its number
   * @param mse errors, steps x layers
   * @param at where this step's begin
   * @param copy MSE of copying the last frame; NaN when there was none
   * @param motion MSE of the moved frame; NaN without motion
   */
  add(step: number, mse: Float64Array, at: number, copy: number, motion: number): void {
    const early = step < FIRST;
    const to = early ? this.#early : this.#layers;
    for (let layer = 0; layer < to.length; layer++) to[layer]! += mse[at + layer]!;
    if (early) {
      this.#earlySteps++;
      if (copy >= 0) {
        this.#copied++;
        this.#earlyCopy += copy;
      }
      return;
    }
    this.#steps++;
    this.#copy += copy;
    this.#motion += motion;
    if (copy > MOVING) {
      this.#moving.mse += mse[at]!;
      this.#moving.copy += copy;
      this.#moving.steps++;
    }
  }

  /** Means; those of the first two frames only where there are no others. */
  means(): Scores {
    if (this.#steps === 0) {
      const steps = this.#earlySteps;
      return {
        mse: Array.from(this.#early, (sum) => mean(sum, steps)),
        copyLastMse: this.#copied === 0 ? null : this.#earlyCopy / this.#copied,
        skill: null,
        motionSkill: null,
        movingSkill: null,
      };
    }
    const skill = (mse: number, copy: number) =>
      copy > 0 && Number.isFinite(mse) ? 1 - mse / copy : null;
    return {
      mse: Array.from(this.#layers, (sum) => mean(sum, this.#steps)),
      copyLastMse: this.#copy / this.#steps,
      skill: skill(this.#layers[0]!, this.#copy),
      motionSkill: skill(this.#motion, this.#copy),
      movingSkill: skill(this.#moving.mse, this.#moving.copy),
    };
  }
}

/** Follows the frames: what copying the last one, and moving it on, would have cost. */
export class FrameScore {
  /** MSE of copying the last frame, of the frame last given; NaN for the first. */
  copy = NaN;
  /** MSE of clip(I + 0.7 M, 0, 1); NaN without motion. */
  motion = NaN;
  readonly #last: Uint8Array;
  readonly #moved: Float32Array;
  #seen: boolean;
  #hasMoved = false;

  /**
   * @param length values in a frame
   * @param last the frame before the first, where there is one: values in [0, 1]
   */
  constructor(length: number, last?: ArrayLike<number>) {
    this.#last = new Uint8Array(length);
    this.#moved = new Float32Array(length);
    this.#seen = last !== undefined;
    for (let i = 0; i < length && last !== undefined; i++) {
      this.#last[i] = Math.round(last[i]! * 255);
    }
  }

  /** Scores what was expected of this frame. */
  score(frame: Uint8Array): void {
    const last = this.#last;
    const moved = this.#moved;
    let copy = 0;
    let motion = 0;
    for (let i = 0; i < frame.length; i++) {
      const change = frame[i]! - last[i]!;
      copy += change * change;
    }
    if (this.#hasMoved) {
      for (let i = 0; i < frame.length; i++) {
        const off = frame[i]! / 255 - moved[i]!;
        motion += off * off;
      }
    }
    this.copy = this.#seen ? copy / (255 * 255 * frame.length) : NaN;
    this.motion = this.#hasMoved ? motion / frame.length : NaN;
    last.set(frame);
    this.#seen = true;
  }

  /** Takes the motion candidate of the frame last scored. */
  expect(candidate: Float32Array): void {
    const last = this.#last;
    const moved = this.#moved;
    for (let i = 0; i < last.length; i++) {
      const value = last[i]! / 255 + MOTION_GAIN * candidate[i]!;
      moved[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    this.#hasMoved = true;
  }
}
