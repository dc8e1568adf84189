/**
 * The rule of 2016 in WGSL (pvm-spec 1 to 3): what `backends/reference/rule_2016.ts` says, one unit a workgroup.
 *
 * @module
 */
import type { Rule2016 } from "../../model/plan.ts";
import { float } from "./literal.ts";

/** How far the running extremes move towards each other in a step (pvm-spec 3). */
const EXTREME_DRIFT = 1e-6;

/**
 * WGSL of the rule, with the entry point.
 *
 * @param rule its scalars and options
 */
export function rule2016Wgsl(rule: Rule2016): string {
  const { twoSteps, autoencoder, normalise, integral } = rule;
  const learnt = (tensor: string) => twoSteps ? `place.lag_${tensor}` : `place.${tensor}`;
  const now = "state[place.arriving + u.signal_at + j]";
  const last = "state[place.signal + u.signal_at + j]";
  const previous = "state[place.signal_previous + u.signal_at + j]";
  const target = twoSteps
    ? `select(${autoencoder ? `${last}, ${previous}` : `${now}, ${last}`}, i < u.signals)`
    : autoencoder
    ? last
    : now;
  const features = [
    "a",
    ...(rule.derivative ? ["0.5 * (a - y) + 0.5"] : []),
    ...(integral ? ["sum"] : []),
    ...(rule.error ? ["0.5 * (a - state[place.prediction + u.output_at + i]) + 0.5"] : []),
    ...(rule.previous ? ["y"] : []),
  ];
  return /* wgsl */ `
const BIAS = ${float(rule.bias)};

fn activate(z: f32) -> f32 {
  return ${
    rule.activation === "polynomial" ? "z / (2.0 * (abs(z) + 1.0)) + 0.5" : "1.0 / (1.0 + exp(-z))"
  };
}

/** f', from the activation. */
fn slope(a: f32) -> f32 {
  ${
    rule.activation === "logistic"
      ? "return a * (1.0 - a);"
      : "let rest = 1.0 - abs(2.0 * a - 1.0);\n  return 0.5 * rest * rest;"
  }
}

/** error = B - P: the first outputs are the prediction of the signal that arrives now. */
fn score(u: Unit, tid: u32) -> vec4f {
  var sum = vec4f();
  for (var i = tid; i < u.signals; i += WORKGROUP) {
    let a = value(table[u.list + i]);
    let e = a - state[place.prediction + u.output_at + i];
    state[place.arriving + u.signal_at + i] = a;
    state[place.error + u.signal_at + i] = e;
    sum.x += e * e;
  }
  let squares = total(sum, tid);
  barrier();
  return squares;
}

/** The output's part of backpropagation; the encoder's waits for the new input. */
fn learn(u: Unit, rate: f32, tid: u32) {
  let hidden = ${learnt("hidden")} + u.local * H;
  for (var i = tid; i < u.outputs; i += WORKGROUP) {
    let j = ${twoSteps ? "i % u.signals" : "i"};
    let p = state[${learnt("prediction")} + u.output_at + i];
    state[place.delta + u.output_at + i] = (${target} - p) * slope(p);
  }
  barrier();
  send_back(u, rate, hidden, BIAS, tid);
  for (var j = tid; j < H; j += WORKGROUP) {
    state[place.back + u.local * H + j] *= slope(state[hidden + j]);
  }
  barrier();
}
${
    twoSteps
      ? `
/** What this step will be learned from in the next one; the input follows when the encoder has learned. */
fn push(u: Unit, tid: u32) {
  for (var j = tid; j < H; j += WORKGROUP) {
    state[place.lag_hidden + u.local * H + j] = state[place.hidden + u.local * H + j];
  }
  for (var i = tid; i < u.outputs; i += WORKGROUP) {
    state[place.lag_prediction + u.output_at + i] = state[place.prediction + u.output_at + i];
  }
}
`
      : ""
  }
/** Features of each signal block, then contexts times their factors, then the bias. */
fn observe(u: Unit, x: u32, tid: u32) {
  for (var i = tid; i < u.signals; i += WORKGROUP) {
    let a = state[place.arriving + u.signal_at + i];
    let y = state[place.signal + u.signal_at + i];
    ${
    integral
      ? `let sum = ${float(rule.tau)} * state[place.integral + u.signal_at + i] + ${
        float(1 - rule.tau)
      } * a;
    state[place.integral + u.signal_at + i] = sum;`
      : ""
  }
    let at = x + i / u.block * u.block * ${features.length}u + i % u.block;
    ${features.map((feature, n) => `state[at + ${n}u * u.block] = ${feature};`).join("\n    ")}
    ${twoSteps && autoencoder ? "state[place.signal_previous + u.signal_at + i] = y;" : ""}
    state[place.signal + u.signal_at + i] = a;
  }
  let factors = vec2f(setting(LATERAL), setting(FEEDBACK));
  for (var i = tid; i < u.inputs - 1u - u.features; i += WORKGROUP) {
    let entry = table[u.list + u.signals + i];
    let factor = select(factors.x, factors.y, (entry & FEEDBACK_BIT) != 0u);
    // A context that does not count yet is 0, whatever it is.
    state[x + u.features + i] = select(0.0, value(entry), factor != 0.0);
  }
  if (tid == 0u) {
    state[x + u.inputs - 1u] = BIAS;
  }
  barrier();
}

/** hidden = f(W1 x), prediction = f(W2 [h; 1]); W1 learns on the way. */
fn predict(u: Unit, learning: bool, rate: f32, x: u32, next: u32, tid: u32) {
  encode(u, learning, rate, x, next, tid);
  for (var j = tid; j < H; j += WORKGROUP) {
    let h = activate(state[place.hidden + u.local * H + j]);
    state[place.hidden + u.local * H + j] = h;
    ${
    normalise
      ? `let at = u.local * H + j;
    if (now[LEARN] != 0u && layer_word(u, 2u) != 0u) {
      state[place.minimum + at] = min(h, state[place.minimum + at]) + ${float(EXTREME_DRIFT)};
      state[place.maximum + at] = max(h, state[place.maximum + at]) - ${float(EXTREME_DRIFT)};
    }
    let low = state[place.minimum + at];
    publish(u, j, (h - low) / (state[place.maximum + at] - low));`
      : "publish(u, j, h);"
  }
  }
  barrier();
  decode(u, BIAS, place.prediction + u.output_at, tid);
  for (var i = tid; i < u.outputs; i += WORKGROUP) {
    state[place.prediction + u.output_at + i] = activate(state[place.prediction + u.output_at + i]);
  }
}

@compute @workgroup_size(WORKGROUP)
fn step_unit(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) tid: u32) {
  let u = unit_of(group.x);
  let other = now[PARITY] != 0u;
  let next = select(place.input, place.input_other, other) + u.input_at;
  let old = select(place.input_other, place.input, other) + u.input_at;
  let rate = bitcast<f32>(layer_word(u, 0u));
  let engaged = layer_word(u, 1u) != 0u;
  let learning = engaged && now[LEARN] != 0u && now[START] == 0u;
  if (now[START] == 0u) {
    let squares = score(u, tid);
    if (tid == 0u) {
      errors[now[SLOT] * place.units + u.local] = squares.x;
    }
    if (learning) {
      learn(u, rate, tid);
    }
    ${twoSteps ? "if (engaged) {\n      push(u, tid);\n    }\n    barrier();" : ""}
    observe(u, next, tid);
  }
  predict(u, learning, rate, ${twoSteps ? "place.lag_input + u.input_at" : "old"}, next, tid);
  ${
    twoSteps
      ? `if (engaged && now[START] == 0u) {
    for (var i = tid; i < u.inputs; i += WORKGROUP) {
      state[place.lag_input + u.input_at + i] = state[old + i];
    }
  }`
      : ""
  }
}
`;
}
