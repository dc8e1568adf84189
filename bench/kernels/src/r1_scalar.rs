//! Rung 1: one value after another, one pass after another, rows as the checkpoint has them.

use crate::rung::{Loops, Matrix};

pub struct Scalar;

impl Loops for Scalar {
    unsafe fn product(w: Matrix, x: *const f32, out: *mut f32) {
        for row in 0..w.rows {
            let mut sum = 0.0;
            for column in 0..w.columns {
                unsafe { sum += *w.weights.add(row * w.columns + column) * *x.add(column) };
            }
            unsafe { *out.add(row) = sum };
        }
    }

    unsafe fn update(w: Matrix, mu: f32, d: *const f32, x: *const f32) {
        for row in 0..w.rows {
            for column in 0..w.columns {
                let at = row * w.columns + column;
                unsafe {
                    let m = *d.add(row) * *x.add(column) + mu * *w.momentum.add(at);
                    *w.momentum.add(at) = m;
                    *w.weights.add(at) += m;
                }
            }
        }
    }

    unsafe fn transposed(w: Matrix, e: *const f32, out: *mut f32) {
        for column in 0..w.columns {
            unsafe { *out.add(column) = 0.0 };
        }
        for row in 0..w.rows {
            for column in 0..w.columns {
                unsafe { *out.add(column) += *w.weights.add(row * w.columns + column) * *e.add(row) };
            }
        }
    }
}
