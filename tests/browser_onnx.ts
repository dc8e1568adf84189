/**
 * What a page does for `browser_onnx_test.ts`: both rules in ONNX Runtime and on the reference, and what deviates most.
 *
 * @module
 */
import { onnxBackend, type OnnxOptions } from "../backends/onnx/backend.ts";
import { backend as reference } from "../backends/reference/backend.ts";
import { deviation } from "../conformance/tolerance.ts";
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { ALL_LEARN, inputs, openSession } from "./agreement.ts";

/** What the page found. */
export interface Found {
  /** Of each rule the worst deviation of errors and state. */
  readonly worst: Readonly<Record<string, number>>;
  /** What went wrong. */
  readonly error?: string;
}

async function compare(rule: "saccade" | "2016", options: OnnxOptions): Promise<number> {
  const plan = compilePlan(builtinSpec("tiny", { rule, fields: rule === "2016" ? ALL_LEARN : {} }));
  await using got = await openSession(onnxBackend(options), "wasm", plan);
  await using want = await openSession(reference, "f32", plan);
  let worst = 0;
  for (const input of inputs(plan, 12)) {
    await got.step(input);
    await want.step(input);
    worst = Math.max(worst, deviation((await got.report()).mse, (await want.report()).mse));
  }
  const [a, b] = [(await got.save()).tensors, (await want.save()).tensors];
  for (const [name, values] of Object.entries(b)) {
    worst = Math.max(worst, deviation(a[name]!, values, name));
  }
  return worst;
}

async function main(): Promise<Found> {
  const worst: Record<string, number> = {};
  try {
    // As a page loads it: from its own server.
    const files = new URL("/files/", location.href).href;
    const ort = await import(`${files}ort.wasm.min.mjs`);
    ort.env.wasm.wasmPaths = files;
    for (const rule of ["saccade", "2016"] as const) worst[rule] = await compare(rule, { ort });
    return { worst };
  } catch (error) {
    return { worst, error: `${error}` };
  }
}

await fetch("/found", { method: "POST", body: JSON.stringify(await main()) });
