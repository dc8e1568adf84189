import { assert, assertEquals, assertThrows } from "../std_assert.ts";
import { golden } from "../tests/golden.ts";
import { builtinSpec } from "./builtin.ts";
import { parseSpec, SpecError, withoutEffect } from "./parse_spec.ts";

const classic = golden("zoo_stats")
  .models["classic_medium = experiment1_{face,green_ball,stop_sign} = experiment2"].options;

Deno.test("parseSpec() reads a 2016 file, where every value is a string", () => {
  const spec = parseSpec(classic);
  assertEquals(spec.rule, "2016");
  assertEquals(spec.layer_shapes, [16, 8, 4, 3, 2, 1]);
  assertEquals(spec.enable_lateral_at, 700000);
  assertEquals(spec.use_error, true);
  assertEquals(spec.lateral, "layer");
});

Deno.test("parseSpec() reads its own record back", () => {
  for (const spec of [parseSpec(classic), builtinSpec("small"), builtinSpec("tiny")]) {
    assertEquals(parseSpec(JSON.parse(JSON.stringify(spec))), spec);
  }
});

Deno.test("parseSpec() takes booleans as true/false, 1/0 and strings", () => {
  for (const yes of [true, 1, "1"]) assert(parseSpec({ bias_free: yes }).bias_free);
  for (const no of [false, 0, "0"]) assert(!parseSpec({ bias_free: no }).bias_free);
  assertThrows(
    () => parseSpec({ bias_free: "yes" }),
    SpecError,
    `"bias_free" must be true or false`,
  );
});

Deno.test("parseSpec() refuses an unknown field and names the nearest", () => {
  assertThrows(() => parseSpec({ encoder_rat: 1 }), SpecError, `did you mean "encoder_rate"?`);
});

Deno.test("parseSpec() refuses bad values with what they must be", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ layer_shapes: [] }, "a list that is not empty"],
    [{ layer_shapes: [4, 0] }, "a whole number from 1"],
    [{ layer_shapes: [1, 1] }, "fewer than the 2 x 2"],
    [{ input_block_size: 2.5 }, "a whole number"],
    [{ encoder_rate: -1 }, "a number from 0"],
    [{ encoder_rate: "fast" }, `not "fast"`],
    [{ rule: "2017" }, "one of 2016, saccade"],
    [{ schedule: [[5, 1]] }, "must begin at step 0"],
    [{ schedule: [[0, 1], [9, 1], [8, 1]] }, "in the order of its steps"],
    [{ lateral: "legacy" }, `goes with "rule": "2016"`],
    [{ layer_shapes: [2, 1], readout_block_size: [1] }, "has 1 entries"],
    [{ layer_shapes: [2, 1], skip_below: [0, 0, 1] }, `"skip_below" has 3 entries`],
    [{ skip_below: -1 }, "a number from 0"],
    [{ surprise: -0.5 }, "a number from 0"],
    [{ skip_below: "often" }, `not "often"`],
    [{ own_delays: [1] }, "a whole number from 2 to 16"],
    [{ own_delays: [2, 4, 2] }, "has a delay twice"],
  ];
  for (const [raw, message] of cases) assertThrows(() => parseSpec(raw), SpecError, message);
  assertThrows(() => parseSpec([]), SpecError, "JSON object");
});

Deno.test("parseSpec() refuses other kinds of model with the reason", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ unit_type: "complex" }, "second hidden layer"],
    [{ ex_module: "PVM_models.PVM_unit_2step_residual_v1" }, "residual units"],
    [{ use_global_backprop: "1" }, "learns from its own error"],
    [{ version_major: "0" }, "Version 0.0"],
  ];
  for (const [raw, message] of cases) {
    assertThrows(() => parseSpec({ ...classic, ...raw }), SpecError, message);
  }
});

Deno.test("withoutEffect() lists what the release ignored, and what the other rule needs", () => {
  assertEquals(withoutEffect(parseSpec(classic)), ["polynomial", "backpropagate_readout_error"]);
  assertEquals(withoutEffect(builtinSpec("small", { fields: { momentum: 0.9 } })), ["momentum"]);
  assertEquals(withoutEffect(builtinSpec("small")), []);
});

Deno.test("builtinSpec() refuses an unknown name and suggests the nearest", () => {
  assertThrows(() => builtinSpec("smal"), SpecError, `did you mean "small"`);
  assertThrows(() => builtinSpec("toString"), SpecError, "Unknown model");
});
