/**
 * The conformance kit: proves a backend against the reference, property by property.
 *
 * ```ts
 * import { findBackend } from "@saccade/saccade";
 * import { proveConformance } from "@saccade/saccade/conformance";
 * import { assert } from "@std/assert";
 *
 * const report = await proveConformance(await findBackend("wasm"), { runs: 3, only: "new model" });
 * assert(report.conformant);
 * ```
 *
 * @module
 */
import fc from "fast-check";
import type { Backend, Device, DeviceInfo } from "../backends/backend.ts";
import { BackendError } from "../backends/errors.ts";
import { NARROW_FORMATS } from "../model/weight_format.ts";
import { buildPlan } from "./plans.ts";
import { allProperties } from "./properties/all.ts";
import type { Property, Subject } from "./property.ts";
import {
  CORE,
  FEATURE_NAMES,
  hasFeature,
  type PlanFeatures,
  type Recipe,
  recipes,
} from "./recipe.ts";

/** Something the kit should not ask for, or not yet. */
export interface Exception {
  /** The property's name, or a part of it. */
  readonly test: string;
  /** Why, in words for whoever reads the table. */
  readonly reason: string;
}

/** How the kit runs. */
export interface ConformanceOptions {
  /** Which device; the backend's first unless stated. */
  readonly device?: string | undefined;
  /** Random cases a property; some take a share of them. 100 unless stated. */
  readonly runs?: number | undefined;
  /** Of the random cases; from the clock unless stated. */
  readonly seed?: number | undefined;
  /** A counterexample to replay, as it was printed; with `seed` and `only`. */
  readonly path?: string | undefined;
  /** Only properties whose name contains this. */
  readonly only?: string | undefined;
  /** Unsupported, for good: not asked for. */
  readonly skip?: readonly Exception[];
  /** Expected failures, for now: asked for, must fail; one that passes fails the run. */
  readonly expected?: readonly Exception[];
  /** Milliseconds after which a call counts as hanging; 5000 unless stated. */
  readonly deadline?: number | undefined;
  /** Milliseconds after which a property stops trying new cases, 60,000 unless stated. */
  readonly limit?: number | undefined;
  /** Told of each result as it comes. */
  readonly tell?: (result: PropertyResult) => void;
}

/** How a property came out. */
export type Outcome =
  | "passed"
  | "failed"
  | "unsupported"
  | "expected failure"
  | "unexpected pass";

/** The result of one property. */
export interface PropertyResult {
  /** The property: true of a backend that passes. */
  readonly name: string;
  /** How it came out. */
  readonly outcome: Outcome;
  /** Cases that were run. */
  readonly runs: number;
  /** Milliseconds it took. */
  readonly ms: number;
  /** Why it was not asked for, or is expected to fail. */
  readonly reason?: string;
  /** What is wrong, and how to see it again. */
  readonly failure?: {
    /** What is wrong. */
    readonly message: string;
    /** The smallest case that was found, as fast-check prints it. */
    readonly counterexample: string;
    /** For {@linkcode ConformanceOptions.seed}. */
    readonly seed: number;
    /** For {@linkcode ConformanceOptions.path}. */
    readonly path: string;
  };
}

/** What the kit found out about a backend. */
export interface ConformanceReport {
  /** Its name. */
  readonly backend: string;
  /** The device that was asked. */
  readonly device: DeviceInfo;
  /** The version of the contract it was written for. */
  readonly apiVersion: number;
  /** Of the random cases. */
  readonly seed: number;
  /** Which optional parts of a plan it accepts; those that it refuses are not checked. */
  readonly features: PlanFeatures;
  /** Which of these it does not accept at all, in words. */
  readonly refused: readonly string[];
  /** In the order in which they were asked for. */
  readonly results: readonly PropertyResult[];
  /** Whether nothing failed that should pass, and nothing passed that is said to fail. */
  readonly conformant: boolean;
}

/** Milliseconds after which a property stops trying new cases, unless stated. */
const LIMIT = 60_000;

/** A path, and behind it which commands were run where the property is one of commands. */
function splitPath(path: string | undefined): { path?: string; replayPath?: string } {
  if (path === undefined) return {};
  const [before, after] = path.split("@");
  return { path: before!, ...(after === undefined ? {} : { replayPath: after }) };
}

/** The device under test, opened anew where it is gone. */
class OpenDevice {
  readonly #backend: Backend;
  readonly #id: string;
  #device: Device | null = null;

  constructor(backend: Backend, id: string) {
    this.#backend = backend;
    this.#id = id;
  }

