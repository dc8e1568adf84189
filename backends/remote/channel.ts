/**
 * What messages go through between a backend that runs elsewhere and its caller.
 *
 * @module
 */

/** One end of a connection. Messages are what structured clone takes; they arrive in order. */
export interface Channel {
  /** Settles once, when nothing can arrive any more, with a sentence that says why; never rejects. */
  readonly closed: Promise<string>;
  /** Sends a message, of which nothing is shared with the sender; does nothing once it is closed. */
  send(message: unknown): void;
  /**
   * Hears what arrives from here on.
   *
   * @param hear called with each message
   */
  listen(hear: (message: unknown) => void): void;
  /** Sends a message and waits for the answer, blocking this thread; only for short questions. */
  ask(message: unknown): unknown;
  /** Ends it. */
  close(): Promise<void>;
}
