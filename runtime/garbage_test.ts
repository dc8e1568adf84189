/** A step leaves little behind: what is garbage must be collected, and a collection is a pause between two frames. */
import { assert } from "../std_assert.ts";
import type { Garbage } from "./garbage_testing.ts";

/** A child process: only there the heap can be collected on demand, and is large enough not to be collected in between. */
async function measure(...options: string[]): Promise<Garbage> {
  const script = new URL("./garbage_testing.ts", import.meta.url);
  const flags = "--v8-flags=--expose-gc,--min-semi-space-size=512,--max-semi-space-size=512";
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", flags, script.pathname, ...options],
  }).output();
  const text = new TextDecoder();
  assert(success, text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}

for (
  const [name, ...options] of [
    ["the loop alone", "null", "0", "memory"],
    ["the loop alone, of a source that promises", "null", "0", "promised"],
    ["the kernels with block matching", "wasm", "3", "memory"],
    ["a feed from its own thread", "wasm", "3", "thread"],
    ["a feed that is always waited for", "null", "3", "thread"],
  ] as const
) {
  Deno.test(`10,000 steps make little garbage and keep none of it: ${name}`, async () => {
    const { steps, taken, kept, arrays, known } = await measure(...options);
    assert(known.taken > 900 * steps && known.kept < 0.05 * known.taken, JSON.stringify(known));
    assert(taken <= 1024 * steps, `${taken / steps} bytes a step`);
    // Less than one reference a step.
    assert(kept < 8 * steps, `${kept} bytes are still there`);
    // A record a window of 500 steps has a few.
    assert(arrays < steps / 20, `${arrays} arrays`);
  });
}
