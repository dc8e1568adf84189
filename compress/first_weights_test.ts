/** The weights that a stored model began with. */
import { builtinSpec } from "../model/builtin.ts";
import { planOf } from "../model/checkpoint_file.ts";
import { compilePlan } from "../model/compile.ts";
import { contextsLeft, cutCheckpoint } from "../model/cut_contexts.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { unitCount } from "../model/plan.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { firstWeights } from "./first_weights.ts";

for (const rule of ["saccade", "2016"] as const) {
  Deno.test(`a model has the first weights of its specification, rule ${rule}`, () => {
    const spec = { ...builtinSpec("tiny", { rule, fields: { seed: 5 } }) };
    const { tensors } = initialCheckpoint(planOf({ spec }));
    assertEquals(firstWeights({ spec }), {
      encoder: tensors["encoder"]!,
      decoder: tensors["decoder"]!,
    });
  });

  Deno.test(`one that lost contexts, and units with them, has what is left of them, rule ${rule}`, () => {
    const spec = { ...builtinSpec("tiny", { rule }) };
    const whole = compilePlan(builtinSpec("tiny", { rule }));
    // Of the contexts that come from above, none: so the units above are read by nobody.
    const contexts = contextsLeft(
      whole,
      whole.contextKind.map((kind) => kind === 0 ? 1 : 0),
    );
    const plan = planOf({ spec, contexts });
    assert(unitCount(plan) < unitCount(whole), "no unit went");
    const { encoder, decoder } = firstWeights({ spec, contexts });
    const { tensors } = cutCheckpoint(whole, initialCheckpoint(whole), contexts);
    assertEquals({ encoder, decoder }, {
      encoder: tensors["encoder"]!,
      decoder: tensors["decoder"]!,
    });
  });
}
