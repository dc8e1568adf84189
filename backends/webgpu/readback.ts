/**
 * What comes back from the device: copies through a ring of staging buffers, which the host maps one after the other.
 *
 * @module
 */
import type { Loss } from "./loss.ts";

/** Some bytes of a buffer; offset and length in multiples of four. */
export interface Piece {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Staging buffers of this size are kept; what is larger gets one of its own. */
const KEPT_BYTES = 1 << 18;
/** How many of them. */
const KEPT = 3;
/** A device that has not answered by then is lost. */
const DEADLINE_S = 120;

/** Copies from a device. */
export class Readback {
  readonly #gpu: GPUDevice;
  readonly #loss: Loss;
  readonly #ring: GPUBuffer[] = [];
  #open = true;

  /**
   * @param gpu the device
   * @param loss whether it is there
   */
  constructor(gpu: GPUDevice, loss: Loss) {
    this.#gpu = gpu;
    this.#loss = loss;
    for (let i = 0; i < KEPT; i++) this.#ring.push(this.#stage(KEPT_BYTES));
  }

  /** Bytes of the buffers that are kept. */
  get bytes(): number {
    return KEPT * KEPT_BYTES;
  }

  /**
   * Copies pieces as they are when the steps submitted so far are done; later steps change nothing in them.
   *
   * @param pieces of any buffers
   * @param what it is, should it fail
   * @returns the bytes of each piece
   * @throws {DeviceLostError} when the device is gone
   * @throws {RangeError} when it has no memory for the copy
   */
  async copy(pieces: readonly Piece[], what: string): Promise<ArrayBuffer[]> {
    const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total === 0) return pieces.map(() => new ArrayBuffer(0));
    const kept = total <= KEPT_BYTES ? this.#ring.pop() : undefined;
    this.#gpu.pushErrorScope("validation");
    this.#gpu.pushErrorScope("out-of-memory");
    const staging = kept ?? this.#stage(Math.max(total, KEPT_BYTES));
    const encoder = this.#gpu.createCommandEncoder();
    let at = 0;
    for (const { buffer, offset, bytes } of pieces) {
      if (bytes > 0) encoder.copyBufferToBuffer(buffer, offset, staging, at, bytes);
      at += bytes;
    }
    this.#gpu.queue.submit([encoder.finish()]);
    const scopes = Promise.all([this.#gpu.popErrorScope(), this.#gpu.popErrorScope()]);
    const mapping = staging.mapAsync(GPUMapMode.READ, 0, total);
    // What went wrong is told by the scopes: a map that fails with them is heard by nobody.
    mapping.catch(() => {});
    try {
      const [memory, invalid] = await this.#loss.guard(scopes, what, DEADLINE_S);
      if (memory !== null && memory !== undefined) {
        const mega = Math.ceil(total / 2 ** 20);
        throw new RangeError(
          `The GPU has no ${mega} MiB to copy ${what} through: ${memory.message}`,
        );
      }
      const copy = invalid === null || invalid === undefined
        ? mapping
        : Promise.reject(new Error(invalid.message));
      await this.#loss.guard(copy, what, DEADLINE_S);
      const mapped = staging.getMappedRange(0, total);
      at = 0;
      const copies = pieces.map(({ bytes }) => mapped.slice(at, at += bytes));
      staging.unmap();
      if (this.#open && staging.size === KEPT_BYTES && this.#ring.length < KEPT) {
        this.#ring.push(staging);
      } else {
        staging.destroy();
      }
      return copies;
    } catch (error) {
      staging.destroy();
      throw error;
    }
  }

  /** Gives the staging buffers back. */
  destroy(): void {
    this.#open = false;
    for (const buffer of this.#ring.splice(0)) buffer.destroy();
  }

  #stage(size: number): GPUBuffer {
    return this.#gpu.createBuffer({
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }
}
