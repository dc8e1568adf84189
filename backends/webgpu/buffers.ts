/**
 * The buffers of a model on a device, and how states get into them and out again.
 *
 * @module
 */
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { type Plan, unitCount } from "../../model/plan.ts";
import { inputRegion, type Layout, type Region, type Shard, tableOf } from "./layout.ts";
import type { Programs } from "./program.ts";
import type { Piece } from "./readback.ts";
import { shaderOf, type WeightFormat } from "./shader.ts";
import { type Quads, WeightMap } from "./weights.ts";

/** What a shard has of its own. */
interface ShardBuffers {
  readonly shard: Shard;
  readonly place: GPUBuffer;
  readonly table: GPUBuffer;
  readonly state: GPUBuffer;
  readonly errors: GPUBuffer;
  readonly weights: GPUBuffer;
  readonly momentum: GPUBuffer | undefined;
  /** For the steps with an even number, and for the others. */
  readonly groups: readonly [GPUBindGroup, GPUBindGroup];
}

/** What buffers are made for. */
export interface BuffersOptions {
  readonly plan: Plan;
  readonly layout: Layout;
  readonly format: WeightFormat;
  /** Reports that gather. */
  readonly capacity: number;
  /** Of the device. */
  readonly programs: Programs;
}

/** A model on a device. */
export class ModelBuffers {
  /** Bytes of weights and momentum, and of everything. */
  readonly bytes: { readonly weights: number; readonly all: number };
  /** Head, frame and external input: of the steps with an even number, and of the others. */
  readonly inputs: readonly [GPUBuffer, GPUBuffer];
  readonly #options: BuffersOptions;
  readonly #published: GPUBuffer;
  readonly #shards: readonly ShardBuffers[];
  readonly #pipeline: GPUComputePipeline;
  readonly #map: WeightMap;

