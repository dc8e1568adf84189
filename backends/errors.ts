/**
 * What goes wrong before a device is open.
 *
 * @module
 */

/** Thrown when a backend cannot be found, imported or opened, or does not take a model. */
export class BackendError extends Error {
  /** @ignore */
  override name = "BackendError";
}
