//! The rule of 2016: the vectors between the weight passes (`backends/reference/rule_2016.ts` is the definition).

use crate::model::{Model, Scratch, Unit, gather, values};
use crate::passes::{Learned, Sent, decode, encode, send_back};

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

#[inline(always)]
fn activate(logistic: bool, z: &mut [f32]) {
    if logistic {
        z.iter_mut().for_each(|z| *z = 1.0 / (1.0 + libm::expf(-*z)));
    } else {
        z.iter_mut().for_each(|z| *z = *z / (2.0 * (z.abs() + 1.0)) + 0.5);
    }
}

#[inline(always)]
fn slope(logistic: bool, a: f32) -> f32 {
    if logistic {
        return a * (1.0 - a);
    }
    let rest = 1.0 - (2.0 * a - 1.0).abs();
    0.5 * rest * rest
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
            values(unit.lag_hidden, hidden).copy_from_slice(values(unit.hidden, hidden));
            let outputs = unit.outputs as usize;
            values(unit.lag_prediction, outputs).copy_from_slice(values(unit.prediction, outputs));
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
        let arriving = values(scratch.arriving, length);
        let prediction = values(unit.prediction, length);
        let error = values(unit.error, length);
        let mut squares = 0.0;
        for i in 0..length {
            error[i] = arriving[i] - prediction[i];
            squares += error[i] * error[i];
        }
        squares
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
        let delta = values(scratch.delta, unit.output_columns as usize);
        for half in 0..unit.outputs as usize / length {
            let target = values(targets[half], length);
            let p = values(p.add(half * length), length);
            let delta = &mut delta[half * length..][..length];
            for i in 0..length {
                delta[i] = (target[i] - p[i]) * slope(logistic, p[i]);
            }
        }
        delta[unit.outputs as usize..].fill(0.0);
        let dh = scratch.hidden_delta;
        send_back(model, unit, scratch, Sent { rate, h, bias: model.bias, e: scratch.delta }, dh);
        for (dh, h) in values(dh, hidden).iter_mut().zip(&*values(h, hidden)) {
            *dh *= rate * slope(logistic, *h);
        }
    }
}

/// Writes the next input: features of each signal block, contexts, bias.
unsafe fn observe(model: &Model, unit: &Unit, scratch: Scratch) {
    unsafe {
        let has = |option: u32| model.options & option != 0;
        let length = unit.signal_length as usize;
        let block = unit.block as usize;
        let arriving = values(scratch.arriving, length);
        let last = values(unit.signal, length);
        let prediction = values(unit.prediction, length);
        let mut x = unit.next_input;
        let mut feature = |value: &dyn Fn(usize) -> f32, begin: usize| {
            let to = values(x, block);
            for (i, to) in to.iter_mut().enumerate() {
                *to = value(begin + i);
            }
            x = x.add(block);
        };
        for begin in (0..length).step_by(block) {
            feature(&|i| arriving[i], begin);
            if has(options::DERIVATIVE) {
                feature(&|i| 0.5 * (arriving[i] - last[i]) + 0.5, begin);
            }
            if has(options::INTEGRAL) {
                let integral = values(unit.integral, length);
                for i in begin..begin + block {
                    integral[i] = model.tau * integral[i] + (1.0 - model.tau) * arriving[i];
                }
                feature(&|i| integral[i], begin);
            }
            if has(options::ERROR) {
                feature(&|i| 0.5 * (arriving[i] - prediction[i]) + 0.5, begin);
            }
            if has(options::PREVIOUS) {
                feature(&|i| last[i], begin);
            }
        }
        let mut context = x;
        for run in unit.context_runs.list() {
            let factor = model.factors[run.kind as usize];
            let from = model.space.add(run.index as usize);
            for i in 0..run.length as usize {
                *context.add(i) = factor * *from.add(i);
            }
            context = context.add(run.length as usize);
        }
        *context = model.bias;
        if !unit.signal_previous.is_null() {
            values(unit.signal_previous, length).copy_from_slice(last);
        }
        last.copy_from_slice(arriving);
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
        let h = values(unit.hidden, hidden + 1);
        activate(logistic, &mut h[..hidden]);
        h[hidden] = model.bias;
        decode(model, unit, scratch, unit.hidden, scratch.output);
        let p = values(unit.prediction, unit.outputs as usize);
        p.copy_from_slice(values(scratch.output, unit.outputs as usize));
        activate(logistic, p);
        let publish = values(publish, hidden);
        if !has(options::NORMALISE) {
            publish.copy_from_slice(&h[..hidden]);
            return;
        }
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
