/**
 * A peer: a program of its own that runs the same model with another library, and waits while others are measured.
 *
 * @module
 */
import { lines, type Request, type Timed, type Verified } from "./protocol.ts";

/** A peer cannot be had here: the message says why and what to do. */
export class PeerError extends Error {
  override name = "PeerError";
}

/** What to start. */
export interface PeerProgram {
  /** The library. */
  readonly name: string;
  /** Threads it is given. */
  readonly threads: number;
  /** The program and its arguments; the folder of the model is one of them. */
  readonly command: readonly [string, ...string[]];
  /** Environment variables it gets besides ours. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A running peer. */
export class Peer implements AsyncDisposable {
  readonly name: string;
  readonly threads: number;
  /** Of the library, as it says itself. */
  readonly version: string;
  readonly #process: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(program: PeerProgram, version: string, wires: Wires) {
    this.name = program.name;
    this.threads = program.threads;
    this.version = version;
    this.#process = wires.process;
    this.#reader = wires.reader;
    this.#writer = wires.writer;
  }

  /**
   * Starts a peer.
   *
   * @throws {PeerError} when it does not start
   */
  static async start(program: PeerProgram): Promise<Peer> {
    const [command, ...args] = program.command;
    const process = new Deno.Command(command, {
      args,
      env: { ...program.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = lines(process.stdout);
    const wires = { process, reader, writer: process.stdin.getWriter() };
    const { done, value } = await reader.read();
    if (done) {
      await wires.writer.close().catch(() => {});
      throw new PeerError(
        `${program.name} did not start: it ended with ${(await process.status).code}`,
      );
    }
    return new Peer(program, (JSON.parse(value) as { version: string }).version, wires);
  }

  /** Steps from the first state; all tensors go to a file, in the order that `verify.ts` reads. Once, before anything else. */
  verify(steps: number, to: string): Promise<Verified> {
    return this.#ask({ command: "verify", steps, to }) as Promise<Verified>;
  }

  /** Steps for a while, three at least. */
  time(ms: number): Promise<Timed> {
    return this.#ask({ command: "time", ms }) as Promise<Timed>;
  }

  async #ask(request: Request): Promise<unknown> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
    const { done, value } = await this.#reader.read();
    if (done) throw new PeerError(`${this.name} ended in the middle of "${request.command}"`);
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#reader.cancel();
    await this.#process.status;
  }
}

interface Wires {
  readonly process: Deno.ChildProcess;
  readonly reader: ReadableStreamDefaultReader<string>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}