  /**
   * Makes and fills them. What the device refuses shows in its error scopes.
   *
   * @param gpu the device
   * @param checkpoint the state they begin with
   * @param options what they are for
   */
  constructor(gpu: GPUDevice, checkpoint: Checkpoint, options: BuffersOptions) {
    const { plan, layout, format, capacity, programs } = options;
    const { STORAGE, COPY_DST, COPY_SRC, UNIFORM } = GPUBufferUsage;
    const { tensors } = checkpoint;
    let all = 0;
    const make = (size: number, usage: number, fill?: (bytes: ArrayBuffer) => void) => {
      all += size;
      const buffer = gpu.createBuffer({ size, usage, mappedAtCreation: fill !== undefined });
      if (fill !== undefined) {
        fill(buffer.getMappedRange());
        buffer.unmap();
      }
      return buffer;
    };
    this.#options = options;
    this.#map = new WeightMap(plan, layout);
    const input = () => make(4 * layout.input, STORAGE | COPY_DST);
    this.inputs = [input(), input()];
    // The newest first; the step's own place is behind the oldest.
    this.#published = make(4 * Math.max(layout.published, 1), STORAGE | COPY_SRC, (bytes) => {
      new Float32Array(bytes).set(tensors["published"]!);
    });
    const program = programs.take(shaderOf(plan, layout, format), this.#bindings());
    this.#pipeline = program.pipeline;
    let weightBytes = 0;
    this.#shards = layout.shards.map((shard) => {
      const quads = (bytes: number, encoder: string, decoder: string) => {
        weightBytes += bytes * shard.quads;
        return make(bytes * shard.quads, STORAGE | COPY_SRC, (range) => {
          const to = bytes === 8 ? new Uint16Array(range) : new Float32Array(range);
          this.#map.write(shard, tensors[encoder]!, tensors[decoder]!, to);
        });
      };
      const units = shard.end - shard.first;
      const places = layout.regions.map(({ name }) => shard.places[name]!);
      const words = [...places, units];
      const own = {
        place: make(Math.ceil(words.length / 4) * 16, UNIFORM, (bytes) => {
          new Uint32Array(bytes).set(words);
        }),
        table: make(4 * shard.table, STORAGE, (bytes) => {
          new Uint32Array(bytes).set(tableOf(plan, shard));
        }),
        state: make(4 * shard.state, STORAGE | COPY_SRC, (bytes) => {
          this.#writeState(shard, checkpoint, new Float32Array(bytes));
        }),
        errors: make(4 * capacity * units, STORAGE | COPY_SRC),
        weights: quads(format === "f16" ? 8 : 16, "encoder", "decoder"),
        momentum: plan.rule.name === "2016"
          ? quads(16, "encoder.momentum", "decoder.momentum")
          : undefined,
      };
      const group = (now: GPUBuffer, before: GPUBuffer) =>
        gpu.createBindGroup({
          layout: program.bindings,
          entries: [
            own.place,
            own.table,
            now,
            before,
            this.#published,
            own.state,
            own.errors,
            own.weights,
            ...(own.momentum === undefined ? [] : [own.momentum]),
          ].map((buffer, binding) => ({ binding, resource: { buffer } })),
        });
      const [even, odd] = this.inputs;
      return { shard, ...own, groups: [group(even, odd), group(odd, even)] };
    });
    this.bytes = { weights: weightBytes, all };
  }

  /** How the step sees each binding. */
  #bindings(): GPUBufferBindingType[] {
    const read = "read-only-storage";
    const write = "storage";
    const all: GPUBufferBindingType[] = ["uniform", read, read, read, write, write, write, write];
    return this.#options.plan.rule.name === "2016" ? [...all, write] : all;
  }

  /** The commands of a step: one dispatch, or as many as there are shards. */
  record(pass: GPUComputePassEncoder, parity: 0 | 1): void {
    pass.setPipeline(this.#pipeline);
    for (const { shard, groups } of this.#shards) {
      pass.setBindGroup(0, groups[parity]);
      pass.dispatchWorkgroups(shard.end - shard.first);
    }
  }

  #writeState(shard: Shard, { step, tensors }: Checkpoint, to: Float32Array): void {
    for (const [region, tensor] of this.#tensors(step)) {
      const { from, end } = this.#span(region, shard);
      to.set(tensors[tensor]!.subarray(from, end), shard.places[region.name]!);
    }
  }

  /** The regions that a checkpoint has before a step, and their tensors. */
  #tensors(step: number): [Region, string][] {
    return this.#options.layout.regions.flatMap((region): [Region, string][] => {
      // The input of the step before.
      if (region.name.startsWith("input")) {
        return region.name === inputRegion(step + 1) ? [[region, "input"]] : [];
      }
      return region.tensor === undefined ? [] : [[region, region.tensor]];
    });
  }

  /** The part of a tensor of all units that a shard's units have. */
  #span({ length }: Region, { first, end }: Shard): { from: number; end: number } {
    let [from, to] = [0, 0];
    for (let u = 0; u < end; u++) {
      if (u === first) from = to;
      to += length(u);
    }
    return { from, end: to };
  }

  /** Where a tensor of all units lies: a piece for each shard, in unit order. */
  pieces(name: string): Piece[] {
    const region = this.#options.layout.regions.find((region) => region.name === name)!;
    return this.#shards.map(({ shard, state }) => {
      const { from, end } = this.#span(region, shard);
      return { buffer: state, offset: 4 * shard.places[name]!, bytes: 4 * (end - from) };
    });
  }

  /** Where the published states lie, the newest first: the ring may be cut. */
  published(newest: number, states: number): Piece[] {
    const { plan, layout } = this.#options;
    const bytes = 4 * states * unitCount(plan) * plan.hidden;
    const until = Math.min(bytes, 4 * (layout.published - newest));
    return [
      { buffer: this.#published, offset: 4 * newest, bytes: until },
      { buffer: this.#published, offset: 0, bytes: bytes - until },
    ];
  }

  /** Where the errors of some steps lie: for each shard two pieces, for the ring may be cut. */
  errors(slot: number, steps: number): Piece[] {
    const { capacity } = this.#options;
    const until = Math.min(steps, capacity - slot);
    return this.#shards.flatMap(({ shard, errors }) => {
      const row = 4 * (shard.end - shard.first);
      return [
        { buffer: errors, offset: slot * row, bytes: until * row },
        { buffer: errors, offset: 0, bytes: (steps - until) * row },
      ];
    });
  }

  /** Everything that a checkpoint before a step needs of the shards. */
  saved(step: number): Piece[] {
    return [
      ...this.#tensors(step).flatMap(([{ name }]) => this.pieces(name)),
      ...this.#shards.flatMap(({ weights, momentum }) =>
        [weights, ...(momentum === undefined ? [] : [momentum])].map((buffer) => ({
          buffer,
          offset: 0,
          bytes: buffer.size,
        }))
      ),
    ];
  }

  /**
   * Makes tensors of what {@linkcode saved} asked for.
   *
   * @param step the same
   * @param copies of the pieces
   * @param tensors of a checkpoint; written
   */
  restore(step: number, copies: readonly ArrayBuffer[], tensors: Record<string, Tensor>): void {
    const next = copies.values();
    const take = () => next.next().value!;
    for (const [, name] of this.#tensors(step)) {
      let at = 0;
      for (let i = 0; i < this.#shards.length; i++) {
        const part = new Float32Array(take());
        tensors[name]!.set(part, at);
        at += part.length;
      }
    }
    const { format } = this.#options;
    for (const { shard, momentum } of this.#shards) {
      const bytes = take();
      const quads: Quads = format === "f16" ? new Uint16Array(bytes) : new Float32Array(bytes);
      this.#map.read(shard, quads, tensors["encoder"]!, tensors["decoder"]!);
      if (momentum === undefined) continue;
      const moments = new Float32Array(take());
      this.#map.read(shard, moments, tensors["encoder.momentum"]!, tensors["decoder.momentum"]!);
    }
  }

  /** Gives all of it back. */
  destroy(): void {
    for (const buffer of [...this.inputs, this.#published]) buffer.destroy();
    for (const { place, table, state, errors, weights, momentum } of this.#shards) {
      for (const buffer of [place, table, state, errors, weights, momentum]) buffer?.destroy();
    }
  }
}
