//! Deferred updates: what a unit has learned lately, as pairs of vectors beside its matrices.
//!
//! Each update is a rank-1 term g = d x'. With momentum mu, Z = W + mu / (1 - mu) M obeys Z += g / (1 - mu), so Z needs no
//! momentum matrix. A unit keeps Z and the last pairs (d / (1 - mu), x); the matrix in memory lacks the `pending` newest. At age j
//! (0 is the newest pair) a pair counts (j is pending ? 1 : 0) - mu^(j + 1) in W, and the last term is dropped beyond a window.

use crate::model::{Model, Unit};
use crate::vector::{F32x4, LANES};

/// Pairs that a unit keeps at most.
pub const MOST: usize = 64;

/// The pairs of a unit. Rings of `Model::ring` places; vectors are padded with zeros.
#[repr(C)]
pub struct Pairs {
    /// What the encoder learned from: a pointer a place, since inputs are handed over, not copied.
    pub inputs: *mut *mut f32,
    /// What it learned: padded H values a place.
    pub deltas: *mut f32,
    /// What the decoder learned from: padded H + 1 values a place, with the rate in them.
    pub hidden: *mut f32,
    /// What it learned: `output_columns` values a place.
    pub errors: *mut f32,
    /// The place of the next pair.
    pub next: u32,
    /// Pairs that there are.
    pub count: u32,
    /// The newest of them, which the matrices lack.
    pub pending: u32,
    /// Updates until they are written.
    pub due: u32,
    /// Updates since a momentum matrix was loaded, up to the window, from where on it counts no more.
    pub carried: u32,
}

/// The pairs that count, newest first.
pub struct Tail {
    pub count: usize,
    place: [usize; MOST],
    weight: [f32; MOST],
}

impl Tail {
    /// # Safety
    /// The model defers, and its records are as described.
    pub unsafe fn of(model: &Model, pairs: &Pairs) -> Tail {
        let ring = model.ring as usize;
        let pending = pairs.pending as usize;
        let count = (pairs.count as usize).min(pending.max(model.window as usize));
        let mut tail = Tail { count, place: [0; MOST], weight: [0.0; MOST] };
        let mut place = pairs.next as usize;
        for age in 0..count {
            place = if place == 0 { ring - 1 } else { place - 1 };
            tail.place[age] = place;
            // Safety: `count` is at most `ring`, and there are as many powers.
            let power = unsafe { *model.powers.add(age) };
            tail.weight[age] = if age < pending { 1.0 - power } else { -power };
        }
        tail
    }

    /// The pending pairs are in the matrix now: they count by their momentum only.
    ///
    /// # Safety
    /// As `of`.
    pub unsafe fn written(&mut self, model: &Model) {
        self.count = self.count.min(model.window as usize);
        for age in 0..self.count {
            self.weight[age] = unsafe { -*model.powers.add(age) };
        }
    }

    /// The vectors of a ring, in the order of the tail.
    pub fn rows(&self, ring: *const f32, length: usize) -> [*const f32; MOST] {
        let mut rows = [core::ptr::null(); MOST];
        for (row, place) in rows.iter_mut().zip(&self.place[..self.count]) {
            *row = ring.wrapping_add(place * length);
        }
        rows
    }

    /// The inputs, in the order of the tail.
    ///
    /// # Safety
    /// `inputs` has a pointer at every place.
    pub unsafe fn inputs(&self, inputs: *const *mut f32) -> [*const f32; MOST] {
        let mut rows = [core::ptr::null(); MOST];
        for (row, place) in rows.iter_mut().zip(&self.place[..self.count]) {
            *row = unsafe { (*inputs.add(*place)).cast_const() };
        }
        rows
    }

    /// out += sum over the tail of weight left (right . x).
    ///
    /// # Safety
    /// Every `right` and `x` have `columns` values, every `left` and `out` have `rows`, both multiples of eight.
    pub unsafe fn add_product(
        &self,
        (left, rows): (&[*const f32; MOST], usize),
        (right, columns): (&[*const f32; MOST], usize),
        x: *const f32,
        out: *mut f32,
    ) {
        let mut factors = [0.0; MOST];
        unsafe {
            dots(&right[..self.count], x, columns, &mut factors);
            for (factor, weight) in factors.iter_mut().zip(&self.weight[..self.count]) {
                *factor *= weight;
            }
            add(&left[..self.count], &factors, rows, out);
        }
    }
}

