/**
 * The ladder: every choice of the CPU kernels as one rung more, from what someone would write first to the product.
 *
 * @module
 */
import { wasmBackend } from "../../backends/wasm/backend.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import type { Defer, Plan } from "../../model/plan.ts";
import { backend as naive } from "../naive.ts";
import { type Build, runBackend, type Runner, runRung } from "./runner.ts";

/** A rung. */
export interface Rung {
  readonly name: string;
  /** What it changes in the rung before. */
  readonly changed: string;
  /** Whether it runs on as many threads as there are. */
  readonly parallel: boolean;
  /** Opens a model on it; `threads` counts where it is parallel. */
  open(plan: Plan, checkpoint: Checkpoint, threads: number): Promise<Runner>;
}

const ROWS = { padded: false, hiddenMajor: false, panels: false };
const PADDED = { ...ROWS, padded: true };
const HIDDEN_MAJOR = { ...PADDED, hiddenMajor: true };
const PANELS = { ...HIDDEN_MAJOR, panels: true };
/** What the rungs of several threads work with. */
const BEST = { passes: 8, build: "relaxed", layout: PANELS };

function built(name: string, changed: string, how: Build): Rung {
  const parallel = how.told !== undefined;
  return {
    name,
    changed,
    parallel,
    open: (plan, checkpoint, threads) => runRung(how, plan, checkpoint, parallel ? threads : 1),
  };
}

function product(name: string, changed: string, parallel: boolean, defer?: Defer): Rung {
  return {
    name,
    changed,
    parallel,
    open: (plan, checkpoint, threads) =>
      runBackend(
        wasmBackend({ threads: parallel ? threads : 1 }),
        defer === undefined ? plan : { ...plan, defer },
        checkpoint,
      ),
  };
}

/** All rungs, from the first on. */
export const RUNGS: readonly Rung[] = [
  {
    name: "naive",
    changed: "plain loops over typed arrays, three passes (bench/naive.ts)",
    parallel: false,
    open: (plan, checkpoint) => runBackend(naive, plan, checkpoint),
  },
  built("scalar", "the same loops in Rust", { passes: 1, build: "scalar", layout: ROWS }),
  built("simd", "four lanes", { passes: 2, build: "simd", layout: ROWS }),
  built("tails", "rows padded with zeros", { passes: 3, build: "simd", layout: PADDED }),
  built("sums", "eight sums a row", { passes: 4, build: "simd", layout: PADDED }),
  built("fused", "update and product in one pass", { passes: 5, build: "simd", layout: PADDED }),
  built("hidden-major", "decoder stored hidden-major", {
    passes: 6,
    build: "simd",
    layout: HIDDEN_MAJOR,
  }),
  built("panels", "panels of four rows", { passes: 7, build: "simd", layout: PANELS }),
  built("shared", "a panel loads its vectors once", { passes: 8, build: "simd", layout: PANELS }),
  built("relaxed", "relaxed SIMD: madd", BEST),
  built("shapes", "rows known when compiling", { ...BEST, passes: 10 }),
  built("messages", "all cores, told by postMessage, fixed shares; without shapes", {
    ...BEST,
    told: "by messages",
  }),
  built("barrier", "a barrier that spins, then waits", { ...BEST, told: "by words" }),
  built("counter", "chunks from an atomic counter", { ...BEST, told: "by words", claims: true }),
  built("turns", "every other step goes through the units backwards", {
    ...BEST,
    told: "by words",
    claims: true,
    turns: true,
  }),
  product("product", "the product (backends/wasm), all cores", true),
  product("product, one thread", "the same on one thread", false),
  product("deferred", "15, weights written every 16 updates", true, { every: 16, window: 16 }),
];
