/**
 * How the program ends: a code for scripts, one sentence for people.
 *
 * @module
 */
import { BackendError } from "../backends/errors.ts";
import { DeviceLostError } from "../backends/backend.ts";
import { SpecError } from "../model/parse_spec.ts";
import { CheckpointError } from "../runtime/checkpoint_store.ts";
import type { Failure } from "../runtime/failure.ts";
import { SourceError } from "../sources/source.ts";

/** Exit codes. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  input: 3,
  permission: 4,
  backend: 5,
  nonconformant: 6,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** Thrown for a command line that makes no sense. */
export class UsageError extends Error {
  /** @ignore */
  override name = "UsageError";
}

const CODES: Readonly<Record<string, number>> = {
  [UsageError.name]: EXIT.usage,
  [SpecError.name]: EXIT.usage,
  [SourceError.name]: EXIT.input,
  [CheckpointError.name]: EXIT.input,
  NotFound: EXIT.input,
  PermissionDenied: EXIT.permission,
  NotCapable: EXIT.permission,
  [BackendError.name]: EXIT.backend,
  [DeviceLostError.name]: EXIT.backend,
};

/**
 * The exit code of an error.
 *
 * @param error whatever was thrown
 */
export function exitCode(error: Failure): number {
  return CODES[error.name] ?? EXIT.failure;
}

/**
 * What a person is told of an error: one line, never a stack trace.
 *
 * @param error whatever was thrown
 */
export function sentence(error: Failure): string {
  const [line = ""] = error.message.split("\n");
  const known = error.name in CODES;
  return known && line !== "" ? line : `${error.name}: ${line}`;
}
