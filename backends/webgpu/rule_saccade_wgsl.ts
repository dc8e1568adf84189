/**
 * The rule "saccade" in WGSL (learning-rule): what `backends/reference/rule_saccade.ts` says, one unit a workgroup.
 *
 * @module
 */
import { MOTION_PRIOR } from "../../model/initialise.ts";
import type { RuleSaccade } from "../../model/plan.ts";
import { CONSTANTS } from "../reference/rule_saccade.ts";
import { float } from "./literal.ts";

/**
 * WGSL of the rule, with the entry point.
 *
 * @param rule its scalars
 * @param motion whether there is a motion candidate
 */
export function ruleSaccadeWgsl(rule: RuleSaccade, motion: boolean): string {
  const c = CONSTANTS;
  return /* wgsl */ `
/** m: the motion candidate of the tile, 0 without one; above layer 0 the return to 0. */
fn candidate(u: Unit, i: u32) -> f32 {
  if (u.layer > 0u) {
    return -state[place.signal + u.signal_at + i];
  }
  return ${motion ? "state[place.motion + u.signal_at + i]" : "0.0"};
}

/** Sums over the signal: of the squared error, and of the squared change. */
fn score(u: Unit, tid: u32) -> vec4f {
  var sum = vec4f();
  for (var i = tid; i < u.signals; i += WORKGROUP) {
    let a = value(table[u.list + i]);
    let y = place.signal + u.signal_at + i;
    let p = place.prediction + u.output_at + i;
    if (now[FIRST] != 0u) {
      state[y] = a;
      state[p] = a;
    }
    let e = a - state[p];
    let d = a - state[y];
    state[place.arriving + u.signal_at + i] = a;
    state[place.error + u.signal_at + i] = e;
    sum += vec4f(e * e, d * d, 0.0, 0.0);
  }
  return total(sum, tid);
}

/** 1 combiner, 2 running means, 3 error, 4 transposed product, 5 the decoder's term; returns the step of the encoder's. */
fn learn(u: Unit, change: f32, x: u32, tid: u32) -> f32 {
  let s = state[place.scale + u.local];
  // zz, zm, mm, zD and mD, |x|^2, |h|^2
  var a = vec4f();
  var b = vec4f();
  for (var i = tid; i < u.signals; i += WORKGROUP) {
    let fz = s * state[place.change + u.signal_at + i];
    let fm = candidate(u, i);
    let d = state[place.arriving + u.signal_at + i] - state[place.signal + u.signal_at + i];
    a += vec4f(fz * fz, fz * fm, fm * fm, fz * d);
    b.x += fm * d;
  }
  for (var i = tid; i < u.inputs; i += WORKGROUP) {
    b.y += state[x + i] * state[x + i];
  }
  for (var j = tid; j < H; j += WORKGROUP) {
    let h = state[place.hidden + u.local * H + j];
    b.z += h * h;
  }
  a = total(a, tid);
  b = total(b, tid);

  let moments = place.moments + 3u * u.local;
  let products = place.products + 2u * u.local;
  let zz = ${float(c.forget)} * state[moments] + a.x;
  let zm = ${float(c.forget)} * state[moments + 1u] + a.y;
  let mm = ${float(c.forget)} * state[moments + 2u] + a.z;
  let zd = ${float(c.forget)} * state[products] + a.w;
  let md = ${float(c.forget)} * state[products + 1u] + b.x;
  let a11 = zz + ${float(c.ridge)};
  let a22 = mm + ${float(c.ridge)};
  let b2 = md + ${motion ? `select(0.0, ${float(c.ridge * MOTION_PRIOR)}, u.layer == 0u)` : "0.0"};
  let determinant = a11 * a22 - zm * zm;
  let believed = vec2f(zd * a22 - zm * b2, a11 * b2 - zm * zd) / determinant;

  let r = setting(MEAN_RATE);
  let power = state[place.power + u.local];
  let variance = state[place.variance + u.local];
  let v = variance + r * (change / f32(u.signals) - variance);
  let q = power + r * (b.y - power);

  for (var i = tid; i < u.signals; i += WORKGROUP) {
    let d = state[place.arriving + u.signal_at + i] - state[place.signal + u.signal_at + i];
    let e = (d - believed.y * candidate(u, i)) / s - state[place.change + u.signal_at + i];
    state[place.delta + u.output_at + i] = clamp(e, -${float(c.clipError)}, ${float(c.clipError)});
  }
  // All have read the old sums.
  barrier();
  if (tid == 0u) {
    state[moments] = zz;
    state[moments + 1u] = zm;
    state[moments + 2u] = mm;
    state[products] = zd;
    state[products + 1u] = md;
    state[place.believed + 2u * u.local] = believed.x;
    state[place.believed + 2u * u.local + 1u] = believed.y;
    state[place.variance + u.local] = v;
    state[place.power + u.local] = q;
  }
  let gate = bitcast<f32>(layer_word(u, 0u)) * s * s / (s * s + max(v, ${float(c.varianceFloor)}));
  let step = ${float(rule.decoderRate)} * gate / (${float(c.decoderFloor)} * f32(H) + 1.0 + b.z);
  send_back(u, step, place.hidden + u.local * H, 1.0, tid);
  for (var j = tid; j < H; j += WORKGROUP) {
    let rest = 1.0 - abs(state[place.hidden + u.local * H + j]);
    state[place.back + u.local * H + j] *= rest * rest;
  }
  barrier();
  return ${float(rule.encoderRate)} * gate / (q + b.y + ${float(c.encoderFloor)} * f32(u.inputs));
}

/** x = [features | contexts | 1]; y := y'. Returns s. */
fn observe(u: Unit, change: f32, x: u32, tid: u32) -> f32 {
  var s: f32;
  if (u.layer == 0u) {
    var sum = vec4f();
    for (var i = tid; i < u.window; i += WORKGROUP) {
      let entry = table[u.list + u.signals + i];
      let c = select(value(entry) - bitcast<f32>(before[DATA + entry]), 0.0, now[FIRST] != 0u);
      state[x + i] = c;
      sum.x += c * c;
    }
    s = sqrt(total(sum, tid).x / f32(u.window) + ${float(c.scaleFloor ** 2)});
    for (var i = tid; i < u.window; i += WORKGROUP) {
      state[x + i] = clamp(state[x + i] / s, -${float(c.clipInput)}, ${float(c.clipInput)});
    }
    ${
    motion
      ? `for (var i = tid; i < u.signals; i += WORKGROUP) {
      let m = value(table[u.list + u.signals + u.window + i]);
      state[place.motion + u.signal_at + i] = m;
      state[x + u.window + i] = clamp(m / s, -${float(c.clipInput)}, ${float(c.clipInput)});
    }`
      : ""
  }
  } else {
    s = sqrt(change / f32(u.signals) + ${float(c.scaleFloor ** 2)});
    for (var i = tid; i < u.signals; i += WORKGROUP) {
      state[x + i] = ${float(c.hiddenGain)} * state[place.arriving + u.signal_at + i];
    }
  }
  let moving = ${motion ? "select(0u, u.signals, u.layer == 0u)" : "0u"};
  for (var i = tid; i < u.inputs - 1u - u.features; i += WORKGROUP) {
    state[x + u.features + i] = value(table[u.list + u.signals + u.window + moving + i]);
  }
  for (var i = tid; i < u.signals; i += WORKGROUP) {
    state[place.signal + u.signal_at + i] = state[place.arriving + u.signal_at + i];
  }
  if (tid == 0u) {
    state[x + u.inputs - 1u] = 1.0;
    state[place.scale + u.local] = s;
  }
  barrier();
  return s;
}

/** a = W1 x, h = a / (1 + |a|), z = W2 [h; 1], p = clip(y + w_z s z + w_m m, low, 1); W1 learns on the way. */
fn predict(u: Unit, learning: bool, rate: f32, s: f32, old: u32, x: u32, tid: u32) {
  encode(u, learning, rate, old, x, tid);
  for (var j = tid; j < H; j += WORKGROUP) {
    let a = state[place.hidden + u.local * H + j];
    let h = a / (1.0 + abs(a));
    state[place.hidden + u.local * H + j] = h;
    publish(u, j, h);
  }
  barrier();
  decode(u, 1.0, place.change + u.signal_at, tid);
  let w = vec2f(state[place.believed + 2u * u.local], state[place.believed + 2u * u.local + 1u]);
  let low = select(-1.0, 0.0, u.layer == 0u);
  for (var i = tid; i < u.signals; i += WORKGROUP) {
    let z = state[place.change + u.signal_at + i];
    let y = state[place.signal + u.signal_at + i];
    state[place.prediction + u.output_at + i] = clamp(y + w.x * s * z + w.y * candidate(u, i), low, 1.0);
  }
}

@compute @workgroup_size(WORKGROUP)
fn step_unit(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) tid: u32) {
  let u = unit_of(group.x);
  let other = now[PARITY] != 0u;
  let x = select(place.input, place.input_other, other) + u.input_at;
  let old = select(place.input_other, place.input, other) + u.input_at;
  let squares = score(u, tid);
  if (tid == 0u) {
    errors[now[SLOT] * place.units + u.local] = squares.x;
  }
  let learning = now[LEARN] != 0u;
  var rate = 0.0;
  if (learning) {
    rate = learn(u, squares.y, old, tid);
  }
  let s = observe(u, squares.y, x, tid);
  predict(u, learning, rate, s, old, x, tid);
}
`;
}
