/**
 * The flags that choose a model, shared by the commands that need one.
 *
 * @module
 */
import { BUILTIN_NAMES, builtinSpec } from "../model/builtin.ts";
import { parseSpec, SpecError } from "../model/parse_spec.ts";
import type { RuleName, Spec } from "../model/spec.ts";
import { WEIGHT_FORMATS } from "../model/weight_format.ts";
import { SourceError } from "../sources/source.ts";
import type { Flag, Values } from "./flags.ts";

/** Flags that choose and change a model. */
export const SPEC_FLAGS: Readonly<Record<string, Flag>> = {
  spec: {
    value: "NAME|FILE",
    help: `${BUILTIN_NAMES.join(", ")}, or a JSON file (default: small)`,
  },
  rule: { value: "RULE", of: ["saccade", "2016"], help: "the learning rule" },
  motion: {
    value: "R",
    kind: "count",
    help: "radius of the block matching, 0 is off (rule saccade)",
  },
  lateral: { value: "KIND", of: ["layer", "legacy"], help: "where lateral context comes from" },
  defer: {
    value: "K",
    help: "write weights every K updates, or auto; the same mathematics (default: 0, every update)",
  },
  format: {
    value: "FORMAT",
    of: WEIGHT_FORMATS,
    help: "what weights are stored in (default: f32)",
  },
  "skip-below": {
    value: "MSE,...",
    help: "units with a smaller error do not learn; one for each layer, the last for all above",
  },
  surprise: {
    value: "SHARE",
    help: "units with an error below this share of their own mean do not learn, as 0.25",
  },
  seed: { value: "N", kind: "count", help: "seed of the initial weights" },
};

/** Which of {@linkcode SPEC_FLAGS} were given. */
export function specFlagsGiven(values: Values): string[] {
  return Object.keys(SPEC_FLAGS).filter((name) => values.has(name));
}

/**
 * The specification that the flags ask for.
 *
 * @param values the flags
 * @param name a built-in model or a file; `--spec` unless stated
 * @throws {SpecError} when it makes no model
 * @throws {SourceError} when the file cannot be read
 */
export async function readSpec(
  values: Values,
  name: string = values.text("spec") ?? "small",
): Promise<Spec> {
  const rule = values.text("rule") as RuleName | undefined;
  const fields: Record<string, unknown> = {};
  for (const field of ["lateral", "seed", "motion", "defer", "format", "surprise"]) {
    const value = values.text(field);
    if (value !== undefined) fields[field] = value;
  }
  const skipBelow = values.text("skip-below");
  if (skipBelow !== undefined) fields["skip_below"] = skipBelow;
  if (!/[./\\]/.test(name)) {
    return builtinSpec(name, rule === undefined ? { fields } : { rule, fields });
  }
  let text: string;
  try {
    text = await Deno.readTextFile(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "permission denied"
      : "it is no file";
    throw new SourceError(`Cannot read the specification "${name}": ${reason}`);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new SpecError(`The specification "${name}" is not JSON`);
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return parseSpec(raw);
  return parseSpec({ ...raw, ...(rule === undefined ? {} : { rule }), ...fields });
}
