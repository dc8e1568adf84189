/**
 * The WGSL of a plan: one entry point, `step_unit`, that is a whole step of one unit a workgroup.
 *
 * Units read what the step before published and their own state, so a step of all units of all layers is one dispatch. The text is
 * made for a plan: its rule, its options and H are constants in it.
 *
 * @module
 */
import type { Plan } from "../../model/plan.ts";
import { unitCount } from "../../model/plan.ts";
import { HALF_WGSL } from "./half_wgsl.ts";
import {
  FEEDBACK,
  HEADER,
  type Lanes,
  LAYER_WORDS,
  type Layout,
  PUBLISHED,
  UNIT,
  WORKGROUP,
} from "./layout.ts";
import { NOISE_WGSL } from "./noise_wgsl.ts";
import { passesWgsl } from "./passes_wgsl.ts";
import { rule2016Wgsl } from "./rule_2016_wgsl.ts";
import { ruleSaccadeWgsl } from "./rule_saccade_wgsl.ts";

/** How weights are stored. */
export type WeightFormat = "f32" | "f16";

/**
 * The program of a plan.
 *
 * @param plan the model
 * @param layout where it lies
 * @param format of the weights
 */
export function shaderOf(plan: Plan, layout: Layout, format: WeightFormat): string {
  const { rule } = plan;
  const momentum = rule.name === "2016" ? rule.momentum : undefined;
  return [
    preludeWgsl(plan, layout),
    weightsWgsl(format, momentum !== undefined),
    passesWgsl({ momentum, half: format === "f16" }),
    rule.name === "2016" ? rule2016Wgsl(rule) : ruleSaccadeWgsl(rule, plan.external.motion > 0),
  ].join("\n");
}

function preludeWgsl(plan: Plan, layout: Layout): string {
  const lanes = (name: string, { quads, width, slices }: Lanes) =>
    `const ${name}_QUADS = ${quads}u; const ${name}_WIDTH = ${width}u; const ${name}_SLICES = ${slices}u;`;
  const constants = HEADER.map((name, i) => `const ${name.toUpperCase()} = ${i}u;`);
  return /* wgsl */ `
const WORKGROUP = ${WORKGROUP}u;
const H = ${plan.hidden}u;
${lanes("ENCODER", layout.encoder)}
${lanes("DECODER", layout.decoder)}
${constants.join(" ")}
const LAYERS = ${HEADER.length}u;
const DATA = ${layout.data}u;
const RING = ${layout.published}u;
const FEEDBACK_BIT = ${FEEDBACK}u;

/** Where each region of the state begins. */
struct Place { ${layout.regions.map(({ name }) => `${name}: u32, `).join("")}units: u32 }
struct Unit { ${UNIT.map((name) => `${name}: u32, `).join("")}local: u32 }

@group(0) @binding(0) var<uniform> place: Place;
@group(0) @binding(1) var<storage, read> table: array<u32>;
/** Head, frame and external input of this step, and of the step before. */
@group(0) @binding(2) var<storage, read> now: array<u32>;
@group(0) @binding(3) var<storage, read> before: array<u32>;
/** A ring of ${plan.maxDelay + 1} states of ${unitCount(plan)} units, newer ones first. */
@group(0) @binding(4) var<storage, read_write> published: array<f32>;
@group(0) @binding(5) var<storage, read_write> state: array<f32>;
@group(0) @binding(6) var<storage, read_write> errors: array<f32>;

var<workgroup> many: array<f32, ${4 * WORKGROUP}>;
var<workgroup> few: array<vec4f, 16>;

fn unit_of(local: u32) -> Unit {
  let at = local * ${UNIT.length}u;
  return Unit(${UNIT.map((_, i) => `table[at + ${i}u], `).join("")}local);
}

/** Whatever was written before is read after. */
fn barrier() {
  workgroupBarrier();
  storageBarrier();
}

fn setting(word: u32) -> f32 {
  return bitcast<f32>(now[word]);
}

fn layer_word(u: Unit, word: u32) -> u32 {
  return now[LAYERS + ${LAYER_WORDS}u * u.layer + word];
}

/** An entry of a list: of the input, or as published so many steps ago. */
fn value(entry: u32) -> f32 {
  let index = entry & ${FEEDBACK - 1}u;
  if ((entry & ${PUBLISHED}u) == 0u) {
    return bitcast<f32>(now[DATA + index]);
  }
  let at = now[NEWEST] + index;
  return published[select(at, at - RING, at >= RING)];
}

fn publish(u: Unit, j: u32, hidden: f32) {
  published[now[PUBLISHING] + u.id * H + j] = hidden;
}

/** The sum over all invocations, always in the same order. */
fn total(value: vec4f, tid: u32) -> vec4f {
  put(value, tid);
  workgroupBarrier();
  if (tid < 16u) {
    var sum = vec4f();
    for (var i = 16u * tid; i < 16u * tid + 16u; i++) {
      sum += vec4f(many[i], many[WORKGROUP + i], many[2u * WORKGROUP + i], many[3u * WORKGROUP + i]);
    }
    few[tid] = sum;
  }
  workgroupBarrier();
  var sum = few[0];
  for (var i = 1u; i < 16u; i++) {
    sum += few[i];
  }
  return sum;
}

fn put(value: vec4f, tid: u32) {
  many[tid] = value.x;
  many[WORKGROUP + tid] = value.y;
  many[2u * WORKGROUP + tid] = value.z;
  many[3u * WORKGROUP + tid] = value.w;
}
`;
}

/** How four weights are stored. */
function weightsWgsl(format: WeightFormat, momentum: boolean): string {
  const stored = format === "f16" ? "vec2u" : "vec4f";
  return /* wgsl */ `
@group(0) @binding(7) var<storage, read_write> weights: array<${stored}>;
${momentum ? "@group(0) @binding(8) var<storage, read_write> momentum: array<vec4f>;" : ""}
${
    format === "f16"
      ? `${NOISE_WGSL}${HALF_WGSL}
fn load(at: u32) -> vec4f { return from_halves(weights[at]); }
/** What was stored is what counts. */
fn store(at: u32, w: vec4f, noise: vec4u) -> vec4f {
  let halves = to_halves(w, noise);
  weights[at] = halves;
  return from_halves(halves);
}`
      : `
fn load(at: u32) -> vec4f { return weights[at]; }
fn store(at: u32, w: vec4f) -> vec4f {
  weights[at] = w;
  return w;
}`
  }
`;
}
