//! Rung 2: four lanes; what is left of a row goes one by one.

use crate::rung::{Loops, Matrix};
use crate::vector::{F32x4, LANES};

pub struct Simd;

impl Loops for Simd {
    unsafe fn product(w: Matrix, x: *const f32, out: *mut f32) {
        let whole = w.columns - w.columns % LANES;
        for row in 0..w.rows {
            unsafe {
                let w_row = w.weights.add(row * w.columns);
                let mut lanes = F32x4::splat(0.0);
                for column in (0..whole).step_by(LANES) {
                    lanes = lanes.madd(F32x4::load(w_row.add(column)), F32x4::load(x.add(column)));
                }
                let mut sum = lanes.sum();
                for column in whole..w.columns {
                    sum += *w_row.add(column) * *x.add(column);
                }
                *out.add(row) = sum;
            }
        }
    }

    unsafe fn update(w: Matrix, mu: f32, d: *const f32, x: *const f32) {
        let whole = w.columns - w.columns % LANES;
        let mus = F32x4::splat(mu);
        for row in 0..w.rows {
            unsafe {
                let w_row = w.weights.add(row * w.columns);
                let m_row = w.momentum.add(row * w.columns);
                let factor = *d.add(row);
                let factors = F32x4::splat(factor);
                for column in (0..whole).step_by(LANES) {
                    let m = factors.mul(F32x4::load(x.add(column))).madd(mus, F32x4::load(m_row.add(column)));
                    m.store(m_row.add(column));
                    F32x4::load(w_row.add(column)).add(m).store(w_row.add(column));
                }
                for column in whole..w.columns {
                    let m = factor * *x.add(column) + mu * *m_row.add(column);
                    *m_row.add(column) = m;
                    *w_row.add(column) += m;
                }
            }
        }
    }

    unsafe fn transposed(w: Matrix, e: *const f32, out: *mut f32) {
        let whole = w.columns - w.columns % LANES;
        for column in 0..w.columns {
            unsafe { *out.add(column) = 0.0 };
        }
        for row in 0..w.rows {
            unsafe {
                let w_row = w.weights.add(row * w.columns);
                let factor = *e.add(row);
                let factors = F32x4::splat(factor);
                for column in (0..whole).step_by(LANES) {
                    let to = out.add(column);
                    F32x4::load(to).madd(factors, F32x4::load(w_row.add(column))).store(to);
                }
                for column in whole..w.columns {
                    *out.add(column) += factor * *w_row.add(column);
                }
            }
        }
    }
}
