//! Rung 6: the decoder is stored with a row for each hidden value. What flows back is a sum along a row, the prediction is
//! gathered in registers, and rows are as long as the prediction instead of H + 1.

use crate::r5_fused::Fused;
use crate::rung::{Matrix, Rung};
use crate::vector::{F32x4, LANES};

pub struct HiddenMajor;

impl Rung for HiddenMajor {
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32) {
        unsafe { Fused::encoder_product(w, x, h) }
    }

    unsafe fn encoder_learn(w: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, h: *mut f32) {
        unsafe { Fused::encoder_learn(w, mu, d, x, next, h) }
    }

    unsafe fn decoder_learn(w: Matrix, mu: f32, c: *const f32, e: *const f32, dh: *mut f32) {
        let mu = F32x4::splat(mu);
        for row in 0..w.rows {
            unsafe {
                let (w_row, m_row) = (w.weights.add(row * w.columns), w.momentum.add(row * w.columns));
                let factor = F32x4::splat(*c.add(row));
                let mut sum = [F32x4::splat(0.0); 2];
                for column in (0..w.columns).step_by(2 * LANES) {
                    for (i, sum) in sum.iter_mut().enumerate() {
                        let at = column + i * LANES;
                        let (old, error) = (F32x4::load(w_row.add(at)), F32x4::load(e.add(at)));
                        let m = factor.mul(error).madd(mu, F32x4::load(m_row.add(at)));
                        m.store(m_row.add(at));
                        old.add(m).store(w_row.add(at));
                        *sum = sum.madd(old, error);
                    }
                }
                *dh.add(row) = sum[0].add(sum[1]).sum();
            }
        }
    }

    unsafe fn decoder_product(w: Matrix, h: *const f32, p: *mut f32) {
        const WIDE: usize = 8;
        let mut column = 0;
        unsafe {
            while column + WIDE * LANES <= w.columns {
                block::<WIDE>(w, h, p, column);
                column += WIDE * LANES;
            }
            while column < w.columns {
                block::<2>(w, h, p, column);
                column += 2 * LANES;
            }
        }
    }
}

/// `N` vectors of the prediction, in registers while the rows go by.
#[inline(always)]
unsafe fn block<const N: usize>(w: Matrix, h: *const f32, p: *mut f32, column: usize) {
    unsafe {
        let mut sum = [F32x4::splat(0.0); N];
        for row in 0..w.rows {
            let from = w.weights.add(row * w.columns + column);
            let factor = F32x4::splat(*h.add(row));
            for (i, sum) in sum.iter_mut().enumerate() {
                *sum = sum.madd(factor, F32x4::load(from.add(i * LANES)));
            }
        }
        for (i, sum) in sum.into_iter().enumerate() {
            sum.store(p.add(column + i * LANES));
        }
    }
}
