//! Rung 3: rows padded with zeros to a multiple of eight, so that nothing is left over.

use crate::rung::{Loops, Matrix};
use crate::vector::{F32x4, LANES};

pub struct Tails;

impl Loops for Tails {
    unsafe fn product(w: Matrix, x: *const f32, out: *mut f32) {
        for row in 0..w.rows {
            unsafe {
                let w_row = w.weights.add(row * w.columns);
                let mut sum = F32x4::splat(0.0);
                for column in (0..w.columns).step_by(LANES) {
                    sum = sum.madd(F32x4::load(w_row.add(column)), F32x4::load(x.add(column)));
                }
                *out.add(row) = sum.sum();
            }
        }
    }

    unsafe fn update(w: Matrix, mu: f32, d: *const f32, x: *const f32) {
        let mu = F32x4::splat(mu);
        for row in 0..w.rows {
            unsafe {
                let (w_row, m_row) = (w.weights.add(row * w.columns), w.momentum.add(row * w.columns));
                let factor = F32x4::splat(*d.add(row));
                for column in (0..w.columns).step_by(LANES) {
                    let m = factor.mul(F32x4::load(x.add(column))).madd(mu, F32x4::load(m_row.add(column)));
                    m.store(m_row.add(column));
                    F32x4::load(w_row.add(column)).add(m).store(w_row.add(column));
                }
            }
        }
    }

    unsafe fn transposed(w: Matrix, e: *const f32, out: *mut f32) {
        for column in (0..w.columns).step_by(LANES) {
            unsafe { F32x4::splat(0.0).store(out.add(column)) };
        }
        for row in 0..w.rows {
            unsafe {
                let w_row = w.weights.add(row * w.columns);
                let factor = F32x4::splat(*e.add(row));
                for column in (0..w.columns).step_by(LANES) {
                    let to = out.add(column);
                    F32x4::load(to).madd(factor, F32x4::load(w_row.add(column))).store(to);
                }
            }
        }
    }
}
