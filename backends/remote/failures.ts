/**
 * Errors as messages: their classes do not cross from one thread or process to another.
 *
 * @module
 */
import { DeviceLostError } from "../backend.ts";
import { BackendError } from "../errors.ts";

/** An error as data. */
export interface SentError {
  /** The name of its class. */
  readonly name: string;
  /** What a person is told. */
  readonly message: string;
  /** What was behind it. */
  readonly cause?: SentError;
}

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

/** The classes that callers tell apart. */
const CLASSES: Readonly<Record<string, ErrorClass>> = {
  TypeError,
  RangeError,
  DeviceLostError,
  BackendError,
  NotCapable: Deno.errors.NotCapable,
  NotFound: Deno.errors.NotFound,
  PermissionDenied: Deno.errors.PermissionDenied,
};

/**
 * Keeps of an error what can be sent.
 *
 * @param error whatever was thrown
 */
export function sendable(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  // What Deno throws has its class in the constructor only.
  const name = error.name === "Error" ? error.constructor.name : error.name;
  const cause = error.cause instanceof Error ? { cause: sendable(error.cause) } : {};
  return { name, message: error.message, ...cause };
}

/**
 * Makes an error of the same class again.
 *
 * @param sent what arrived
 */
export function revived({ name, message, cause }: SentError): Error {
  const options = cause === undefined ? {} : { cause: revived(cause) };
  const known = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (known !== undefined) return new known(message, options);
  const error = new Error(message, options);
  error.name = name;
  return error;
}
