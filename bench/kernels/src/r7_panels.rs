//! Rung 7: panels of four rows, stored as one stream: four rows' first four columns, their next four columns and so on. The
//! rows left over follow one by one.

use crate::r4_sums::Sums;
use crate::r5_fused::Fused;
use crate::r6_hidden_major::HiddenMajor;
use crate::rung::{Loops, Matrix, Rung};
use crate::vector::{F32x4, LANES};

pub struct Panels;

/// Rows of a panel.
pub const PANEL: usize = 4;

/// How many panels there are, the first row behind them, and the rows from there on.
#[inline(always)]
pub fn split(w: Matrix) -> (usize, usize, Matrix) {
    let panels = w.rows / PANEL;
    let first = panels * PANEL;
    let at = first * w.columns;
    let rest = Matrix {
        weights: w.weights.wrapping_add(at),
        momentum: w.momentum.wrapping_add(at),
        rows: w.rows - first,
        columns: w.columns,
    };
    (panels, first, rest)
}

impl Rung for Panels {
    #[inline(always)]
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32) {
        let (panels, first, rest) = split(w);
        unsafe {
            let mut from = w.weights;
            for panel in 0..panels {
                let mut sum = [F32x4::splat(0.0); 2 * PANEL];
                for column in (0..w.columns).step_by(2 * LANES) {
                    let low = F32x4::load(x.add(column));
                    let high = F32x4::load(x.add(column + LANES));
                    for row in 0..PANEL {
                        sum[row] = sum[row].madd(F32x4::load(from.add(row * LANES)), low);
                        sum[PANEL + row] = sum[PANEL + row].madd(F32x4::load(from.add((PANEL + row) * LANES)), high);
                    }
                    from = from.add(2 * PANEL * LANES);
                }
                for row in 0..PANEL {
                    *h.add(panel * PANEL + row) = sum[row].add(sum[PANEL + row]).sum();
                }
            }
            Sums::product(rest, x, h.add(first));
        }
    }

    #[inline(always)]
    unsafe fn encoder_learn(w: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, h: *mut f32) {
        let (panels, first, rest) = split(w);
        unsafe {
            let mus = F32x4::splat(mu);
            let (mut at, mut m_at) = (w.weights, w.momentum);
            for panel in 0..panels {
                let row = panel * PANEL;
                let factor: [F32x4; PANEL] = core::array::from_fn(|i| F32x4::splat(*d.add(row + i)));
                let mut sum = [F32x4::splat(0.0); PANEL];
                for column in (0..w.columns).step_by(LANES) {
                    for i in 0..PANEL {
                        // The compiler loads x and next again for every row: a store between might have changed them.
                        let m = factor[i].mul(F32x4::load(x.add(column))).madd(mus, F32x4::load(m_at.add(i * LANES)));
                        m.store(m_at.add(i * LANES));
                        let updated = F32x4::load(at.add(i * LANES)).add(m);
                        updated.store(at.add(i * LANES));
                        sum[i] = sum[i].madd(updated, F32x4::load(next.add(column)));
                    }
                    (at, m_at) = (at.add(PANEL * LANES), m_at.add(PANEL * LANES));
                }
                for (i, sum) in sum.into_iter().enumerate() {
                    *h.add(row + i) = sum.sum();
                }
            }
            Fused::encoder_learn(rest, mu, d.add(first), x, next, h.add(first));
        }
    }

    #[inline(always)]
    unsafe fn decoder_learn(w: Matrix, mu: f32, c: *const f32, e: *const f32, dh: *mut f32) {
        let (panels, first, rest) = split(w);
        unsafe {
            let mus = F32x4::splat(mu);
            let (mut at, mut m_at) = (w.weights, w.momentum);
            for panel in 0..panels {
                let row = panel * PANEL;
                let factor: [F32x4; PANEL] = core::array::from_fn(|i| F32x4::splat(*c.add(row + i)));
                let mut sum = [F32x4::splat(0.0); PANEL];
                for column in (0..w.columns).step_by(LANES) {
                    for i in 0..PANEL {
                        let (old, error) = (F32x4::load(at.add(i * LANES)), F32x4::load(e.add(column)));
                        let m = factor[i].mul(error).madd(mus, F32x4::load(m_at.add(i * LANES)));
                        m.store(m_at.add(i * LANES));
                        old.add(m).store(at.add(i * LANES));
                        sum[i] = sum[i].madd(old, error);
                    }
                    (at, m_at) = (at.add(PANEL * LANES), m_at.add(PANEL * LANES));
                }
                for (i, sum) in sum.into_iter().enumerate() {
                    *dh.add(row + i) = sum.sum();
                }
            }
            HiddenMajor::decoder_learn(rest, mu, c.add(first), e, dh.add(first));
        }
    }

    #[inline(always)]
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

/// `N` vectors of the prediction, in registers while the panels and then the rows go by.
#[inline(always)]
unsafe fn block<const N: usize>(w: Matrix, h: *const f32, p: *mut f32, column: usize) {
    let (panels, first, rest) = split(w);
    unsafe {
        let mut sum = [F32x4::splat(0.0); N];
        for panel in 0..panels {
            let from = w.weights.add(panel * PANEL * w.columns + column * PANEL);
            for row in 0..PANEL {
                let factor = F32x4::splat(*h.add(panel * PANEL + row));
                for (i, sum) in sum.iter_mut().enumerate() {
                    *sum = sum.madd(factor, F32x4::load(from.add((i * PANEL + row) * LANES)));
                }
            }
        }
        for row in 0..rest.rows {
            let from = rest.weights.add(row * w.columns + column);
            let factor = F32x4::splat(*h.add(first + row));
            for (i, sum) in sum.iter_mut().enumerate() {
                *sum = sum.madd(factor, F32x4::load(from.add(i * LANES)));
            }
        }
        for (i, sum) in sum.into_iter().enumerate() {
            sum.store(p.add(column + i * LANES));
        }
    }
}
