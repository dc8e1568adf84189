import { backend as reference } from "./backends/reference/backend.ts";
import { ownBackend } from "./backends/native/backend.ts";
import { builtinSpec } from "./model/builtin.ts";
import { agree, ALL_LEARN, openSession } from "./tests/agreement.ts";
for (const id of ["avx2","sse2"]) for (const [label, fields] of Object.entries({ saccade: {}, still: {motion: 0}, "2016": {rule:"2016", ...ALL_LEARN, initial_learning_rate: 0.02}, two: {rule:"2016", ...ALL_LEARN, initial_learning_rate: 0.02,  predict_two_steps: true,
    normalize_output: true,
    use_t_minus_2_block: true,
    use_integral: false,}, log: {rule:"2016", ...ALL_LEARN, initial_learning_rate: 0.02,activation: "logistic",
    bias_free: true,
    autoencoder: true,}, ta: { rule:"2016", ...ALL_LEARN, initial_learning_rate: 0.02,predict_two_steps: true,
    autoencoder: true,
    lateral: "legacy"}, defer: {rule:"2016", ...ALL_LEARN, initial_learning_rate: 0.02, defer: 4}, dsac: {defer: 3} })) {
  const { rule, ...rest } = fields as any;
  const spec = builtinSpec("tiny", { rule: rule ?? "saccade", fields: rest });
  const b = await ownBackend({ threads: 2 });
  console.log(id, label, await agree(spec, 20, 5e-5, [(plan) => openSession(b, id, plan), (plan) => openSession(reference, "f32", plan)]));
}
