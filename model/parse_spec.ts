/**
 * Reading a specification: our own JSON with real types, or a JSON file of the 2016 release, where every value is a string.
 *
 * @module
 */
import { closestString } from "../std.ts";
import { compileDefer, MOST_PAIRS } from "./defer.ts";
import type { RuleName, Spec } from "./spec.ts";
import { type FieldKind, FIELDS, FORM_FIELDS, RUN_FIELDS } from "./spec_fields.ts";

/** Thrown for a specification that makes no model; the message says which field and why. */
export class SpecError extends Error {
  /** @ignore */
  override name = "SpecError";
}

type Raw = Readonly<Record<string, unknown>>;

/**
 * Makes a complete specification of a partial one.
 *
 * Without `rule`, a record of the 2016 release (it has `version_major`) gets rule 2016 and any other rule saccade. Booleans may
 * be true/false, 1/0 or "1"/"0", numbers may be strings, lists may be strings with commas.
 *
 * @param raw the fields given, as JSON has them
 * @returns every field, defaults filled in
 * @throws {SpecError} for an unknown field (naming the nearest known), a bad value, or a model that is not built
 *
 * @example A model of two layers
 * ```ts
 * import { parseSpec } from "@saccade/saccade";
 * import { assertEquals } from "@std/assert";
 *
 * const spec = parseSpec({ layer_shapes: [2, 1], motion: "3" });
 * assertEquals([spec.rule, spec.motion, spec.halo], ["saccade", 3, 1]);
 * ```
 */
export function parseSpec(raw: unknown): Spec {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    throw new SpecError(`A specification is a JSON object with fields such as "layer_shapes"`);
  }
  const given = raw as Raw;
  const names = Object.keys(FIELDS) as (keyof Spec)[];
  const known: string[] = [...names, ...RUN_FIELDS, ...FORM_FIELDS];
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new SpecError(
        `Unknown field "${name}" in the specification: did you mean "${
          closestString(name, known)
        }"?`,
      );
    }
  }
  const rule: RuleName = given["rule"] !== undefined
    ? read("rule", FIELDS.rule.kind, given["rule"]) as RuleName
    : given["version_major"] !== undefined
    ? "2016"
    : "saccade";
  refuseForms(given);
  const fields: Record<string, unknown> = {};
  for (const name of names) {
    const field = FIELDS[name];
    const value = given[name];
    fields[name] = value !== undefined
      ? read(name, field.kind, value)
      : rule === "2016"
      ? field.default2016
      : field.defaultSaccade;
  }
  fields["rule"] = rule;
  const spec = fields as unknown as Spec;
  return check(fitReadout(spec, given));
}

/** Complex units, residual units and global backprop are other models: refused with the reason. */
function refuseForms(given: Raw): void {
  const text = (name: string) => given[name] === undefined ? undefined : String(given[name]);
  const version = `${text("version_major") ?? "1"}.${text("version_minor") ?? "0"}`;
  if (version !== "1.0") {
    throw new SpecError(
      `Version ${version} of the 2016 format is not known: only 1.0 makes a model`,
    );
  }
  const module = text("ex_module");
  if (module?.includes("residual")) {
    throw new SpecError(
      `"ex_module": residual units have two networks each; a plan has one encoder and one decoder a unit`,
    );
  }
  if (module !== undefined && !module.endsWith("PVM_unit_v1")) {
    throw new SpecError(`"ex_module": "${module}" is not known; "PVM_models.PVM_unit_v1" is`);
  }
  const type = text("unit_type");
  if (type !== undefined && type !== "simple") {
    throw new SpecError(
      `"unit_type": "${type}" units have a second hidden layer; a plan has one encoder and one decoder a unit`,
    );
  }
  if (
    given["use_global_backprop"] !== undefined &&
    read("use_global_backprop", { is: "boolean" }, given["use_global_backprop"])
  ) {
    throw new SpecError(
      `"use_global_backprop" sends gradients between units; here every unit learns from its own error only`,
    );
  }
}

