//! Rung 10: how many rows there are is known when compiling (49 hidden values and most models have these); how many columns
//! differs from unit to unit.

use crate::r8_shared::Shared;
use crate::rung::{Matrix, Rung};

/// Units of `H` hidden values.
pub struct Shapes<const H: usize>;

impl<const H: usize> Rung for Shapes<H> {
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32) {
        unsafe { Shared::encoder_product(Matrix { rows: H, ..w }, x, h) }
    }

    unsafe fn encoder_learn(w: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, h: *mut f32) {
        unsafe { Shared::encoder_learn(Matrix { rows: H, ..w }, mu, d, x, next, h) }
    }

    unsafe fn decoder_learn(w: Matrix, mu: f32, c: *const f32, e: *const f32, dh: *mut f32) {
        unsafe { Shared::decoder_learn(Matrix { rows: H + 1, ..w }, mu, c, e, dh) }
    }

    unsafe fn decoder_product(w: Matrix, h: *const f32, p: *mut f32) {
        unsafe { Shared::decoder_product(Matrix { rows: H + 1, ..w }, h, p) }
    }
}
