//! Rung 4: eight sums for each row, so that a multiplication need not wait for the addition before it.

use crate::r3_tails::Tails;
use crate::rung::{Loops, Matrix};
use crate::vector::{F32x4, LANES};

pub struct Sums;

const SUMS: usize = 8;
/// Columns are a multiple of this.
const PADDED: usize = 2 * LANES;

impl Loops for Sums {
    unsafe fn product(w: Matrix, x: *const f32, out: *mut f32) {
        let whole = w.columns - w.columns % (SUMS * LANES);
        for row in 0..w.rows {
            unsafe {
                let w_row = w.weights.add(row * w.columns);
                let mut sum = [F32x4::splat(0.0); SUMS];
                for column in (0..whole).step_by(SUMS * LANES) {
                    for (i, sum) in sum.iter_mut().enumerate() {
                        let at = column + i * LANES;
                        *sum = sum.madd(F32x4::load(w_row.add(at)), F32x4::load(x.add(at)));
                    }
                }
                for column in (whole..w.columns).step_by(PADDED) {
                    for (i, sum) in sum[..2].iter_mut().enumerate() {
                        let at = column + i * LANES;
                        *sum = sum.madd(F32x4::load(w_row.add(at)), F32x4::load(x.add(at)));
                    }
                }
                *out.add(row) = sum.into_iter().fold(F32x4::splat(0.0), F32x4::add).sum();
            }
        }
    }

    unsafe fn update(w: Matrix, mu: f32, d: *const f32, x: *const f32) {
        unsafe { Tails::update(w, mu, d, x) }
    }

    unsafe fn transposed(w: Matrix, e: *const f32, out: *mut f32) {
        unsafe { Tails::transposed(w, e, out) }
    }
}
