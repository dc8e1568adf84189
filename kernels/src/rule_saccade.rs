//! The rule "saccade": the vectors between the weight passes (`backends/reference/rule_saccade.ts` is the definition).

use crate::combiner::{Constants, Seen, believe, combine};
use crate::model::{Model, Scratch, Unit, values};
use crate::passes::{Learned, Sent, decode, encode, send_back};
use crate::shift;
use crate::vector::F32x4;
use crate::vectors::{copy, dot, gather, map, pad, quads, write};

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
pub mod scalar {
    pub const S: usize = 0;
    pub const V: usize = 1;
    pub const Q: usize = 2;
    pub const COUNT: usize = 3;
}

/// Where the sums of the combiner stand behind them, where there are no shift candidates (`combiner` where there are).
mod sum {
    pub const A: usize = 0;
    pub const B: usize = 3;
    pub const W: usize = 5;
    pub const COUNT: usize = 7;
}

/// core has no square root.
fn sqrt(value: f32) -> f32 {
    F32x4::splat(value).sqrt().first()
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
            let step = F32x4::splat(encoder_step);
            map(d, hidden, d, |d| d.mul(step));
        }
        encode(model, unit, scratch, learns.then_some(Learned { d, lag: false }), unit.next_input, unit.hidden);
        (unit.input, unit.next_input) = (unit.next_input, unit.input);
        predict(model, unit, scratch, publish);
        squares
    }
}

/// error = y' - p and D = y' - y.
unsafe fn score(model: &Model, unit: &Unit, scratch: Scratch) -> f32 {
    unsafe {
        let Scratch { arriving, change, .. } = scratch;
        let length = unit.signal_length as usize;
        gather(model.space, unit.signal_runs, arriving);
        pad(arriving, length);
        if model.first != 0 {
            copy(arriving, length, unit.signal);
            copy(arriving, length, unit.prediction);
        }
        let mut squares = [F32x4::splat(0.0); 2];
        for i in quads(length) {
            let now = F32x4::load(arriving.add(i));
            let error = now.sub(F32x4::load(unit.prediction.add(i)));
            error.store(unit.error.add(i));
            now.sub(F32x4::load(unit.signal.add(i))).store(change.add(i));
            squares = [squares[1], squares[0].madd(error, error)];
        }
        squares[0].add(squares[1]).sum()
    }
}

/// m: the motion candidate of the tile, 0 without one; above layer 0 the return to 0.
unsafe fn candidate(unit: &Unit, scratch: Scratch) -> *const f32 {
    unsafe {
        if !unit.motion.is_null() {
            return unit.motion;
        }
        let factor = F32x4::splat(if unit.layer > 0 { -1.0 } else { 0.0 });
        for i in quads(unit.signal_length as usize) {
            F32x4::load(unit.signal.add(i)).mul(factor).store(scratch.candidate.add(i));
        }
        scratch.candidate
    }
}

