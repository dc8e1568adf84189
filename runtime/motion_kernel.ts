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
  readonly #frames: [number, number];
  readonly #into: number;
  readonly #scratch: number;
  #seen: boolean;

  private constructor(kernels: Kernels, size: Size, radius: number) {
    const length = size.width * size.height * 3;
    const floats = kernels.motion_scratch_length(size.width, size.height, radius);
    const bytes = 4 * (3 * length + floats) + length;
    kernels.memory.grow(Math.ceil(bytes / PAGE) + 2);
    const take = (count: number) => kernels.allocate(4 * count);
    this.#kernels = kernels;
    this.#size = size;
    this.#radius = radius;
    this.#frames = [take(length), take(length)];
    this.#into = take(length);
    this.#scratch = take(floats);
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
      const length = size.width * size.height * 3;
      new Float32Array(kernel.#kernels.memory.buffer, kernel.#frames[0], length).set(last);
      kernel.#seen = true;
    }
    return kernel;
  }

  /**
   * Takes the next frame; {@linkcode MotionKernel.candidate} is its M, 0 for the first.
   *
   * @param frame height * width * 3 bytes
   */
  next(frame: Uint8Array): void {
    const [last, now] = this.#frames;
    this.#bytes.set(frame);
    this.#kernels.write_frame(this.#bytes.byteOffset, now, this.#bytes.length);
    const { width, height } = this.#size;
    if (this.#seen) {
      this.#kernels.motion_candidate(
        now,
        last,
        width,
        height,
        this.#radius,
        this.#into,
        this.#scratch,
      );
    }
    this.#seen = true;
    this.#frames.reverse();
  }
}
