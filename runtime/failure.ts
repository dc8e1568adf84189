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
 * A permission of Deno's that is missing stays one however deep it is wrapped: to give it is what helps. What the system forbids is a
 * matter of permission too, but for sources: one that may not be read is a source that cannot be had.
 *
 * @param error whatever was thrown
 */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { message } = error;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Deno.errors.NotCapable) return { name: "NotCapable", message };
    if (cause instanceof Deno.errors.PermissionDenied && error.name !== "SourceError") {
      return { name: "PermissionDenied", message };
    }
  }
  // What Deno throws has its class in the constructor only.
  return { name: error.name === "Error" ? error.constructor.name : error.name, message };
}
