//! Rung 8: what a panel needs of the vectors is loaded once for its four rows, before anything is stored.

use crate::r5_fused::Fused;
use crate::r6_hidden_major::HiddenMajor;
use crate::r7_panels::{PANEL, Panels, split};
use crate::rung::{Matrix, Rung};
use crate::vector::{F32x4, LANES};

pub struct Shared;

impl Rung for Shared {
    #[inline(always)]
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32) {
        unsafe { Panels::encoder_product(w, x, h) }
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
                    let (input, after) = (F32x4::load(x.add(column)), F32x4::load(next.add(column)));
                    for i in 0..PANEL {
                        let m = factor[i].mul(input).madd(mus, F32x4::load(m_at.add(i * LANES)));
                        m.store(m_at.add(i * LANES));
                        let updated = F32x4::load(at.add(i * LANES)).add(m);
                        updated.store(at.add(i * LANES));
                        sum[i] = sum[i].madd(updated, after);
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
                    let error = F32x4::load(e.add(column));
                    for i in 0..PANEL {
                        let old = F32x4::load(at.add(i * LANES));
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
        unsafe { Panels::decoder_product(w, h, p) }
    }
}