/// Combiner, means, error, decoder. Leaves dh in `hidden_delta` and returns the encoder's step.
unsafe fn learn(model: &Model, unit: &Unit, scratch: Scratch) -> f32 {
    unsafe {
        let hidden = model.hidden as usize;
        let length = unit.signal_length as usize;
        let k = values(unit.scalars, scalar::COUNT);
        let m = candidate(unit, scratch);
        let s = k[scalar::S];

        // 1: combiner, F = [s z, m].
        let (change_change, w_m, m) = if model.shifts > 0 {
            let constants = Constants { forget: FORGET, ridge: RIDGE };
            let change_change = combine(model, unit, Seen { s, z: unit.change, m, change: scratch.change }, constants);
            let (_, m) = believe(model, unit, m, scratch.candidate);
            (change_change, 1.0, m)
        } else {
            let (change_change, w_m) = combine_two(model, unit, scratch, m);
            (change_change, w_m, m)
        };

        // 2: running means.
        let xx = dot(unit.input, unit.input, unit.input_columns as usize);
        k[scalar::V] += model.mean_rate * (change_change / length as f32 - k[scalar::V]);
        k[scalar::Q] += model.mean_rate * (xx - k[scalar::Q]);

        // 3: what z should have added, and the gate.
        let w_m = F32x4::splat(-w_m);
        let [scale, low, high] = [s, -CLIP_ERROR, CLIP_ERROR].map(F32x4::splat);
        for i in quads(length) {
            let rest = F32x4::load(scratch.change.add(i)).madd(w_m, F32x4::load(m.add(i)));
            let e = rest.div(scale).sub(F32x4::load(unit.change.add(i)));
            e.clamp(low, high).store(scratch.delta.add(i));
        }
        for i in length..unit.output_columns as usize {
            *scratch.delta.add(i) = 0.0;
        }
        let multiplier = *model.rates.add(unit.layer as usize);
        let gate = multiplier * s * s / (s * s + k[scalar::V].max(VARIANCE_FLOOR));

        // 4 and 5: the decoder sends back and learns in one pass.
        let h = unit.hidden;
        // The bias behind H is the 1 of 1 + |h|^2.
        let rate = model.decoder_rate * gate / (DECODER_FLOOR * hidden as f32 + dot(h, h, hidden + 1));
        let dh = scratch.hidden_delta;
        send_back(model, unit, scratch, Sent { rate, h, bias: *h.add(hidden), e: scratch.delta }, dh);
        let one = F32x4::splat(1.0);
        for i in quads(hidden) {
            let rest = one.sub(F32x4::load(h.add(i)).abs());
            F32x4::load(dh.add(i)).mul(rest.mul(rest)).store(dh.add(i));
        }
        // n counts the bias and no padding.
        let n = unit.inputs as f32;
        model.encoder_rate * gate / (k[scalar::Q] + xx + ENCODER_FLOOR * n)
    }
}

/// The combiner of z and m alone; returns |D|^2 and the weight of m.
#[inline(always)]
unsafe fn combine_two(model: &Model, unit: &Unit, scratch: Scratch, m: *const f32) -> (f32, f32) {
    unsafe {
        let s = *unit.scalars.add(scalar::S);
        let k = values(unit.scalars.add(scalar::COUNT), sum::COUNT);
        let mut sums = [F32x4::splat(0.0); 6];
        for i in quads(unit.signal_length as usize) {
            let z = F32x4::load(unit.change.add(i));
            let m = F32x4::load(m.add(i));
            let change = F32x4::load(scratch.change.add(i));
            let pairs = [(z, z), (z, m), (m, m), (z, change), (m, change), (change, change)];
            for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
                *sum = sum.madd(a, b);
            }
        }
        let [zz, zm, mm, z_change, m_change, change_change] = sums.map(F32x4::sum);
        let add = |at: &mut f32, term: f32| *at = FORGET * *at + term;
        add(&mut k[sum::A], s * s * zz);
        add(&mut k[sum::A + 1], s * zm);
        add(&mut k[sum::A + 2], mm);
        add(&mut k[sum::B], s * z_change);
        add(&mut k[sum::B + 1], m_change);
        let prior = if unit.layer == 0 { model.motion_prior } else { 0.0 };
        let (a11, a12, a22) = (k[sum::A] + RIDGE, k[sum::A + 1], k[sum::A + 2] + RIDGE);
        let (b1, b2) = (k[sum::B], k[sum::B + 1] + RIDGE * prior);
        let determinant = a11 * a22 - a12 * a12;
        k[sum::W] = (b1 * a22 - a12 * b2) / determinant;
        k[sum::W + 1] = (a11 * b2 - a12 * b1) / determinant;
        (change_change, k[sum::W + 1])
    }
}

