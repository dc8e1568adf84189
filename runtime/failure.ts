/**
 * Errors as plain data: what a thread can tell another.
 *
 * @module
 */

/** The name and message of an error: what is left of one that comes from a worker. */
export interface Failure {
  readonly name: string;
  readonly message: string;
}

/**
 * What an error says, and what kind it is.
 *
 * A missing permission stays one however deep it is wrapped: to give it is what helps, whichever file, program or kernel asked.
 *
 * @param error whatever was thrown
 */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { message } = error;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Deno.errors.NotCapable) return { name: "NotCapable", message };
  }
  // What Deno throws has its class in the constructor only.
  return { name: error.name === "Error" ? error.constructor.name : error.name, message };
}