  async get(): Promise<Device> {
    if (this.#device === null) {
      const device = await this.#backend.open(this.#id);
      this.#device = device;
      device.lost.then(() => {
        if (this.#device === device) this.#device = null;
      });
    }
    return this.#device;
  }

  async close(): Promise<void> {
    await this.#device?.[Symbol.asyncDispose]();
    this.#device = null;
  }
}

/** What a device accepts beyond the core profile: asked of some plans that differ in nothing else. */
function featuresOf(device: Device, seed: number): PlanFeatures {
  const accepted = (fixed: Partial<Recipe>) => {
    const sample = fc.sample(recipes(CORE, fixed), { numRuns: 20, seed });
    return sample.filter((recipe) => device.accepts(buildPlan(recipe)).ok).length > 10;
  };
  return {
    delays: accepted({ delay: 2 }),
    parts: accepted({ parts: 3 }),
    masks: accepted({ density: 50 }),
    skipping: accepted({ skip: 100, surprise: 50 }),
    shifts: accepted({ rule: "saccade", shift: 2 }),
    formats: NARROW_FORMATS.filter((format) =>
      device.info.formats.includes(format) && accepted({ format })
    ),
  };
}

/** The exception that names a property. */
function exceptionFor(
  property: Property,
  exceptions: readonly Exception[] = [],
): Exception | undefined {
  return exceptions.find(({ test }) => property.name.includes(test));
}

/** Whether and why a property does not apply. */
function unsupported(
  property: Property,
  subject: Subject,
  options: ConformanceOptions,
): string | undefined {
  const { needs } = property;
  if (needs !== undefined && !hasFeature(subject.features, needs)) {
    return `it refuses plans with ${FEATURE_NAMES[needs]}`;
  }
  return property.unless?.(subject.info) ?? exceptionFor(property, options.skip)?.reason;
}

async function prove(
  property: Property,
  subject: Subject,
  options: ConformanceOptions & { readonly seed: number },
): Promise<PropertyResult> {
  const { name } = property;
  const reason = unsupported(property, subject, options);
  if (reason !== undefined) return { name, outcome: "unsupported", runs: 0, ms: 0, reason };
  const begin = performance.now();
  const { path, replayPath } = splitPath(options.path);
  const details = await fc.check(property.of(subject), {
    seed: options.seed,
    numRuns: Math.max(1, Math.round((options.runs ?? 100) * (property.share ?? 1))),
    interruptAfterTimeLimit: options.limit ?? LIMIT,
    ...(path === undefined ? {} : { path }),
  });
  const result = { name, runs: details.numRuns, ms: Math.round(performance.now() - begin) };
  const expected = exceptionFor(property, options.expected);
  if (details.interrupted && details.errorInstance === null && details.numRuns === 0) {
    const message = `No case came to an end within ${(options.limit ?? LIMIT) / 1000} s`;
    const failure = { message, counterexample: "none", seed: options.seed, path: "" };
    return { ...result, outcome: "failed", failure };
  }
  if (!details.failed || (details.interrupted && details.errorInstance === null)) {
    return expected === undefined
      ? { ...result, outcome: "passed" }
      : { ...result, outcome: "unexpected pass", reason: expected.reason };
  }
  const counterexample = fc.stringify(details.counterexample);
  const commands = replayPath ?? counterexample.match(/replayPath="([^"]*)"/)?.[1];
  const failure = {
    message: (details.errorInstance as Error)?.message ?? "It fails",
    counterexample,
    seed: options.seed,
    path: `${details.counterexamplePath}${commands === undefined ? "" : `@${commands}`}`,
  };
  return expected === undefined
    ? { ...result, outcome: "failed", failure }
    : { ...result, outcome: "expected failure", reason: expected.reason, failure };
}

/**
 * Checks what must hold before there is anything to prove.
 *
 * @throws {BackendError} when the backend has no such device
 */
async function deviceOf(backend: Backend, id: string | undefined): Promise<DeviceInfo> {
  const infos = await backend.probe();
  const info = id === undefined ? infos[0] : infos.find((info) => info.id === id);
  if (info === undefined) {
    throw new BackendError(
      id === undefined
        ? `Backend "${backend.name}" finds no device on this machine`
        : `Backend "${backend.name}" has no device "${id}": there are ${
          infos.map(({ id }) => id).join(", ")
        }`,
    );
  }
  return info;
}

/**
 * Asks everything of a backend that the contract promises.
 *
 * @param backend the backend
 * @param options how
 * @returns what came out, property by property
 * @throws {BackendError} when the backend has no such device
 */
export async function proveConformance(
  backend: Backend,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const info = await deviceOf(backend, options.device);
  const seed = options.seed ?? Date.now() >>> 0;
  const open = new OpenDevice(backend, info.id);
  const features = featuresOf(await open.get(), seed);
  const deadline = options.deadline ?? 5000;
  const subject: Subject = { backend, info, features, deadline, device: () => open.get() };
  const { replayPath } = splitPath(options.path);
  const results: PropertyResult[] = [];
  for (const property of allProperties(replayPath)) {
    if (!property.name.includes(options.only ?? "")) continue;
    const result = await prove(property, subject, { ...options, seed });
    results.push(result);
    options.tell?.(result);
  }
  await open.close();
  const bad = ["failed", "unexpected pass"];
  return {
    backend: backend.name,
    device: info,
    apiVersion: backend.apiVersion,
    seed,
    features,
    refused: (Object.keys(FEATURE_NAMES) as (keyof PlanFeatures)[])
      .filter((name) => !hasFeature(features, name)).map((name) => FEATURE_NAMES[name]),
    results,
    conformant: results.every(({ outcome }) => !bad.includes(outcome)),
  };
}
