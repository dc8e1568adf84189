//! The rule "saccade": the vectors between the weight passes (`backends/reference/rule_saccade.ts` is the definition).

use crate::model::{Model, Scratch, Unit, gather, values};
use crate::passes::{Learned, Sent, decode, encode, send_back};
use crate::vector::F32x4;

const CLIP_INPUT: f32 = 8.0;
const CLIP_ERROR: f32 = 4.0;
const SCALE_FLOOR: f32 = 0.005;
const VARIANCE_FLOOR: f32 = 0.0015 * 0.0015;
const FORGET: f32 = 0.998;
const RIDGE: f32 = 1.0;
const HIDDEN_GAIN: f32 = 2.0;
const ENCODER_FLOOR: f32 = 0.001;
const DECODER_FLOOR: f32 = 0.25;

/// Where the scalars of a unit stand.
mod scalar {
    pub const S: usize = 0;
    pub const V: usize = 1;
    pub const Q: usize = 2;
    pub const A: usize = 3;
    pub const B: usize = 6;
    pub const W: usize = 8;
    pub const COUNT: usize = 10;
}

/// core has no square root.
fn sqrt(value: f32) -> f32 {
    F32x4::splat(value).sqrt().first()
}

/// Four sums side by side, so that it becomes SIMD.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// One step of one unit; returns its squared error.
///
/// # Safety
/// As `model::work`; `publish` has room for H values.
pub unsafe fn step(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32) -> f32 {
    unsafe {
        let hidden = model.hidden as usize;
        let squares = score(model, unit, scratch);
        let would = model.learn != 0;
        let learns = model.learns(unit, squares, would) && would;
        let encoder_step = if learns { learn(model, unit, scratch) } else { 0.0 };
        observe(model, unit, scratch);
        let d = scratch.hidden_delta;
        if learns {
            for d in values(d, hidden) {
                *d *= encoder_step;
            }
        }
        encode(model, unit, scratch, learns.then_some(Learned { d, lag: false }), unit.next_input, unit.hidden);
        (unit.input, unit.next_input) = (unit.next_input, unit.input);
        predict(model, unit, scratch, publish);
        squares
    }
}

/// error = y' - p, D = y' - y, and the candidate m.
unsafe fn score(model: &Model, unit: &Unit, scratch: Scratch) -> f32 {
    unsafe {
        gather(model.space, unit.signal_runs, scratch.arriving);
        let length = unit.signal_length as usize;
        let arriving = values(scratch.arriving, length);
        let signal = values(unit.signal, length);
        let prediction = values(unit.prediction, length);
        if model.first != 0 {
            signal.copy_from_slice(arriving);
            prediction.copy_from_slice(arriving);
        }
        let error = values(unit.error, length);
        let change = values(scratch.change, length);
        for i in 0..length {
            error[i] = arriving[i] - prediction[i];
            change[i] = arriving[i] - signal[i];
        }
        candidate(unit, values(scratch.candidate, length));
        dot(error, error)
    }
}

/// m: the motion candidate of the tile, 0 without one; above layer 0 the return to 0.
unsafe fn candidate(unit: &Unit, to: &mut [f32]) {
    unsafe {
        if unit.layer > 0 {
            for (to, y) in to.iter_mut().zip(values(unit.signal, unit.signal_length as usize)) {
                *to = -*y;
            }
        } else if unit.motion.is_null() {
            to.fill(0.0);
        } else {
            to.copy_from_slice(values(unit.motion, unit.signal_length as usize));
        }
    }
}

