/**
 * Plans and states as the records of `saccade_backend.h`.
 *
 * @module
 */
import type { Checkpoint } from "../../model/checkpoint.ts";
import { type Plan, unitCount } from "../../model/plan.ts";
import { rateAt } from "../../model/schedule.ts";
import { optionBits } from "../option_bits.ts";
import { StructRecord, STRUCTS } from "./structs.ts";

/** The number of rule "saccade"; the other is its year. */
const RULE_SACCADE = 1;

/** A record whose fields have names of their own. */
export type PlanRecord = StructRecord<keyof typeof STRUCTS.plan.at>;

/**
 * A plan as the library reads it.
 *
 * @param plan the model; its arrays are pointed to, not copied
 */
export function flatPlan(plan: Plan): PlanRecord {
  const record = new StructRecord(STRUCTS.plan);
  const { rule, frame, external } = plan;
  const numbers = {
    rule: rule.name === "2016" ? 2016 : RULE_SACCADE,
    ...frame,
    external_motion: external.motion,
    external_parts: external.parts,
    hidden: plan.hidden,
    layers: plan.layerStart.length - 1,
    units: unitCount(plan),
    max_delay: plan.maxDelay,
    defer_every: plan.defer.every,
    defer_window: plan.defer.window,
    ...(rule.name === "2016"
      ? {
        options: optionBits(rule),
        tau: rule.tau,
        momentum: rule.momentum,
        bias: rule.bias,
      }
      : {
        motion_radius: rule.motion,
        encoder_rate: rule.encoderRate,
        decoder_rate: rule.decoderRate,
      }),
  };
  for (const [field, value] of Object.entries(numbers)) {
    record.set(field as keyof typeof numbers, value);
  }
  for (const kind of ["signal", "window", "motion", "context"] as const) {
    for (const part of ["start", "index", "length", "delay"] as const) {
      record.point(`${kind}.${part}`, plan[kind][part]);
    }
  }
  record.point("layer_start", plan.layerStart);
  record.point("context_kind", plan.contextKind);
  record.point("block", plan.block);
  record.point("inputs", plan.inputs);
  record.point("outputs", plan.outputs);
  record.point("encoder_mask", plan.mask?.encoder ?? null);
  record.point("decoder_mask", plan.mask?.decoder ?? null);
  return record;
}

/** A string as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/**
 * A state as the library reads it.
 *
 * @param plan the model
 * @param checkpoint a checkpoint of it
 * @returns a record that keeps copies alive where the checkpoint is in double precision
 */
export function flatState(
  plan: Plan,
  { step, started, deferred, tensors }: Checkpoint,
): StructRecord<keyof typeof STRUCTS.state.at> {
  const entries = Object.entries(tensors);
  const { bytes } = STRUCTS.tensor;
  const array = new Uint8Array(bytes * entries.length);
  const record = new StructRecord(STRUCTS.state);
  for (const [i, [name, values]] of entries.entries()) {
    const part = array.subarray(i * bytes, (i + 1) * bytes);
    const tensor = new StructRecord(STRUCTS.tensor, part);
    tensor.point("name", record.keep(cString(name)));
    tensor.point(
      "data",
      record.keep(values instanceof Float32Array ? values : Float32Array.from(values)),
    );
    tensor.set("length", values.length);
  }
  const layers = plan.layerStart.length - 1;
  const first = Uint32Array.from(
    { length: layers },
    (_, l) => Number(rateAt(plan.rates, l, 0) !== 0),
  );
  record.set("started", Number(started));
  record.set("step", step);
  record.set("tensor_count", entries.length);
  record.set("deferred", Number(deferred !== undefined));
  record.point("tensors", array);
  record.point("first", first);
  return record;
}
