//! The three passes of a step over the weights of a unit, written at once or deferred.

use crate::format_f32::{Matrix, add_pairs, combine, product, product_update, update_product};
use crate::model::{Model, Scratch, Unit, decoder, encoder};
use crate::pairs::{Tail, put_decoder, put_encoder};

/// out = W e for the decoder as it is (stored hidden-major), then W += c e'. `c` has the rate in it.
///
/// # Safety
/// `e` has `output_columns` values, zero behind the outputs; `c` and `out` have H + 1, padded.
pub unsafe fn send_back(model: &Model, unit: &Unit, scratch: Scratch, c: *const f32, e: *const f32, out: *mut f32) {
    let matrix = decoder(unit, model.hidden as usize);
    unsafe {
        if model.defer == 0 {
            return product_update(matrix, model.momentum, c, e, out);
        }
        product(matrix, e, out);
        let tail = Tail::of(model, &unit.pairs);
        let rows = tail.rows(unit.pairs.hidden, model.hidden_columns as usize);
        let errors = tail.rows(unit.pairs.errors, matrix.columns);
        tail.add_product((&rows, model.hidden_columns as usize), (&errors, matrix.columns), e, out);
        if let Some(factor) = carried(model, unit) {
            product(momentum_of(matrix), e, scratch.extra);
            add_scaled(scratch.extra, factor, matrix.rows, out);
        }
        put_decoder(model, unit, c, e);
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
    let matrix = encoder(unit, model.hidden as usize);
    unsafe {
        if model.defer == 0 {
            return match learned {
                Some(Learned { d, lag }) => {
                    let x = if lag { unit.lag_input } else { unit.input };
                    update_product(matrix, model.momentum, d, x, next, out);
                }
                None => product(matrix, next, out),
            };
        }
        if let Some(Learned { d, lag }) = learned {
            let from = if lag { unit.lag_input } else { unit.input };
            let free = put_encoder(model, &mut unit.pairs, d, from);
            if lag {
                unit.lag_input = free;
            } else {
                unit.input = free;
            }
        }
        let pairs = &unit.pairs;
        let mut tail = Tail::of(model, pairs);
        let deltas = tail.rows(pairs.deltas, model.hidden_columns as usize);
        let inputs = tail.inputs(pairs.inputs);
        if pairs.due == 0 {
            let pending = pairs.pending as usize;
            add_pairs(matrix, &deltas[..pending], &inputs[..pending], next, out);
            tail.written(model);
        } else {
            product(matrix, next, out);
        }
        tail.add_product((&deltas, model.hidden_columns as usize), (&inputs, matrix.columns), next, out);
        if let Some(factor) = carried(model, unit) {
            product(momentum_of(matrix), next, scratch.extra);
            add_scaled(scratch.extra, factor, matrix.rows, out);
        }
    }
}

/// out = W' h for the decoder, with all that it has learned.
///
/// # Safety
/// `h` has H + 1 values, padded with zeros; `out` has `output_columns`.
pub unsafe fn decode(model: &Model, unit: &mut Unit, scratch: Scratch, h: *const f32, out: *mut f32) {
    let matrix = decoder(unit, model.hidden as usize);
    unsafe {
        if model.defer == 0 {
            return combine(matrix, h, out);
        }
        let mut tail = Tail::of(model, &unit.pairs);
        let rows = tail.rows(unit.pairs.hidden, model.hidden_columns as usize);
        let errors = tail.rows(unit.pairs.errors, matrix.columns);
        if unit.pairs.due == 0 {
            let pending = unit.pairs.pending as usize;
            add_pairs(matrix, &rows[..pending], &errors[..pending], core::ptr::null(), out);
            tail.written(model);
            unit.pairs.pending = 0;
            unit.pairs.due = model.defer;
        }
        combine(matrix, h, out);
        tail.add_product((&errors, matrix.columns), (&rows, model.hidden_columns as usize), h, out);
        if let Some(factor) = carried(model, unit) {
            combine(momentum_of(matrix), h, scratch.extra);
            add_scaled(scratch.extra, factor, matrix.columns, out);
        }
    }
}

/// How much a momentum matrix that was loaded still counts in W: -mu / (1 - mu) mu^age, nothing beyond the window.
unsafe fn carried(model: &Model, unit: &Unit) -> Option<f32> {
    if unit.encoder_momentum.is_null() || unit.pairs.carried >= model.window {
        return None;
    }
    // Safety: there are as many powers as the window is long.
    Some(-model.gain * unsafe { *model.powers.add(unit.pairs.carried as usize) })
}

fn momentum_of(matrix: Matrix) -> Matrix {
    Matrix { weights: matrix.momentum, ..matrix }
}

unsafe fn add_scaled(from: *const f32, factor: f32, length: usize, to: *mut f32) {
    for i in 0..length {
        unsafe { *to.add(i) += factor * *from.add(i) };
    }
}
