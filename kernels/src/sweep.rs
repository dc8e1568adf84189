//! Passes over memory that do nothing else: what a step could reach if it did nothing but move its weights.

use crate::vector::{F32x4, LANES};

/// Values that a loop takes at once: enough streams of sums that arithmetic does not limit it.
const STRIDE: usize = 8 * LANES;

/// The sum of `length` values: a pass that reads.
///
/// # Safety
/// They are there; `length` is a multiple of 32.
pub unsafe fn read(at: *const f32, length: usize) -> f32 {
    let mut sums = [F32x4::splat(0.0); 8];
    for begin in (0..length).step_by(STRIDE) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(unsafe { F32x4::load(at.add(begin + i * LANES)) });
        }
    }
    sums.into_iter().fold(F32x4::splat(0.0), F32x4::add).sum()
}

/// Scales `length` values: a pass that reads and writes each once, as learning does.
///
/// # Safety
/// As `read`, and nothing else touches them.
pub unsafe fn update(at: *mut f32, length: usize, factor: f32) {
    let factor = F32x4::splat(factor);
    for begin in (0..length).step_by(STRIDE) {
        for i in 0..8 {
            unsafe {
                let to = at.add(begin + i * LANES);
                F32x4::load(to).mul(factor).store(to);
            }
        }
    }
}
