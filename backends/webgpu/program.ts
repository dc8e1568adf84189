/**
 * Compiled programs: a plan's WGSL becomes a pipeline once a device, however often models of it are loaded.
 *
 * @module
 */

/** A program that can be dispatched. */
export interface Program {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroupLayout;
}

/** Programs that are kept; the one made first goes first. */
const KEPT = 8;

/** The programs of a device. */
export class Programs {
  readonly #gpu: GPUDevice;
  readonly #made = new Map<string, Program>();

  /** @param gpu the device */
  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /**
   * A program with the entry point `step_unit`. What is wrong with it shows in the device's error scopes; then it must be forgotten.
   *
   * @param code its WGSL
   * @param types how it sees each binding
   */
  take(code: string, types: readonly GPUBufferBindingType[]): Program {
    const made = this.#made.get(code);
    if (made !== undefined) return made;
    const gpu = this.#gpu;
    const bindings = gpu.createBindGroupLayout({
      entries: types.map((type, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type },
      })),
    });
    const pipeline = gpu.createComputePipeline({
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [bindings] }),
      compute: { module: gpu.createShaderModule({ code }), entryPoint: "step_unit" },
    });
    const [oldest] = this.#made.keys();
    if (this.#made.size === KEPT) this.#made.delete(oldest!);
    this.#made.set(code, { pipeline, bindings });
    return { pipeline, bindings };
  }

  /** Keeps none: one of them is no good, or made when there was no memory. */
  forget(): void {
    this.#made.clear();
  }
}
