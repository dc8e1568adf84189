/**
 * The kit inside `deno test`.
 *
 * @module
 */
import type { Backend } from "../backends/backend.ts";
import { type ConformanceOptions, type PropertyResult, proveConformance } from "./kit.ts";
import { allProperties } from "./properties/all.ts";

/** What a failing property says: what is wrong, the case, and how to see it again. */
export function explain({ name, outcome, reason, failure }: PropertyResult): string {
  if (failure === undefined) return `${name}: ${outcome} (${reason})`;
  const { message, counterexample, seed, path } = failure;
  return `${name}: ${message}\n  with ${counterexample}\n  again: --seed ${seed} --path ${path} --only "${name}"`;
}

/**
 * Registers a test for each property of the kit. What is skipped is unsupported for good, and shown as ignored with its reason; what is
 * expected to fail must fail.
 *
 * @param backend the backend, or what promises it
 * @param options how the kit runs
 *
 * @example
 * ```ts ignore
 * import { conformance } from "@saccade/saccade/conformance";
 * import backend from "./my_backend.ts";
 *
 * conformance(backend, { skip: [{ test: "bit for bit", reason: "atomic additions" }] });
 * ```
 */
export function conformance(
  backend: Backend,
  options: Omit<ConformanceOptions, "only" | "tell"> = {},
): void {
  const label = options.device === undefined ? backend.name : `${backend.name}:${options.device}`;
  for (const { name } of allProperties()) {
    const skip = options.skip?.find(({ test }) => name.includes(test));
    Deno.test({
      name: `${label}: ${name}${skip === undefined ? "" : ` (unsupported: ${skip.reason})`}`,
      ignore: skip !== undefined,
      async fn(t) {
        const report = await proveConformance(backend, { ...options, only: name });
        for (const result of report.results) {
          const { outcome, reason } = result;
          if (outcome === "unsupported") {
            await t.step({ name: `unsupported: ${reason}`, ignore: true, fn() {} });
          } else if (outcome === "failed" || outcome === "unexpected pass") {
            throw new Error(explain(result));
          }
        }
      },
    });
  }
}
