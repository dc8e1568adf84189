/**
 * A backend in a process of its own: when it crashes, nothing else does.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { deserialize, serialize } from "node:v8";
import type { BackendOptions } from "../registry.ts";
import type { Channel } from "./channel.ts";
import { revived, type SentError } from "./failures.ts";
import { decodeFrames, encodeFrame, FrameError } from "./frames.ts";

/** How long a process may take to end by itself when its input ends. */
const GRACE_MS = 2000;

/** What a process is told when it starts. */
export interface ProcessStart {
  /** The backend. */
  readonly specifier: string;
  readonly options: BackendOptions;
}

/** The permissions of this program, for a child that shall have no more. */
function permissions(): string[] {
  const names = ["read", "write", "net", "env", "run", "ffi", "sys", "import"] as const;
  return names.flatMap((name) => {
    const { state } = Deno.permissions.querySync({ name } as Deno.PermissionDescriptor);
    return state === "granted" ? [`--allow-${name}`] : [];
  });
}

function commandLine(start: ProcessStart, how: "serve" | "once"): string[] {
  const entry = new URL("./process_entry.ts", import.meta.url).href;
  return ["run", "--quiet", "--no-prompt", ...permissions(), entry, how, JSON.stringify(start)];
}

/**
 * Starts a process that serves a backend.
 *
 * @param start which backend
 * @returns a channel to it; it closes when the process ends, whatever ended it
 * @throws {Deno.errors.NotCapable} without permission to run Deno
 */
export function processChannel(start: ProcessStart): Channel {
  return new ProcessChannel(start);
}

/** The answer to one question about whether a plan is taken. */
function askOnce(
  start: ProcessStart,
  input: Uint8Array,
): { value: unknown } | { error: SentError } {
  let ended: ReturnType<typeof spawnSync>;
  try {
    const stdio = ["pipe", "pipe", "inherit"] as const;
    const args = commandLine(start, "once");
    ended = spawnSync(Deno.execPath(), args, { input, maxBuffer: 2 ** 26, stdio: [...stdio] });
  } catch (error) {
    // To wait for a process takes permission to read the environment, too: then load() tells what stands against a plan.
    if (error instanceof Deno.errors.NotCapable) return { value: { ok: true, reasons: [] } };
    throw error;
  }
  const { status, signal, stdout } = ended;
  if (status === 0) return deserialize(stdout as unknown as Uint8Array);
  const how = signal === null ? `ended with code ${status}` : `was ended by ${signal}`;
  const reason = `The process of backend "${start.specifier}" ${how} when it was asked`;
  return { value: { ok: false, reasons: [reason] } };
}

class ProcessChannel implements Channel {
  readonly closed: Promise<string>;
  readonly #start: ProcessStart;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #hear: (message: unknown) => void = () => {};
  #wrong: string | null = null;
  #closing = false;

  constructor(start: ProcessStart) {
    this.#start = start;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: commandLine(start, "serve"),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.closed = this.#run();
  }

  /** Hears until the process has ended; says how it did. */
  async #run(): Promise<string> {
    const name = `The process of backend "${this.#start.specifier}"`;
    try {
      for await (const message of decodeFrames(this.#child.stdout)) this.#hear(message);
    } catch (error) {
      this.#wrong = error instanceof FrameError
        ? `${name} was ended: something in it writes to its standard output, where its answers go`
        : `${name} cannot be heard: ${(error as Error).message}`;
      this.#kill();
    }
    const { code, signal } = await this.#child.status;
    await this.#writer.close().catch(() => {});
    if (this.#closing) return "The device was closed";
    if (this.#wrong !== null) return this.#wrong;
    return signal === null ? `${name} ended with code ${code}` : `${name} was ended by ${signal}`;
  }

  send(message: unknown): void {
    // Whether it could be written shows in how the process ends.
    this.#writer.write(encodeFrame(message)).catch(() => {});
  }

  listen(hear: (message: unknown) => void): void {
    this.#hear = hear;
  }

  /** Asks a process of its own, for this thread cannot hear the other one while it waits. */
  ask(message: unknown): unknown {
    const answer = askOnce(this.#start, serialize(message));
    if ("error" in answer) throw revived(answer.error);
    return answer.value;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#writer.close().catch(() => {});
    const impatience = setTimeout(() => this.#kill(), GRACE_MS);
    await this.closed;
    clearTimeout(impatience);
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}
