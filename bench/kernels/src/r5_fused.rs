//! Rung 5: a weight that learns is read once and written once; the product is taken while it is at hand.

use crate::r4_sums::Sums;
use crate::rung::{Loops, Matrix, Rung};
use crate::vector::{F32x4, LANES};

pub struct Fused;

impl Rung for Fused {
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32) {
        unsafe { Sums::product(w, x, h) }
    }

    unsafe fn encoder_learn(w: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, h: *mut f32) {
        let mu = F32x4::splat(mu);
        for row in 0..w.rows {
            unsafe {
                let (w_row, m_row) = (w.weights.add(row * w.columns), w.momentum.add(row * w.columns));
                let factor = F32x4::splat(*d.add(row));
                let mut sum = [F32x4::splat(0.0); 2];
                for column in (0..w.columns).step_by(2 * LANES) {
                    for (i, sum) in sum.iter_mut().enumerate() {
                        let at = column + i * LANES;
                        let m = factor.mul(F32x4::load(x.add(at))).madd(mu, F32x4::load(m_row.add(at)));
                        m.store(m_row.add(at));
                        let updated = F32x4::load(w_row.add(at)).add(m);
                        updated.store(w_row.add(at));
                        *sum = sum.madd(updated, F32x4::load(next.add(at)));
                    }
                }
                *h.add(row) = sum[0].add(sum[1]).sum();
            }
        }
    }

    unsafe fn decoder_learn(w: Matrix, mu: f32, c: *const f32, e: *const f32, dh: *mut f32) {
        let mu = F32x4::splat(mu);
        for column in (0..w.columns).step_by(LANES) {
            unsafe { F32x4::splat(0.0).store(dh.add(column)) };
        }
        for row in 0..w.rows {
            unsafe {
                let (w_row, m_row) = (w.weights.add(row * w.columns), w.momentum.add(row * w.columns));
                let factor = F32x4::splat(*e.add(row));
                for column in (0..w.columns).step_by(LANES) {
                    let old = F32x4::load(w_row.add(column));
                    let to = dh.add(column);
                    F32x4::load(to).madd(factor, old).store(to);
                    let m = factor.mul(F32x4::load(c.add(column))).madd(mu, F32x4::load(m_row.add(column)));
                    m.store(m_row.add(column));
                    old.add(m).store(w_row.add(column));
                }
            }
        }
    }

    unsafe fn decoder_product(w: Matrix, h: *const f32, p: *mut f32) {
        unsafe { Sums::product(w, h, p) }
    }
}
