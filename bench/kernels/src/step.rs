//! The step of rule 2016 around the passes (`backends/reference/rule_2016.ts` is the definition), for the options that the
//! built-in models have: polynomial activation, no autoencoder.

use crate::model::{Model, Scratch, Unit, values};
use crate::rung::Rung;
use core::sync::atomic::Ordering::Relaxed;

/// Bits of `Model::options`.
pub mod options {
    pub const DERIVATIVE: u32 = 1;
    pub const INTEGRAL: u32 = 2;
    pub const ERROR: u32 = 4;
    pub const PREVIOUS: u32 = 8;
    pub const TWO_STEPS: u32 = 16;
    pub const NORMALISE: u32 = 32;
}

/// How far the running extremes move towards each other in a step.
const EXTREME_DRIFT: f32 = 1e-6;

fn activate(z: &mut [f32]) {
    z.iter_mut().for_each(|z| *z = *z / (2.0 * (z.abs() + 1.0)) + 0.5);
}

fn slope(a: f32) -> f32 {
    let rest = 1.0 - (2.0 * a - 1.0).abs();
    0.5 * rest * rest
}

/// The step of the units from `begin` to `end`.
///
/// # Safety
/// The records are as described, and no other thread has these units or this scratch.
pub unsafe fn step<R: Rung>(model: &Model, scratch: Scratch, begin: u32, end: u32) {
    for id in begin..end {
        unsafe {
            let unit = &mut *model.units.add(id as usize);
            let publish = model.other.add((model.hidden_at + id * model.hidden) as usize);
            let widens = *model.learning.add(unit.layer as usize) & 2 != 0;
            if model.starting.load(Relaxed) != 0 {
                R::encoder_product(unit.encoder, unit.input, unit.hidden);
            } else {
                *model.errors.add(id as usize) = learn_and_observe::<R>(model, unit, scratch);
            }
            predict::<R>(model, unit, scratch, publish, widens);
        }
    }
}

/// Everything up to the encoder's product; returns the squared error.
unsafe fn learn_and_observe<R: Rung>(model: &Model, unit: &mut Unit, scratch: Scratch) -> f32 {
    unsafe {
        let learns = *model.learning.add(unit.layer as usize) & 1 != 0;
        let two = model.options & options::TWO_STEPS != 0;
        let hidden = model.hidden as usize;
        let squares = score(model, unit, scratch);
        if learns {
            learn::<R>(model, unit, scratch);
        }
        observe(model, unit, scratch);
        if two && learns {
            // What was predicted last is learned from in the next step.
            values(unit.lag_hidden, hidden).copy_from_slice(values(unit.hidden, hidden));
            let outputs = unit.outputs as usize;
            values(unit.lag_prediction, outputs).copy_from_slice(values(unit.prediction, outputs));
        }
        if learns {
            let from = if two { unit.lag_input } else { unit.input };
            let d = scratch.hidden_delta;
            R::encoder_learn(unit.encoder, model.momentum, d, from, unit.next_input, unit.hidden);
        } else {
            R::encoder_product(unit.encoder, unit.next_input, unit.hidden);
        }
        if two && learns {
            (unit.lag_input, unit.input, unit.next_input) = (unit.input, unit.next_input, unit.lag_input);
        } else {
            (unit.input, unit.next_input) = (unit.next_input, unit.input);
        }
        squares
    }
}

/// Gathers the signal that arrives and returns the squared error of its prediction.
unsafe fn score(model: &Model, unit: &Unit, scratch: Scratch) -> f32 {
    unsafe {
        let mut to = scratch.arriving;
        for run in unit.signal_runs.list() {
            let from = model.space.add(run.index as usize);
            for i in 0..run.length as usize {
                *to.add(i) = *from.add(i);
            }
            to = to.add(run.length as usize);
        }
        let length = unit.signal_length as usize;
        let (arriving, prediction) = (values(scratch.arriving, length), values(unit.prediction, length));
        let mut squares = 0.0;
        for i in 0..length {
            let error = arriving[i] - prediction[i];
            squares += error * error;
        }
        squares
    }
}

/// Backpropagation up to the encoder, whose update waits for the next input; leaves rate * dh in `hidden_delta`.
unsafe fn learn<R: Rung>(model: &Model, unit: &Unit, scratch: Scratch) {
    unsafe {
        let two = model.options & options::TWO_STEPS != 0;
        let rate = *model.rates.add(unit.layer as usize);
        let hidden = model.hidden as usize;
        let length = unit.signal_length as usize;
        let (h, p) = if two { (unit.lag_hidden, unit.lag_prediction) } else { (unit.hidden, unit.prediction) };
        let targets = if two { [unit.signal, scratch.arriving] } else { [scratch.arriving; 2] };
        // Longer than any unit's outputs: what a larger unit left must not be learned from.
        let padded = (unit.outputs as usize).next_multiple_of(8);
        let delta = values(scratch.delta, padded);
        delta[unit.outputs as usize..].fill(0.0);
        for half in 0..unit.outputs as usize / length {
            let target = values(targets[half], length);
            let p = values(p.add(half * length), length);
            let delta = &mut delta[half * length..][..length];
            for i in 0..length {
                delta[i] = (target[i] - p[i]) * slope(p[i]);
            }
        }
        let h = values(h, hidden);
        let factors = values(scratch.factors, hidden + 1);
        for j in 0..hidden {
            factors[j] = rate * h[j];
        }
        factors[hidden] = rate * model.bias;
        let dh = scratch.hidden_delta;
        R::decoder_learn(unit.decoder, model.momentum, scratch.factors, scratch.delta, dh);
        for (dh, h) in values(dh, hidden).iter_mut().zip(h) {
            *dh *= rate * slope(*h);
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
        for run in unit.context_runs.list() {
            let factor = model.factors[run.kind as usize];
            let from = model.space.add(run.index as usize);
            for i in 0..run.length as usize {
                *x.add(i) = factor * *from.add(i);
            }
            x = x.add(run.length as usize);
        }
        *x = model.bias;
        last.copy_from_slice(arriving);
    }
}

/// From the encoder's sums in `hidden` to the published output and the prediction.
unsafe fn predict<R: Rung>(model: &Model, unit: &mut Unit, scratch: Scratch, publish: *mut f32, widens: bool) {
    unsafe {
        let hidden = model.hidden as usize;
        let h = values(unit.hidden, hidden + 1);
        activate(&mut h[..hidden]);
        h[hidden] = model.bias;
        R::decoder_product(unit.decoder, unit.hidden, scratch.output);
        let p = values(unit.prediction, unit.outputs as usize);
        p.copy_from_slice(values(scratch.output, unit.outputs as usize));
        activate(p);
        let publish = values(publish, hidden);
        if model.options & options::NORMALISE == 0 {
            publish.copy_from_slice(&h[..hidden]);
            return;
        }
        let (minimum, maximum) = (values(unit.minimum, hidden), values(unit.maximum, hidden));
        for j in 0..hidden {
            if widens {
                minimum[j] = h[j].min(minimum[j]) + EXTREME_DRIFT;
                maximum[j] = h[j].max(maximum[j]) - EXTREME_DRIFT;
            }
            publish[j] = (h[j] - minimum[j]) / (maximum[j] - minimum[j]);
        }
    }
}
