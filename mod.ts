/**
 * Saccade runs Predictive Vision Models (Piekniewski et al. 2016, arXiv 1607.06854) that never stop learning, on the processor
 * at hand, from live video, and says what each step costs.
 *
 * @example A model learns from a moving scene, is saved, and goes on
 * ```ts
 * import { builtinSpec, loadCheckpoint, openScene, parseSpec, run } from "@saccade/saccade";
 *
 * const spec = builtinSpec("tiny");
 * const size = { width: 20, height: 20 };
 * const save = await Deno.makeTempFile({ suffix: ".safetensors" });
 *
 * await using scene = openScene({ size });
 * for await (const { kind, step, skill } of run({ spec, source: scene, steps: 200, save })) {
 *   console.log(kind, step, skill); // skill above 0: better than copying the last frame
 * }
 *
 * const resume = await loadCheckpoint(save);
 * await using same = openScene({ size });
 * for await (const { step } of run({ spec: parseSpec(resume.spec), resume, source: same, steps: 100 })) {
 *   console.log(step); // 300
 * }
 * await Deno.remove(save);
 * ```
 *
 * @module
 */
export * from "./backends/backend.ts";
export { BackendError } from "./backends/errors.ts";
export { nativeBackend, type NativeOptions } from "./backends/native/backend.ts";
export type { Engine, Learning, Shapes, WeightPasses, Weights } from "./backends/passes/engine.ts";
export { fromPasses } from "./backends/passes/from_passes.ts";
export {
  BACKEND_NAMES,
  type BackendOptions,
  findBackend,
  type OpenDevice,
  openDevice,
} from "./backends/registry.ts";
export { type Abilities, lacks } from "./backends/lacks.ts";
export { ReportRing, type StepCost } from "./backends/report_ring.ts";
export { checkInput, checkReadable, writeFrame } from "./backends/session_input.ts";
export { type CostOf, learns, stepCost, type StoredWeights } from "./backends/step_cost.ts";
export type { Channel } from "./backends/remote/channel.ts";
export { inProcess, inWorker } from "./backends/remote/isolate.ts";
export { remoteBackend } from "./backends/remote/remote.ts";
export { serve } from "./backends/remote/serve.ts";
export {
  contextContributions,
  contextsAfter,
  dropContexts,
  type DropOptions,
  type Dropped,
} from "./compress/contexts.ts";
export { firstWeights } from "./compress/first_weights.ts";
export { densityOf, prune, type Pruned, type PruneOptions } from "./compress/prune.ts";
export { type Loss, quantise, type Quantised, type QuantiseOptions } from "./compress/quantise.ts";
export type { Energy, EnergyMethod, Meter, Work } from "./meters/meter.ts";
export { type MeterOptions, openMeter } from "./meters/open.ts";
export type { ModelledOptions } from "./meters/modelled.ts";
export type { RaplOptions } from "./meters/rapl.ts";
export { BUILTIN_NAMES, builtinSpec } from "./model/builtin.ts";
export type { Checkpoint, Tensor } from "./model/checkpoint.ts";
export { planOf, type StoredCheckpoint } from "./model/checkpoint_file.ts";
export { compilePlan } from "./model/compile.ts";
export { type FirstWeights, initialCheckpoint } from "./model/initialise.ts";
export { parseSpec, SpecError, withoutEffect } from "./model/parse_spec.ts";
export { denseCheckpoint } from "./model/pairs.ts";
export {
  type Defer,
  frameLength,
  hashPlan,
  layerOf,
  type Mask,
  type Offsets,
  offsetsOf,
  type Plan,
  type Rule2016,
  type RuleSaccade,
  type Shift,
  signalLengths,
  type Sources,
  unitCount,
  weightCount,
} from "./model/plan.ts";
export {
  gradualDensity,
  type PruningSchedule,
  type PruningScope,
} from "./model/pruning_schedule.ts";
export { rateAt, type Rates } from "./model/schedule.ts";
export { maySkip } from "./model/skipping.ts";
export type { Activation, Lateral, RuleName, Spec } from "./model/spec.ts";
export { checkState, stateLengths } from "./model/state.ts";
export { unitOffsets } from "./model/unit_tensors.ts";
export type { Blocks } from "./model/weight_blocks.ts";
export {
  type NarrowFormat,
  roundToFormat,
  WEIGHT_FORMATS,
  type WeightFormat,
} from "./model/weight_format.ts";
export { CheckpointError, loadCheckpoint } from "./runtime/checkpoint_store.ts";
export { restore, type RestoreChanges } from "./runtime/restore.ts";
export type { PruningWish } from "./runtime/gradual_pruning.ts";
export type { Picture } from "./runtime/picture.ts";
export type { CheckpointInterval } from "./runtime/recorder.ts";
export type { Report } from "./runtime/report.ts";
export type { Lost } from "./runtime/running.ts";
export { run, type RunOptions } from "./runtime/runtime.ts";
export { openSource, type SourceRequest } from "./sources/open.ts";
export { type Fit, type Size, type Source, SourceError } from "./sources/source.ts";
export type { ObjectKind } from "./sources/scene_cast.ts";
export { openScene, type Scene, type SceneObject, type SceneOptions } from "./sources/synthetic.ts";
