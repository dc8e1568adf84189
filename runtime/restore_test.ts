import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { checkState } from "../model/state.ts";
import { assertEquals, assertThrows } from "../std_assert.ts";
import { SpecError } from "../model/parse_spec.ts";
import { restore } from "./restore.ts";

const spec = builtinSpec("tiny", { fields: { skip_below: [1e-4] } });
const stored = {
  spec: { ...spec },
  checkpoint: initialCheckpoint(compilePlan(spec)),
  sourceFrames: 0,
};

Deno.test("restore() changes below which errors units learn, and nothing else", () => {
  assertEquals(restore(stored).spec, spec);
  const { spec: changed, resume } = restore(stored, { skipBelow: [1e-3, 0] });
  assertEquals(changed, { ...spec, skip_below: [1e-3, 0] });
  assertEquals(resume, stored);
});

Deno.test("restore() begins and ends to keep the mean errors of units", () => {
  const { spec: surprised, resume } = restore(stored, { surprise: 0.5 });
  assertEquals(surprised.surprise, 0.5);
  assertEquals(resume.checkpoint.tensors["error.mean"], new Float32Array(30));
  checkState(compilePlan(surprised), resume.checkpoint);
  const again = restore({ ...resume, spec: { ...surprised } }, { surprise: 0 });
  assertEquals(again.resume.checkpoint, stored.checkpoint);
});

Deno.test("restore() refuses a threshold that is none", () => {
  assertThrows(() => restore(stored, { skipBelow: [-1] }), SpecError, '"skip_below"');
});