/** One value, converted and bounded. */
function read(name: string, kind: FieldKind, value: unknown): unknown {
  const refuse = (what: string): never => {
    throw new SpecError(`"${name}" must be ${what}, not ${JSON.stringify(value)}`);
  };
  const number = (value: unknown, whole: boolean, min: number, max: number, or = ""): number => {
    const x = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof x !== "number" || !(x >= min && x <= max) || (whole && !Number.isInteger(x))) {
      return refuse(`${whole ? "a whole number" : "a number"} from ${min} to ${max}${or}`);
    }
    return x;
  };
  const boolean = (value: unknown): boolean => {
    if (value === true || value === 1 || value === "1") return true;
    if (value === false || value === 0 || value === "0") return false;
    return refuse(`true or false (or 1 or 0)`);
  };
  const list = (value: unknown): readonly unknown[] => {
    const items = typeof value === "string" ? value.split(",") : value;
    return Array.isArray(items) && items.length > 0 ? items : refuse("a list that is not empty");
  };
  switch (kind.is) {
    case "count":
      return number(value, true, kind.min, kind.max);
    case "number":
      return number(value, false, kind.min, kind.max);
    case "countOr":
      return value === kind.word
        ? value
        : number(value, true, kind.min, kind.max, `, or ${kind.word}`);
    case "boolean":
      return boolean(value);
    case "counts":
      if (kind.empty && (value === "" || Array.isArray(value) && value.length === 0)) return [];
      return list(value).map((item) => number(item, true, kind.min, kind.max));
    case "numbers": {
      const items = typeof value === "number" ? [value] : list(value);
      if (items.length > kind.most) refuse(`a list of at most ${kind.most} numbers`);
      return items.map((item) => number(item, false, kind.min, kind.max));
    }
    case "booleans":
      return list(value).map(boolean);
    case "choice":
      return kind.of.includes(String(value))
        ? String(value)
        : refuse(`one of ${kind.of.join(", ")}`);
    case "schedule":
      return list(value).map((pair) =>
        Array.isArray(pair) && pair.length === 2
          ? [number(pair[0], true, 0, Number.MAX_SAFE_INTEGER), number(pair[1], false, 0, 1000)]
          : refuse("a list of pairs [from step, multiplier]")
      );
  }
}

/** Readout lists have an entry a layer; where they are left out, so are the readouts of rule saccade. */
function fitReadout(spec: Spec, given: Raw): Spec {
  const layers = spec.layer_shapes.length;
  const sizes =
    given["readout_block_size"] === undefined && layers !== spec.readout_block_size.length
      ? spec.layer_shapes.map(() => 1)
      : spec.readout_block_size;
  const enabled = given["enable_readout"] === undefined
    ? spec.layer_shapes.map(() => spec.rule === "2016")
    : spec.enable_readout;
  for (
    const [name, list] of [["readout_block_size", sizes], ["enable_readout", enabled]] as const
  ) {
    if (list.length !== layers) {
      throw new SpecError(
        `"${name}" has ${list.length} entries, but "layer_shapes" has ${layers} layers`,
      );
    }
  }
  return { ...spec, readout_block_size: sizes, enable_readout: enabled };
}

/** What only shows when fields meet. */
function check(spec: Spec): Spec {
  for (const [layer, side] of spec.layer_shapes.entries()) {
    if (layer + 1 < spec.layer_shapes.length && side < spec.fan_in_square_size) {
      throw new SpecError(
        `Layer ${layer} has ${side} x ${side} units, fewer than the ${spec.fan_in_square_size} x ${spec.fan_in_square_size} of "fan_in_square_size" above it`,
      );
    }
  }
  if (spec.layer_shapes.length > 1) {
    const centre = (spec.fan_in_square_size - 1) / 2;
    const nearest = (centre % 1) ** 2 * 2;
    if (nearest > spec.fan_in_radius ** 2) {
      throw new SpecError(`"fan_in_radius" ${spec.fan_in_radius} leaves units without children`);
    }
  }
  if (spec.rule === "saccade" && spec.lateral === "legacy") {
    throw new SpecError(
      `"lateral": "legacy" reproduces the 2016 release and goes with "rule": "2016" only`,
    );
  }
  if (new Set(spec.own_delays).size < spec.own_delays.length) {
    throw new SpecError(`"own_delays" ${JSON.stringify(spec.own_delays)} has a delay twice`);
  }
  const layers = spec.layer_shapes.length;
  if (spec.skip_below.length > layers) {
    throw new SpecError(
      `"skip_below" has ${spec.skip_below.length} entries, but "layer_shapes" has ${layers} layers`,
    );
  }
  const { window } = compileDefer(spec);
  if (window > MOST_PAIRS) {
    throw new SpecError(
      `"defer" with "momentum" ${spec.momentum} would have to keep ${window} updates, more than ${MOST_PAIRS}: give "defer_window" (momentum to the power of it is lost), or "defer": 0`,
    );
  }
  if (spec.schedule.some(([from], i) => i > 0 && from < spec.schedule[i - 1]![0])) {
    throw new SpecError(`"schedule" must be in the order of its steps`);
  }
  if (spec.schedule[0]![0] !== 0) throw new SpecError(`"schedule" must begin at step 0`);
  return spec;
}

/**
 * Fields that have been given a value and have no effect under the specification's rule.
 *
 * @param spec a complete specification
 * @returns their names, in the order of the record
 */
export function withoutEffect(spec: Spec): (keyof Spec)[] {
  return (Object.keys(FIELDS) as (keyof Spec)[]).filter((name) => {
    const field = FIELDS[name];
    if (name.startsWith("readout") || name === "enable_readout") return false;
    const normal = spec.rule === "2016" ? field.default2016 : field.defaultSaccade;
    return !field.counts.includes(spec.rule) &&
      JSON.stringify(spec[name]) !== JSON.stringify(normal);
  });
}