/// Combiner, means, error, decoder. Leaves dh in `hidden_delta` and returns the encoder's step.
unsafe fn learn(model: &Model, unit: &Unit, scratch: Scratch) -> f32 {
    unsafe {
        let hidden = model.hidden as usize;
        let length = unit.signal_length as usize;
        let k = values(unit.scalars, scalar::COUNT);
        let z = values(unit.change, length);
        let m = values(scratch.candidate, length);
        let change = values(scratch.change, length);
        let s = k[scalar::S];

        // 1: combiner, F = [s z, m].
        let add = |at: &mut f32, term: f32| *at = FORGET * *at + term;
        add(&mut k[scalar::A], s * s * dot(z, z));
        add(&mut k[scalar::A + 1], s * dot(z, m));
        add(&mut k[scalar::A + 2], dot(m, m));
        add(&mut k[scalar::B], s * dot(z, change));
        add(&mut k[scalar::B + 1], dot(m, change));
        let prior = if unit.layer == 0 { model.motion_prior } else { 0.0 };
        let (a11, a12, a22) = (k[scalar::A] + RIDGE, k[scalar::A + 1], k[scalar::A + 2] + RIDGE);
        let (b1, b2) = (k[scalar::B], k[scalar::B + 1] + RIDGE * prior);
        let determinant = a11 * a22 - a12 * a12;
        k[scalar::W] = (b1 * a22 - a12 * b2) / determinant;
        k[scalar::W + 1] = (a11 * b2 - a12 * b1) / determinant;

        // 2: running means.
        let x = values(unit.input, unit.input_columns as usize);
        let xx = dot(x, x);
        k[scalar::V] += model.mean_rate * (dot(change, change) / length as f32 - k[scalar::V]);
        k[scalar::Q] += model.mean_rate * (xx - k[scalar::Q]);

        // 3: what z should have added, and the gate.
        let w_m = k[scalar::W + 1];
        let delta = values(scratch.delta, unit.output_columns as usize);
        for i in 0..length {
            let e = (change[i] - w_m * m[i]) / s - z[i];
            delta[i] = e.clamp(-CLIP_ERROR, CLIP_ERROR);
        }
        delta[length..].fill(0.0);
        let multiplier = *model.rates.add(unit.layer as usize);
        let gate = multiplier * s * s / (s * s + k[scalar::V].max(VARIANCE_FLOOR));

        // 4 and 5: the decoder sends back and learns in one pass.
        let h = values(unit.hidden, hidden + 1);
        let hh = dot(&h[..hidden], &h[..hidden]);
        let rate = model.decoder_rate * gate / (DECODER_FLOOR * hidden as f32 + 1.0 + hh);
        let dh = scratch.hidden_delta;
        send_back(model, unit, scratch, Sent { rate, h: unit.hidden, bias: h[hidden], e: scratch.delta }, dh);
        for (dh, h) in values(dh, hidden).iter_mut().zip(&*h) {
            let rest = 1.0 - h.abs();
            *dh *= rest * rest;
        }
        // n counts the bias and no padding.
        let n = unit.inputs as f32;
        model.encoder_rate * gate / (k[scalar::Q] + xx + ENCODER_FLOOR * n)
    }
}

/// Writes the next input: features over s, contexts, 1.
unsafe fn observe(model: &Model, unit: &Unit, scratch: Scratch) {
    unsafe {
        let length = unit.signal_length as usize;
        let arriving = values(scratch.arriving, length);
        let x = unit.next_input;
        let k = values(unit.scalars, scalar::COUNT);
        let end = if unit.layer == 0 {
            let end = gather(model.space, unit.window_runs, x);
            let count = end.offset_from_unsigned(x);
            let features = values(x, count);
            if model.first != 0 {
                features.fill(0.0);
            } else {
                subtract(model.other, unit, features);
            }
            let s = sqrt(dot(features, features) / count as f32 + SCALE_FLOOR * SCALE_FLOOR);
            k[scalar::S] = s;
            let mut end = end;
            if !unit.motion.is_null() {
                gather(model.space, unit.motion_runs, unit.motion);
                values(end, length).copy_from_slice(values(unit.motion, length));
                end = end.add(length);
            }
            for x in values(x, end.offset_from_unsigned(x)) {
                *x = (*x / s).clamp(-CLIP_INPUT, CLIP_INPUT);
            }
            end
        } else {
            let change = values(scratch.change, length);
            k[scalar::S] = sqrt(dot(change, change) / length as f32 + SCALE_FLOOR * SCALE_FLOOR);
            for (x, y) in values(x, length).iter_mut().zip(&*arriving) {
                *x = HIDDEN_GAIN * y;
            }
            x.add(length)
        };
        *gather(model.space, unit.context_runs, end) = 1.0;
        values(unit.signal, length).copy_from_slice(arriving);
    }
}

/// features -= the same window of the last frame.
unsafe fn subtract(last: *const f32, unit: &Unit, features: &mut [f32]) {
    unsafe {
        let mut at = 0;
        for run in unit.window_runs.list() {
            let from = last.add(run.index as usize);
            for i in 0..run.length as usize {
                features[at + i] -= *from.add(i);
            }
            at += run.length as usize;
        }
    }
}

/// h, z, p from the encoder's sums in `hidden`; publishes h.
unsafe fn predict(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32) {
    unsafe {
        let hidden = model.hidden as usize;
        let length = unit.signal_length as usize;
        let h = values(unit.hidden, hidden + 1);
        for h in &mut h[..hidden] {
            *h /= 1.0 + h.abs();
        }
        h[hidden] = 1.0;
        values(publish, hidden).copy_from_slice(&h[..hidden]);
        decode(model, unit, scratch, unit.hidden, scratch.output);
        let z = values(unit.change, length);
        z.copy_from_slice(values(scratch.output, length));
        let m = values(scratch.candidate, length);
        candidate(unit, m);
        let k = values(unit.scalars, scalar::COUNT);
        let (gain, w_m) = (k[scalar::W] * k[scalar::S], k[scalar::W + 1]);
        let low = if unit.layer == 0 { 0.0 } else { -1.0 };
        let y = values(unit.signal, length);
        let p = values(unit.prediction, length);
        for i in 0..length {
            p[i] = (y[i] + gain * z[i] + w_m * m[i]).clamp(low, 1.0);
        }
    }
}