/// The scalar products of vectors with one other.
unsafe fn dots(vectors: &[*const f32], x: *const f32, columns: usize, out: &mut [f32; MOST]) {
    const AT_ONCE: usize = 4;
    unsafe {
        let (fours, rest) = vectors.as_chunks::<AT_ONCE>();
        for (i, four) in fours.iter().enumerate() {
            let mut sums = [F32x4::splat(0.0); 2 * AT_ONCE];
            for column in (0..columns).step_by(2 * LANES) {
                let low = F32x4::load(x.add(column));
                let high = F32x4::load(x.add(column + LANES));
                for (i, v) in four.iter().enumerate() {
                    sums[i] = sums[i].madd(F32x4::load(v.add(column)), low);
                    sums[AT_ONCE + i] = sums[AT_ONCE + i].madd(F32x4::load(v.add(column + LANES)), high);
                }
            }
            for j in 0..AT_ONCE {
                out[i * AT_ONCE + j] = sums[j].add(sums[AT_ONCE + j]).sum();
            }
        }
        for (v, out) in rest.iter().zip(&mut out[fours.len() * AT_ONCE..]) {
            let mut sums = [F32x4::splat(0.0); 2];
            for column in (0..columns).step_by(2 * LANES) {
                sums[0] = sums[0].madd(F32x4::load(v.add(column)), F32x4::load(x.add(column)));
                sums[1] = sums[1].madd(F32x4::load(v.add(column + LANES)), F32x4::load(x.add(column + LANES)));
            }
            *out = sums[0].add(sums[1]).sum();
        }
    }
}

/// out += sum of factor vector.
unsafe fn add(vectors: &[*const f32], factors: &[f32; MOST], length: usize, out: *mut f32) {
    const WIDE: usize = 8;
    let mut column = 0;
    unsafe {
        while column + WIDE * LANES <= length {
            add_block::<WIDE>(vectors, factors, column, out);
            column += WIDE * LANES;
        }
        while column < length {
            add_block::<2>(vectors, factors, column, out);
            column += 2 * LANES;
        }
    }
}

#[inline(always)]
unsafe fn add_block<const N: usize>(vectors: &[*const f32], factors: &[f32; MOST], column: usize, out: *mut f32) {
    unsafe {
        let mut sum: [F32x4; N] = core::array::from_fn(|i| F32x4::load(out.add(column + i * LANES)));
        for (v, factor) in vectors.iter().zip(factors) {
            let factor = F32x4::splat(*factor);
            for (i, sum) in sum.iter_mut().enumerate() {
                *sum = sum.madd(factor, F32x4::load(v.add(column + i * LANES)));
            }
        }
        for (i, sum) in sum.into_iter().enumerate() {
            sum.store(out.add(column + i * LANES));
        }
    }
}

/// Places the newest pair: `put_decoder` writes its half first, `put_encoder` the rest.
///
/// # Safety
/// The model defers; `c` has H + 1 values, `e` has `output_columns`.
pub unsafe fn put_decoder(model: &Model, unit: &Unit, c: *const f32, e: *const f32) {
    let hidden = model.hidden as usize;
    let place = unit.pairs.next as usize;
    let columns = unit.output_columns as usize;
    unsafe {
        let to = unit.pairs.hidden.add(place * model.hidden_columns as usize);
        for j in 0..=hidden {
            *to.add(j) = model.gain * *c.add(j);
        }
        let to = unit.pairs.errors.add(place * columns);
        for column in (0..columns).step_by(LANES) {
            F32x4::load(e.add(column)).store(to.add(column));
        }
    }
}

/// Takes over the input that was learned from, gives back a vector that is free, and counts the pair.
///
/// # Safety
/// The model defers; `d` has H values.
pub unsafe fn put_encoder(model: &Model, pairs: &mut Pairs, d: *const f32, input: *mut f32) -> *mut f32 {
    let place = pairs.next as usize;
    unsafe {
        let to = pairs.deltas.add(place * model.hidden_columns as usize);
        for j in 0..model.hidden as usize {
            *to.add(j) = model.gain * *d.add(j);
        }
        pairs.next = if pairs.next + 1 == model.ring { 0 } else { pairs.next + 1 };
        pairs.count = (pairs.count + 1).min(model.ring);
        pairs.pending += 1;
        pairs.due -= 1;
        pairs.carried = (pairs.carried + 1).min(model.window);
        core::mem::replace(&mut *pairs.inputs.add(place), input)
    }
}
