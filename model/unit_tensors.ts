/**
 * Which part of each tensor belongs to which unit.
 *
 * @module
 */
import { candidateCount, copyCount, offsetsOf, type Plan, unitCount } from "./plan.ts";
import { codebookSize, formatOf, isCodebookFormat } from "./weight_format.ts";

/**
 * Where each unit's part of the tensors of a state begins: units + 1 entries a tensor, the last is where the last part ends.
 * `frame` belongs to no unit; of `published` this is the layout of one of its states.
 *
 * @param plan a compiled model
 * @returns offsets by name, for every name that `stateLengths` may have
 */
export function unitOffsets(plan: Plan): Record<string, Float64Array> {
  const { encoder, decoder, input, output, signal } = offsetsOf(plan);
  const units = unitCount(plan);
  const each = (values: number) => Float64Array.from({ length: units + 1 }, (_, u) => u * values);
  const hidden = each(plan.hidden);
  // Layer 0 comes first and its motion and shift candidates are as long as its signals; the units above have none.
  const ground = plan.layerStart[1]!;
  const motion = signal.map((at, u) => u <= ground ? at : signal[ground]!);
  const scalar = each(1);
  const codebook = each(codebookSize(formatOf(plan)));
  // A codebook has one for all of a matrix.
  const scales = (rows: number) => isCodebookFormat(formatOf(plan)) ? scalar : each(rows);
  const copies = copyCount(plan);
  const candidates = candidateCount(plan);
  const shifts = candidates - 2;
  const perCandidate = each(candidates);
  const below = (values: number) => scalar.map((u) => Math.min(u, ground) * values);
  return {
    encoder,
    decoder,
    "encoder.momentum": encoder,
    "decoder.momentum": decoder,
    "encoder.scale": scales(plan.hidden),
    "decoder.scale": scales(plan.hidden + 1),
    "encoder.codebook": codebook,
    "decoder.codebook": codebook,
    published: hidden,
    input,
    hidden,
    prediction: output,
    signal,
    "lag.input": input,
    "lag.hidden": hidden,
    "lag.prediction": output,
    "signal.previous": signal,
    integral: signal,
    minimum: hidden,
    maximum: hidden,
    change: signal,
    motion,
    scale: scalar,
    variance: scalar,
    power: scalar,
    "error.mean": scalar,
    shift: motion.map((at) => shifts * at),
    "shift.moments": below(shifts * copies * (copies + 1) / 2),
    "shift.products": below(shifts * copies),
    "shift.energy": below(shifts),
    "combiner.moments": each(candidates * (candidates + 1) / 2),
    "combiner.products": perCandidate,
    "combiner.weights": perCandidate,
  };
}
