/**
 * The motion candidate on the SIMD kernels: once a frame, on the thread that runs the model.
 *
 * @module
 */
import { compileKernels, instantiate, type Kernels, PAGE } from "../kernels/load.ts";
import type { Size } from "../sources/source.ts";

/** Computes motion candidates from bytes. */
export class MotionKernel {
  /** M of the frame last given, shaped like it; overwritten by the next. */
  readonly candidate: Float32Array;
  readonly #kernels: Kernels;
  readonly #size: Size;
  readonly #radius: number;
  readonly #bytes: Uint8Array;
  /** Where the planes of the last two frames are, which take turns. */
  readonly #planes: readonly [number, number];
  #now = 0;
  readonly #into: number;
  readonly #scratch: number;
  #seen: boolean;

  private constructor(kernels: Kernels, size: Size, radius: number) {
    const { width, height } = size;
    const length = width * height * 3;
    const planes = kernels.motion_planes_bytes(width, height, radius);
    const scratch = kernels.motion_scratch_bytes(width, height, radius);
    kernels.memory.grow(Math.ceil((2 * planes + scratch + 5 * length) / PAGE) + 2);
    this.#kernels = kernels;
    this.#size = size;
    this.#radius = radius;
    this.#planes = [kernels.allocate(planes), kernels.allocate(planes)];
    this.#into = kernels.allocate(4 * length);
    this.#scratch = kernels.allocate(scratch);
    const { buffer } = kernels.memory;
    this.#bytes = new Uint8Array(buffer, kernels.allocate(length), length);
    this.candidate = new Float32Array(buffer, this.#into, length);
    this.#seen = false;
  }

  /**
   * @param size of the frames, in pixels
   * @param radius of the search, in pixels
   * @param last the frame before the first, where there is one: values in [0, 1]
   */
  static async create(
    size: Size,
    radius: number,
    last?: ArrayLike<number>,
  ): Promise<MotionKernel> {
    const kernel = new MotionKernel(instantiate(await compileKernels("single")), size, radius);
    if (last !== undefined) {
      for (let i = 0; i < last.length; i++) kernel.#bytes[i] = Math.round(last[i]! * 255);
      kernel.#take();
    }
    return kernel;
  }

  /**
   * Takes the next frame; {@linkcode MotionKernel.candidate} is its M, 0 for the first.
   *
   * @param frame height * width * 3 bytes
   */
  next(frame: Uint8Array): void {
    this.#bytes.set(frame);
    const seen = this.#seen;
    this.#take();
    if (!seen) return;
    const { width, height } = this.#size;
    this.#kernels.motion_candidate(
      this.#planes[this.#now]!,
      this.#planes[1 - this.#now]!,
      width,
      height,
      this.#radius,
      this.#into,
      this.#scratch,
    );
  }

  /** Makes planes of the bytes, where those of the frame before the last were. */
  #take(): void {
    const { width, height } = this.#size;
    this.#now = 1 - this.#now;
    const to = this.#planes[this.#now]!;
    this.#kernels.motion_split(this.#bytes.byteOffset, width, height, this.#radius, to);
    this.#seen = true;
  }
}
