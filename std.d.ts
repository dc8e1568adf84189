/** Types for `std.ts` and `std_assert.ts`: only what the project calls, narrower than the originals. */

/** What `parseArgs` is told. */
export interface ParseOptions {
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  readonly collect?: readonly string[];
  readonly negatable?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly default?: Readonly<Record<string, unknown>>;
  readonly stopEarly?: boolean;
  /** Called for every argument no option names; `key` is undefined for positionals. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
/** What `parseArgs` returns: positionals under `_`, every option by name. */
export type Args = { _: (string | number)[] } & { [option: string]: unknown };
export function parseArgs(args: readonly string[], options?: ParseOptions): Args;

export function assert(condition: unknown, message?: string): asserts condition;
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
): E;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
  message?: string,
): Promise<E>;

export function closestString(word: string, candidates: readonly string[]): string;

export function bold(text: string): string;
export function dim(text: string): string;
export function green(text: string): string;
export function red(text: string): string;
export function yellow(text: string): string;
