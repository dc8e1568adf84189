//! The rule of 2016: the vectors between the weight passes (`backends/reference/rule_2016.ts` is the definition).

use crate::model::{Model, Scratch, Unit, values};
use crate::passes::{Learned, Sent, decode, encode, send_back};
use crate::vector::F32x4;
use crate::vectors::{copy, dot, gather, map, write, zip};

/// Bits of `Model::options`.
pub mod options {
    pub const LOGISTIC: u32 = 1;
    pub const DERIVATIVE: u32 = 2;
    pub const INTEGRAL: u32 = 4;
    pub const ERROR: u32 = 8;
    pub const PREVIOUS: u32 = 16;
    pub const TWO_STEPS: u32 = 32;
    pub const NORMALISE: u32 = 64;
    pub const AUTOENCODER: u32 = 128;
}

/// How far the running extremes move towards each other in a step.
const EXTREME_DRIFT: f32 = 1e-6;

/// to = f(z), which may be the same vector.
#[inline(always)]
unsafe fn activate(logistic: bool, z: *const f32, length: usize, to: *mut f32) {
    unsafe {
        if logistic {
            for i in 0..length {
                *to.add(i) = 1.0 / (1.0 + libm::expf(-*z.add(i)));
            }
            return;
        }
        let [half, one, two] = [0.5, 1.0, 2.0].map(F32x4::splat);
        map(z, length, to, |z| z.div(two.mul(z.abs().add(one))).add(half));
    }
}

/// The derivative of the activation where it is `a`.
#[inline(always)]
fn slope(logistic: bool, a: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    if logistic {
        return a.mul(one.sub(a));
    }
    let rest = one.sub(F32x4::splat(2.0).mul(a).sub(one).abs());
    F32x4::splat(0.5).mul(rest.mul(rest))
}

/// One step of one unit; returns its squared error.
///
/// # Safety
/// As `model::work`; `publish` has room for H values.
pub unsafe fn step(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32) -> f32 {
    unsafe {
        let has = |option: u32| model.options & option != 0;
        let learning = *model.learning.add(unit.layer as usize);
        let on = learning & 1 != 0;
        let rate = *model.rates.add(unit.layer as usize);
        let hidden = model.hidden as usize;
        let two = has(options::TWO_STEPS);

        let squares = score(model, unit, scratch);
        let may_learn = model.learn != 0;
        let may_learn = model.learns(unit, squares, on && may_learn) && may_learn;
        let learns = on && may_learn;
        if learns {
            learn(model, unit, scratch, rate);
        }
        observe(model, unit, scratch);
        if two && on {
            // What was predicted last is learned from in the next step.
            copy(unit.hidden, hidden, unit.lag_hidden);
            copy(unit.prediction, unit.outputs as usize, unit.lag_prediction);
        }

        let learned = learns.then_some(Learned { d: scratch.hidden_delta, lag: two });
        encode(model, unit, scratch, learned, unit.next_input, unit.hidden);
        if two && on {
            (unit.lag_input, unit.input, unit.next_input) = (unit.input, unit.next_input, unit.lag_input);
        } else {
            (unit.input, unit.next_input) = (unit.next_input, unit.input);
        }
        predict(model, unit, scratch, publish, learning & 2 != 0 && may_learn);
        squares
    }
}

/// error = B - P.
unsafe fn score(model: &Model, unit: &Unit, scratch: Scratch) -> f32 {
    unsafe {
        gather(model.space, unit.signal_runs, scratch.arriving);
        let length = unit.signal_length as usize;
        zip(scratch.arriving, unit.prediction, length, unit.error, |signal, prediction| signal.sub(prediction));
        dot(unit.error, unit.error, length)
    }
}

