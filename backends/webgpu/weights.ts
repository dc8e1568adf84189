/**
 * Matrices between a checkpoint and a shard: row by row there, in groups of four hidden lanes here.
 *
 * @module
 */
import type { Tensor } from "../../model/checkpoint.ts";
import { fromHalf, toHalf } from "../../model/half.ts";
import { offsetsOf, type Plan } from "../../model/plan.ts";
import { type Layout, quadsOf, type Shard } from "./layout.ts";

/** A shard's weights or momentum: four of f32, or of f16. */
export type Quads = Float32Array | Uint16Array;

/** Where a shard's matrices lie, here and there. */
export class WeightMap {
  readonly #plan: Plan;
  readonly #layout: Layout;

  /**
   * @param plan the model
   * @param layout where it lies
   */
  constructor(plan: Plan, layout: Layout) {
    this.#plan = plan;
    this.#layout = layout;
  }

  /**
   * Copies matrices to a shard; lanes beyond them are left as they are.
   *
   * @param shard whose
   * @param encoder of all units, as in a checkpoint
   * @param decoder of all units
   * @param to the shard's; f16 is rounded to the nearest
   */
  write(shard: Shard, encoder: Tensor, decoder: Tensor, to: Quads): void {
    const store: (at: number, value: number) => void = to instanceof Uint16Array
      ? (at, value) => to[at] = toHalf(value)
      : (at, value) => to[at] = value;
    this.#visit(shard, (matrix, from, at) => {
      store(at, (matrix === 0 ? encoder : decoder)[from]!);
    });
  }

  /**
   * Copies a shard's matrices back.
   *
   * @param shard whose
   * @param quads the shard's
   * @param encoder of all units; written
   * @param decoder of all units; written
   */
  read(shard: Shard, quads: Quads, encoder: Tensor, decoder: Tensor): void {
    const load: (at: number) => number = quads instanceof Uint16Array
      ? (at) => fromHalf(quads[at]!)
      : (at) => quads[at]!;
    this.#visit(shard, (matrix, to, at) => {
      (matrix === 0 ? encoder : decoder)[to] = load(at);
    });
  }

  /** Calls with each weight: its matrix, where it is in a checkpoint, where in the shard. */
  #visit(
    { first, end }: Shard,
    visit: (matrix: 0 | 1, checkpoint: number, shard: number) => void,
  ): void {
    const plan = this.#plan;
    const { hidden: H } = plan;
    const offsets = offsetsOf(plan);
    const quads = quadsOf(plan);
    const lanes = [4 * this.#layout.encoder.quads, 4 * this.#layout.decoder.quads] as const;
    let begin = 0;
    for (let u = first; u < end; u++) {
      const n = plan.inputs[u]!;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < H; j++) {
          visit(0, offsets.encoder[u]! + j * n + i, begin + i * lanes[0] + j);
        }
      }
      begin += 4 * quads.encoder(u);
      for (let i = 0; i < plan.outputs[u]!; i++) {
        for (let j = 0; j <= H; j++) {
          visit(1, offsets.decoder[u]! + i * (H + 1) + j, begin + i * lanes[1] + j);
        }
      }
      begin += 4 * quads.decoder(u);
    }
  }
}
