//! The three passes of a step over the weights of a unit, written at once or deferred.

use crate::format_f32::{self, Matrix};
use crate::model::{Model, Scratch, Unit};
use crate::narrow::Use;
use crate::pairs::copy_pending;
use crate::stored::{decoder, encoder};
use crate::terms::Pending;

/// What the decoder learns: rate h e'.
#[derive(Clone, Copy)]
pub struct Sent {
    pub rate: f32,
    /// H values, and what stands behind them.
    pub h: *const f32,
    pub bias: f32,
    /// `output_columns` values, zero behind the outputs.
    pub e: *const f32,
}

/// out = W e for the decoder as it is (stored hidden-major), then W += rate h e'.
///
/// # Safety
/// The vectors of `sent` are as long as it says; `out` has H + 1, padded.
pub unsafe fn send_back(model: &Model, unit: &Unit, scratch: Scratch, sent: Sent, out: *mut f32) {
    let Sent { rate, h, bias, e } = sent;
    let matrix = decoder(model, unit);
    let c = scratch.factors;
    unsafe {
        if model.defer == 0 && !matrix.is_plain() {
            // The definition of rounding has the rate at the error.
            copy_scaled(h, 1.0, matrix.rows - 1, c);
            *c.add(matrix.rows - 1) = bias;
            copy_scaled(e, rate, matrix.columns, scratch.output);
            return matrix.learn(scratch, c, scratch.output, Use::Old(e), out);
        }
        copy_scaled(h, rate, matrix.rows - 1, c);
        *c.add(matrix.rows - 1) = rate * bias;
        if model.defer == 0 {
            return format_f32::product_update(matrix.plain(), model.momentum, c, e, out);
        }
        matrix.product(scratch, e, out);
        let (hidden, errors) = decoder_pairs(model, unit);
        unit.pairs.add_product(model, scratch, (hidden, errors), e, out);
        if let Some(factor) = carried(model, unit) {
            format_f32::product(matrix.momentum(), e, scratch.extra);
            add_scaled(scratch.extra, factor, matrix.rows, out);
        }
        unit.pairs.put_decoder(model, c, e, matrix.columns);
    }
}

/// What the encoder learns before it is used: the delta, and whether from the input of the step before the last.
#[derive(Clone, Copy)]
pub struct Learned {
    pub d: *const f32,
    pub lag: bool,
}

/// W += d x' for the encoder where it learns, then out = W next.
///
/// # Safety
/// `next` has `input_columns` values, zero behind the inputs; `d` and `out` have H, padded.
pub unsafe fn encode(
    model: &Model,
    unit: &mut Unit,
    scratch: Scratch,
    learned: Option<Learned>,
    next: *const f32,
    out: *mut f32,
) {
    let matrix = encoder(model, unit);
    let from = |lag: bool| if lag { unit.lag_input } else { unit.input };
    unsafe {
        if model.defer == 0 {
            return match learned {
                Some(Learned { d, lag }) if matrix.is_plain() => {
                    format_f32::update_product(matrix.plain(), model.momentum, d, from(lag), next, out)
                }
                Some(Learned { d, lag }) => matrix.learn(scratch, d, from(lag), Use::Updated(next), out),
                None => matrix.product(scratch, next, out),
            };
        }
        if let Some(Learned { d, lag }) = learned {
            let x = from(lag);
            unit.pairs.put_encoder(model, d, x, matrix.columns);
        }
        let pairs = &unit.pairs;
        let deltas = pairs.ring(pairs.deltas, model.hidden_columns as usize);
        let inputs = pairs.ring(pairs.inputs, matrix.columns);
        // What is due is written a pass later, but counts by its momentum only from here on.
        if pairs.due == 0 {
            let (left, live) = copy_pending(pairs, model.ring, deltas, scratch.pending);
            matrix.write(scratch, Pending { left, right: inputs, live }, next, out);
            let written = pairs.without_pending();
            written.add_product(model, scratch, (deltas, inputs), next, out);
        } else {
            matrix.product(scratch, next, out);
            pairs.add_product(model, scratch, (deltas, inputs), next, out);
        }
        if let Some(factor) = carried(model, unit) {
            format_f32::product(matrix.momentum(), next, scratch.extra);
            add_scaled(scratch.extra, factor, matrix.rows, out);
        }
    }
}

/// out = W' h for the decoder, with all that it has learned.
///
/// # Safety
/// `h` has H + 1 values, padded with zeros; `out` has `output_columns`.
pub unsafe fn decode(model: &Model, unit: &mut Unit, scratch: Scratch, h: *const f32, out: *mut f32) {
    unsafe {
        if model.defer == 0 {
            return decoder(model, unit).combine(scratch, h, out);
        }
        let (hidden, errors) = decoder_pairs(model, unit);
        if unit.pairs.due == 0 {
            let (left, live) = copy_pending(&unit.pairs, model.ring, hidden, scratch.pending);
            decoder(model, unit).write(scratch, Pending { left, right: errors, live }, core::ptr::null(), out);
            unit.pairs.written(model);
        }
        let matrix = decoder(model, unit);
        matrix.combine(scratch, h, out);
        unit.pairs.add_product(model, scratch, (errors, hidden), h, out);
        if let Some(factor) = carried(model, unit) {
            format_f32::combine(matrix.momentum(), h, scratch.extra);
            add_scaled(scratch.extra, factor, matrix.columns, out);
        }
    }
}

fn decoder_pairs(model: &Model, unit: &Unit) -> (Matrix, Matrix) {
    let pairs = &unit.pairs;
    let hidden = pairs.ring(pairs.hidden, model.hidden_columns as usize);
    (hidden, pairs.ring(pairs.errors, unit.output_columns as usize))
}

/// How much a momentum matrix that was loaded still counts in W: -mu / (1 - mu) mu^age, nothing beyond the window.
unsafe fn carried(model: &Model, unit: &Unit) -> Option<f32> {
    if unit.encoder.momentum.is_null() || unit.pairs.carried >= model.window {
        return None;
    }
    // Safety: there are as many powers as the window is long.
    Some(-model.gain * unsafe { *model.powers.add(unit.pairs.carried as usize) })
}

unsafe fn copy_scaled(from: *const f32, factor: f32, length: usize, to: *mut f32) {
    for i in 0..length {
        unsafe { *to.add(i) = factor * *from.add(i) };
    }
}

unsafe fn add_scaled(from: *const f32, factor: f32, length: usize, to: *mut f32) {
    for i in 0..length {
        unsafe { *to.add(i) += factor * *from.add(i) };
    }
}