/// Backpropagation up to the encoder, whose update waits for the next input; leaves rate * dh in `hidden_delta`.
unsafe fn learn(model: &Model, unit: &Unit, scratch: Scratch, rate: f32) {
    unsafe {
        let has = |option: u32| model.options & option != 0;
        let logistic = has(options::LOGISTIC);
        let two = has(options::TWO_STEPS);
        let hidden = model.hidden as usize;
        let length = unit.signal_length as usize;
        let (h, p) = if two { (unit.lag_hidden, unit.lag_prediction) } else { (unit.hidden, unit.prediction) };
        let targets: [*mut f32; 2] = match (two, has(options::AUTOENCODER)) {
            (false, false) => [scratch.arriving; 2],
            (false, true) => [unit.signal; 2],
            (true, false) => [unit.signal, scratch.arriving],
            (true, true) => [unit.signal_previous, unit.signal],
        };
        let delta = scratch.delta;
        for (half, target) in targets.into_iter().take(unit.outputs as usize / length).enumerate() {
            let at = half * length;
            zip(target, p.add(at), length, delta.add(at), |target, p| target.sub(p).mul(slope(logistic, p)));
        }
        for i in unit.outputs as usize..unit.output_columns as usize {
            *delta.add(i) = 0.0;
        }
        let dh = scratch.hidden_delta;
        send_back(model, unit, scratch, Sent { rate, h, bias: model.bias, e: delta }, dh);
        let rate = F32x4::splat(rate);
        zip(dh, h, hidden, dh, |dh, h| dh.mul(rate.mul(slope(logistic, h))));
    }
}

/// Writes the next input: features of each signal block, contexts, bias.
unsafe fn observe(model: &Model, unit: &Unit, scratch: Scratch) {
    unsafe {
        let has = |option: u32| model.options & option != 0;
        let length = unit.signal_length as usize;
        let block = unit.block as usize;
        let half = F32x4::splat(0.5);
        let centred = |change: F32x4| half.mul(change).add(half);
        let mut x = unit.next_input;
        for begin in (0..length).step_by(block) {
            let arriving = scratch.arriving.add(begin);
            let last = unit.signal.add(begin);
            let mut next = || {
                let to = x;
                x = x.add(block);
                to
            };
            copy(arriving, block, next());
            if has(options::DERIVATIVE) {
                zip(arriving, last, block, next(), |now, last| centred(now.sub(last)));
            }
            if has(options::INTEGRAL) {
                let integral = unit.integral.add(begin);
                let [keep, take] = [model.tau, 1.0 - model.tau].map(F32x4::splat);
                zip(integral, arriving, block, integral, |integral, now| keep.mul(integral).add(take.mul(now)));
                copy(integral, block, next());
            }
            if has(options::ERROR) {
                zip(arriving, unit.prediction.add(begin), block, next(), |now, p| centred(now.sub(p)));
            }
            if has(options::PREVIOUS) {
                copy(last, block, next());
            }
        }
        for run in unit.context_runs.list() {
            let (from, length) = (model.space.add(run.index as usize), run.length as usize);
            let factor = model.factors[run.kind as usize];
            let factors = F32x4::splat(factor);
            write(x, length, |i| factors.mul(F32x4::load(from.add(i))), |i| factor * *from.add(i));
            x = x.add(length);
        }
        *x = model.bias;
        if !unit.signal_previous.is_null() {
            copy(unit.signal, length, unit.signal_previous);
        }
        copy(scratch.arriving, length, unit.signal);
    }
}

/// From the encoder's sums in `hidden` to the published output and the prediction.
///
/// # Safety
/// As `step`.
pub unsafe fn predict(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32, widen: bool) {
    unsafe {
        let has = |option: u32| model.options & option != 0;
        let logistic = has(options::LOGISTIC);
        let hidden = model.hidden as usize;
        let h = unit.hidden;
        activate(logistic, h, hidden, h);
        *h.add(hidden) = model.bias;
        decode(model, unit, scratch, h, scratch.output);
        activate(logistic, scratch.output, unit.outputs as usize, unit.prediction);
        if !has(options::NORMALISE) {
            return copy(h, hidden, publish);
        }
        let (h, publish) = (values(h, hidden), values(publish, hidden));
        let minimum = values(unit.minimum, hidden);
        let maximum = values(unit.maximum, hidden);
        for j in 0..hidden {
            if widen {
                minimum[j] = h[j].min(minimum[j]) + EXTREME_DRIFT;
                maximum[j] = h[j].max(maximum[j]) - EXTREME_DRIFT;
            }
            publish[j] = (h[j] - minimum[j]) / (maximum[j] - minimum[j]);
        }
    }
}

/// The prediction of a model that no frame has reached yet.
///
/// # Safety
/// As `model::work`, while no thread works.
pub unsafe fn start(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32) {
    unsafe {
        encode(model, unit, scratch, None, unit.input, unit.hidden);
        let widen = *model.learning.add(unit.layer as usize) & 2 != 0;
        predict(model, unit, scratch, publish, widen);
    }
}
