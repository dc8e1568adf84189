/**
 * What a property of the kit is, and what it is asked of.
 *
 * @module
 */
import type fc from "fast-check";
import type { Backend, Device, DeviceInfo, Session } from "../backends/backend.ts";
import type { Plan } from "../model/plan.ts";
import { buildCase, type Case } from "./case.ts";
import { recipes } from "./recipe.ts";
import type { PlanFeatures, Recipe } from "./recipe.ts";

/** The device under test. */
export interface Subject {
  readonly backend: Backend;
  readonly info: DeviceInfo;
  /** Which optional parts of a plan it accepts. */
  readonly features: PlanFeatures;
  /** Milliseconds after which a call counts as hanging. */
  readonly deadline: number;
  /** The device, open; a new one where the last one is gone. */
  device(): Promise<Device>;
}

/** Something that is true of every conformant backend. */
export interface Property {
  /** A sentence that is true when it holds. */
  readonly name: string;
  /** Its share of the runs that the kit is asked for; 1 unless stated. */
  readonly share?: number;
  /** The part of a plan without which there is nothing to check. */
  readonly needs?: keyof PlanFeatures;
  /** Why it does not apply to a device, if it does not. */
  unless?(info: DeviceInfo): string | undefined;
  /** The property itself, for fast-check to run. */
  of(subject: Subject): fc.IAsyncProperty<unknown>;
}

/** What a device stores the weights of a plan in: the plan's format, or where it says none the device's own. */
export function storedFormat({ info }: Pick<Subject, "info">, { format }: Plan): string {
  return format ?? info.formats[0] ?? "f32";
}

/** Random recipes of what a subject accepts. */
export function recipesFor(
  subject: Subject,
  fixed: Partial<Recipe> = {},
): fc.Arbitrary<Recipe> {
  return recipes(subject.features, fixed);
}

/**
 * Asserts something.
 *
 * @throws {Error} with the message where it is not so
 */
export function claim(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/**
 * Waits for something that must come to an end.
 *
 * @param subject whose deadline
 * @param what is waited for, in a sentence like "step() of a lost device"
 * @param task the call, or what it returned
 */
export async function within<T>(
  { deadline }: Pick<Subject, "deadline">,
  what: string,
  task: T | PromiseLike<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} has not come to an end after ${deadline} ms`)),
      deadline,
    );
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Builds the case of a recipe and runs a check with a session that has its checkpoint loaded. */
export async function withSession<T>(
  subject: Subject,
  recipe: Recipe,
  check: (session: Session, built: Case) => Promise<T>,
): Promise<T> {
  const built = await buildCase(recipe);
  const device = await subject.device();
  await using session = await within(
    subject,
    "load()",
    device.load(built.plan, built.checkpoint),
  );
  return await check(session, built);
}

/**
 * Whether a call fails, and how.
 *
 * @returns the error, undefined where it does not fail
 */
export async function failureOf(
  subject: Pick<Subject, "deadline">,
  what: string,
  call: () => unknown,
): Promise<Error | undefined> {
  try {
    await within(subject, what, (async () => void await call())());
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
