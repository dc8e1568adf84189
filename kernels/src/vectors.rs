//! What the rules do to vectors. A vector that is said to be **padded** is zero behind its end, up to the next multiple of `LANES`,
//! and may be written there with zeros: loops over it need no rest.

use crate::model::Runs;
use crate::vector::{F32x4, LANES};

/// Where the quads of a padded vector begin.
#[inline(always)]
pub fn quads(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(LANES)
}

/// Pads a vector.
///
/// # Safety
/// There is room up to the next multiple of `LANES`.
#[inline(always)]
pub unsafe fn pad(values: *mut f32, length: usize) {
    for i in length..length.next_multiple_of(LANES) {
        unsafe { *values.add(i) = 0.0 };
    }
}

/// The dot product of two padded vectors.
///
/// # Safety
/// Both have `length` values.
pub unsafe fn dot(a: *const f32, b: *const f32, length: usize) -> f32 {
    // Four sums: one would wait for itself.
    let mut sums = [F32x4::splat(0.0); 4];
    let mut i = 0;
    unsafe {
        while i + 4 * LANES <= length {
            for (part, sum) in sums.iter_mut().enumerate() {
                let at = i + part * LANES;
                *sum = sum.madd(F32x4::load(a.add(at)), F32x4::load(b.add(at)));
            }
            i += 4 * LANES;
        }
        while i < length {
            sums[0] = sums[0].madd(F32x4::load(a.add(i)), F32x4::load(b.add(i)));
            i += LANES;
        }
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum()
}

/// Writes `length` values and nothing behind them: `quad` gives four from a place on, and is asked for the last four once more where
/// quads do not end with the vector; `one` gives a value of vectors shorter than a quad.
///
/// # Safety
/// There is room for `length` values; what `quad` and `one` read is not what is written.
#[inline(always)]
pub unsafe fn write(to: *mut f32, length: usize, quad: impl Fn(usize) -> F32x4, one: impl Fn(usize) -> f32) {
    unsafe {
        if length < LANES {
            for i in 0..length {
                *to.add(i) = one(i);
            }
            return;
        }
        let last = length - LANES;
        for i in quads(last) {
            quad(i).store(to.add(i));
        }
        quad(last).store(to.add(last));
    }
}

/// Copies a vector.
///
/// # Safety
/// Both have `length` values, and do not overlap.
#[inline(always)]
pub unsafe fn copy(from: *const f32, length: usize, to: *mut f32) {
    unsafe { write(to, length, |i| F32x4::load(from.add(i)), |i| *from.add(i)) }
}

/// to = f(from), which may be the same vector.
///
/// # Safety
/// Both have `length` values.
#[inline(always)]
pub unsafe fn map(from: *const f32, length: usize, to: *mut f32, f: impl Fn(F32x4) -> F32x4) {
    unsafe { zip(from, from, length, to, |a, _| f(a)) }
}

/// to = f(a, b), which may be one of both.
///
/// # Safety
/// All have `length` values.
#[inline(always)]
pub unsafe fn zip(a: *const f32, b: *const f32, length: usize, to: *mut f32, f: impl Fn(F32x4, F32x4) -> F32x4) {
    let whole = length - length % LANES;
    unsafe {
        for i in quads(whole) {
            f(F32x4::load(a.add(i)), F32x4::load(b.add(i))).store(to.add(i));
        }
        for i in whole..length {
            *to.add(i) = f(F32x4::splat(*a.add(i)), F32x4::splat(*b.add(i))).first();
        }
    }
}

/// Copies runs of a space one after another and returns where they end.
///
/// # Safety
/// The runs lie in the space, and `to` has room for them.
#[inline(always)]
pub unsafe fn gather(space: *const f32, runs: Runs, mut to: *mut f32) -> *mut f32 {
    for run in runs.list() {
        // Not a call: memory.copy costs more than these few values.
        unsafe {
            copy(space.add(run.index as usize), run.length as usize, to);
            to = to.add(run.length as usize);
        }
    }
    to
}
