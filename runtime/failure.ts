/**
 * What is left of an error that crosses from one thread to another: classes do not.
 *
 * @module
 */

/** The name and message of an error. */
export interface Failure {
  /** The name of its class, or of the permission that was missing behind it. */
  readonly name: string;
  /** What a person is told. */
  readonly message: string;
}

/**
 * Keeps of an error what can be sent.
 *
 * @param error what was thrown
 */
export function failureOf(error: Error): Failure {
  const { cause, message } = error;
  const forbidden = cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable;
  // A source that may not be read is a bad source; anything else that is forbidden is a matter of permission.
  const name = forbidden && error.name !== "SourceError" ? cause.name : error.name;
  return { name, message };
}