/// Writes the next input: features over s, contexts, 1.
unsafe fn observe(model: &Model, unit: &Unit, scratch: Scratch) {
    unsafe {
        let length = unit.signal_length as usize;
        let x = unit.next_input;
        let s = &mut *unit.scalars.add(scalar::S);
        let root = |squares: f32, count: usize| sqrt(squares / count as f32 + SCALE_FLOOR * SCALE_FLOOR);
        let end = if unit.layer == 0 {
            let end = gather_change(model, unit, x);
            let count = end.offset_from_unsigned(x);
            // What follows is written after this.
            pad(x, count);
            *s = root(dot(x, x, count), count);
            // In the first step there is no last frame.
            if let Some(shift) = shift::of(model, unit).filter(|_| model.first == 0) {
                shift::observe(model, shift, scratch);
            }
            let [scale, low, high] = [*s, -CLIP_INPUT, CLIP_INPUT].map(F32x4::splat);
            let feature = |value: F32x4| value.div(scale).clamp(low, high);
            for i in quads(count) {
                feature(F32x4::load(x.add(i))).store(x.add(i));
            }
            let m = unit.motion;
            if m.is_null() {
                end
            } else {
                gather(model.space, unit.motion_runs, m);
                let one = |i| feature(F32x4::splat(*m.add(i))).first();
                write(end, length, |i| feature(F32x4::load(m.add(i))), one);
                end.add(length)
            }
        } else {
            *s = root(dot(scratch.change, scratch.change, length), length);
            let (y, gain) = (scratch.arriving, F32x4::splat(HIDDEN_GAIN));
            write(x, length, |i| F32x4::load(y.add(i)).mul(gain), |i| HIDDEN_GAIN * *y.add(i));
            x.add(length)
        };
        *gather(model.space, unit.context_runs, end) = 1.0;
        for i in quads(length) {
            F32x4::load(scratch.arriving.add(i)).store(unit.signal.add(i));
        }
    }
}

/// The change of the window since the last frame, 0 in the first; returns where it ends.
unsafe fn gather_change(model: &Model, unit: &Unit, mut to: *mut f32) -> *mut f32 {
    for run in unit.window_runs.list() {
        let length = run.length as usize;
        unsafe {
            let now = model.space.add(run.index as usize);
            // What is subtracted from itself is 0, but for what is no number, which a frame does not have.
            let last = if model.first != 0 { now } else { model.other.add(run.index as usize).cast_const() };
            let one = |i| *now.add(i) - *last.add(i);
            write(to, length, |i| F32x4::load(now.add(i)).sub(F32x4::load(last.add(i))), one);
            to = to.add(length);
        }
    }
    to
}

/// h, z, p from the encoder's sums in `hidden`; publishes h.
unsafe fn predict(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32) {
    unsafe {
        let hidden = model.hidden as usize;
        let h = unit.hidden;
        let one = F32x4::splat(1.0);
        // Behind H, too: the bias, which is written next, and zeros, which stay so.
        for i in quads(hidden) {
            let a = F32x4::load(h.add(i));
            a.div(one.add(a.abs())).store(h.add(i));
        }
        *h.add(hidden) = 1.0;
        copy(h, hidden, publish);
        decode(model, unit, scratch, h, unit.change);
        let m = candidate(unit, scratch);
        let (w_z, w_m, m) = if model.shifts > 0 {
            let (w_z, m) = believe(model, unit, m, scratch.candidate);
            (w_z, 1.0, m)
        } else {
            let k = values(unit.scalars.add(scalar::COUNT), sum::COUNT);
            (k[sum::W], k[sum::W + 1], m)
        };
        let low = if unit.layer == 0 { 0.0 } else { -1.0 };
        let [gain, w_m, low] = [w_z * *unit.scalars.add(scalar::S), w_m, low].map(F32x4::splat);
        for i in quads(unit.signal_length as usize) {
            let p = F32x4::load(unit.signal.add(i)).madd(gain, F32x4::load(unit.change.add(i)));
            p.madd(w_m, F32x4::load(m.add(i))).clamp(low, one).store(unit.prediction.add(i));
        }
    }
}
