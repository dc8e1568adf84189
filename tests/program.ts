/** The real program as a child process, as a person or a script meets it. */
import { assert, assertEquals } from "../std_assert.ts";
import type { Report } from "../runtime/report.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const MAIN = `${ROOT}cli/main.ts`;

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is started. */
export interface StartOptions {
  /** Deno's permissions; all of them unless stated. */
  readonly permissions?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running program whose output can be awaited. A test that fails leaves none behind. */
export class Program implements AsyncDisposable {
  /** How it ended. */
  readonly ended: Promise<Ended>;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #stdout = "";
  #closed = false;
  #heard = () => {};

  constructor(args: readonly string[], options: StartOptions = {}) {
    const { permissions = ["-A"], cwd = ROOT, env = {} } = options;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...permissions, MAIN, ...args],
      cwd,
      env: { ...env, NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.ended = this.#end();
  }

  async #end(): Promise<Ended> {
    const [status, stderr] = await Promise.all([
      this.#child.status,
      new Response(this.#child.stderr).text(),
      this.#read(this.#child.stdout),
    ]);
    // Where it ended before it read everything the pipe is broken; that is no failure of the test.
    await this.#writer.close().catch(() => {});
    return { code: status.code, signal: status.signal, stdout: this.#stdout, stderr };
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#stdout += text;
      this.#heard();
    }
    this.#closed = true;
    this.#heard();
  }

  /** Waits until the whole lines that it has written satisfy a condition; fails when it ends before. */
  async until(condition: (lines: string[]) => boolean): Promise<void> {
    while (!condition(this.#stdout.split("\n").slice(0, -1))) {
      assert(!this.#closed, `it ended too early; it wrote: ${this.#stdout}`);
      await new Promise<void>((resolve) => this.#heard = resolve);
    }
  }

  /** Gives it bytes to read. */
  async feed(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#writer.write(bytes).catch(() => {});
  }

  /** Ends what it reads. */
  async hangUp(): Promise<void> {
    await this.#writer.close().catch(() => {});
  }

  /** The number of its process. */
  get pid(): number {
    return this.#child.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended;
  }
}

/**
 * Runs the program to its end.
 *
 * @param args the command line
 * @param options what it reads, and how it is started
 */
export async function saccade(
  args: readonly string[],
  options: StartOptions & { readonly stdin?: Uint8Array<ArrayBuffer> } = {},
): Promise<Ended> {
  await using program = new Program(args, options);
  if (options.stdin !== undefined) await program.feed(options.stdin);
  await program.hangUp();
  return await program.ended;
}

/** Runs it, expects that all went well and that it complained of nothing. */
export async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await saccade(args);
  assertEquals([code, stderr], [0, ""], args.join(" "));
  return stdout;
}

/** Expects an exit code, and one sentence on stderr that a person can act on: never a stack trace. */
export function assertRefused({ code, stderr }: Ended, expected: number, says: string): void {
  assertEquals(code, expected, stderr);
  assert(stderr.includes(says), `expected "${says}" in: ${stderr}`);
  assertSentence(stderr);
}

/** Expects exactly one line that is no stack trace. */
export function assertSentence(stderr: string): void {
  assert(/^\S[^\n]*\n$/.test(stderr), `expected one line, got: ${stderr}`);
  assert(!/^\s*at |error: Uncaught|file:\/\/\S+:\d+:\d+/m.test(stderr), `a stack trace: ${stderr}`);
}

/** The records in what it printed. */
export function recordsIn(stdout: string): Report[] {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** A folder that lasts as long as its scope. */
export class Folder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "saccade_tests_" });

  /** The path of a file in it. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The names in it, in order. */
  names(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Expects two files to be equal byte for byte. */
export async function assertSameFile(actual: string, expected: string): Promise<void> {
  const [a, b] = await Promise.all([Deno.readFile(actual), Deno.readFile(expected)]);
  const first = a.findIndex((byte, at) => byte !== b[at]);
  assert(a.length === b.length && first < 0, `${actual} differs from ${expected} at ${first}`);
}
