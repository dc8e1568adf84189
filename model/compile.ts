/**
 * From a specification to a plan.
 *
 * @module
 */
import { compileDefer } from "./defer.ts";
import { type Plan, type Rule2016, type RuleSaccade, SHIFT_REACH, type Sources } from "./plan.ts";
import { compileRates, contextStarts } from "./schedule.ts";
import { featureCount, frameSide, type Spec } from "./spec.ts";
import { layerStarts, type UnitWiring, wire } from "./wiring.ts";

const CHANNELS = 3;

/** Collects runs, unit after unit. */
class SourceBuilder {
  #start = [0];
  #index: number[] = [];
  #length: number[] = [];
  #delay: number[] = [];

  add(index: number, length: number, delay: number): void {
    this.#index.push(index);
    this.#length.push(length);
    this.#delay.push(delay);
  }

  endUnit(): void {
    this.#start.push(this.#index.length);
  }

  build(): Sources {
    return {
      start: Uint32Array.from(this.#start),
      index: Uint32Array.from(this.#index),
      length: Uint32Array.from(this.#length),
      delay: Uint32Array.from(this.#delay),
    };
  }
}

/**
 * Compiles a specification.
 *
 * @param spec a complete specification
 * @returns its plan; equal specifications make equal plans
 *
 * @example
 * ```ts
 * import { builtinSpec, compilePlan, weightCount } from "@saccade/saccade";
 * import { assertEquals } from "@std/assert";
 *
 * const plan = compilePlan(builtinSpec("small"));
 * assertEquals([plan.frame.width, plan.layerStart.at(-1)], [60, 265]);
 * assertEquals(Math.round(weightCount(plan) / 1e5), 130);
 * ```
 */
export function compilePlan(spec: Spec): Plan {
  const units = wire(spec);
  const side = frameSide(spec);
  const frame = { width: side, height: side, channels: CHANNELS };
  const frameValues = side * side * CHANNELS;
  const hidden = spec.hidden_block_size ** 2;
  const motionValues = spec.rule === "saccade" && spec.motion > 0 ? frameValues : 0;
  const hiddenAt = (unit: number) => frameValues + motionValues + unit * hidden;

  const signal = new SourceBuilder();
  const window = new SourceBuilder();
  const motion = new SourceBuilder();
  const patch = new SourceBuilder();
  const shifts = spec.rule === "saccade" && spec.shift_radius > 0;
  const context = new SourceBuilder();
  const contextKind: number[] = [];
  let maxDelay = 1;
  const block: number[] = [];
  const inputs: number[] = [];
  const outputs: number[] = [];

  for (const unit of units) {
    const ground = unit.layer === 0;
    const tile = spec.input_block_size;
    const length = ground ? tile * tile * CHANNELS : unit.children.length * hidden;
    let features = length * featureCount(spec);
    if (ground) addTile(signal, unit, spec, 0, 0);
    for (const child of unit.children) signal.add(hiddenAt(child), hidden, 1);
    if (spec.rule === "saccade") {
      features = length;
      if (ground) {
        features = (tile + 2 * spec.halo) ** 2 * CHANNELS;
        addTile(window, unit, spec, spec.halo, 0);
        if (shifts) addTile(patch, unit, spec, SHIFT_REACH + spec.shift_radius, 0);
        if (motionValues > 0) {
          features += length;
          addTile(motion, unit, spec, 0, frameValues);
        }
      }
    }
    for (const { unit: source, kind, delay } of unit.context) {
      context.add(hiddenAt(source), hidden, delay);
      maxDelay = Math.max(maxDelay, delay);
      contextKind.push(kind === "lateral" ? 0 : 1);
    }
    for (const builder of [signal, window, motion, patch, context]) builder.endUnit();
    block.push(ground ? length : hidden);
    inputs.push(features + unit.context.length * hidden + 1);
    outputs.push(spec.rule === "2016" && spec.predict_two_steps ? 2 * length : length);
  }
  const weights = inputs.reduce((sum, n, u) => sum + hidden * n + (hidden + 1) * outputs[u]!, 0);
  return {
    version: 1,
    rule: compileRule(spec),
    frame,
    external: { motion: motionValues, parts: 0 },
    hidden,
    layerStart: Uint32Array.from(layerStarts(spec.layer_shapes)),
    maxDelay,
    signal: signal.build(),
    window: window.build(),
    motion: motion.build(),
    ...(shifts ? { patch: patch.build() } : {}),
    context: context.build(),
    contextKind: Uint8Array.from(contextKind),
    block: Uint32Array.from(block),
    inputs: Uint32Array.from(inputs),
    outputs: Uint32Array.from(outputs),
    rates: compileRates(spec),
    contextFrom: contextStarts(spec),
    seed: spec.seed,
    defer: compileDefer(spec, weights),
    // Plans of f32 that skip nothing are what they were before there was either.
    ...(spec.format === "f32" ? {} : { format: spec.format }),
    ...(spec.skip_below.every((below) => below === 0) ? {} : { skipBelow: thresholds(spec) }),
    ...(spec.surprise === 0 ? {} : { surprise: spec.surprise }),
  };
}

/** A threshold for each layer: the last that is given counts for all layers above. */
function thresholds({ skip_below: given, layer_shapes }: Spec): number[] {
  return layer_shapes.map((_, layer) => given[Math.min(layer, given.length - 1)]!);
}

/** The rows of a layer-0 tile with `halo` pixels around it; pixels outside the picture are those at its edge. */
function addTile(
  to: SourceBuilder,
  unit: UnitWiring,
  spec: Spec,
  halo: number,
  base: number,
): void {
  const side = frameSide(spec);
  const tile = spec.input_block_size;
  const clamp = (at: number) => Math.min(Math.max(at, 0), side - 1);
  const left = unit.column * tile - halo;
  const right = (unit.column + 1) * tile + halo;
  for (let row = unit.row * tile - halo; row < (unit.row + 1) * tile + halo; row++) {
    const at = (column: number) => base + (clamp(row) * side + clamp(column)) * CHANNELS;
    for (let column = left; column < 0; column++) to.add(at(column), CHANNELS, 0);
    const inside = Math.max(left, 0);
    to.add(at(inside), (Math.min(right, side) - inside) * CHANNELS, 0);
    for (let column = side; column < right; column++) to.add(at(column), CHANNELS, 0);
  }
}

function compileRule(spec: Spec): Rule2016 | RuleSaccade {
  if (spec.rule === "saccade") {
    return {
      name: "saccade",
      motion: spec.motion,
      ...(spec.shift_radius > 0
        ? { shift: { radius: spec.shift_radius, memories: spec.shift_memory } }
        : {}),
      encoderRate: spec.encoder_rate,
      decoderRate: spec.decoder_rate,
    };
  }
  return {
    name: "2016",
    activation: spec.activation,
    derivative: spec.use_derivative,
    integral: spec.use_integral,
    error: spec.use_error,
    previous: spec.use_t_minus_2_block,
    twoSteps: spec.predict_two_steps,
    normalise: spec.normalize_output,
    autoencoder: spec.autoencoder,
    bias: spec.bias_free ? 0 : 1,
    tau: spec.tau,
    momentum: spec.momentum,
  };
}
