//! Deferred updates: what a unit has learned lately, as pairs of vectors beside its matrices.
//!
//! Each update is a rank-1 term g = d x'. With momentum mu, Z = W + mu / (1 - mu) M obeys Z += g / (1 - mu), so Z needs no
//! momentum matrix. A unit keeps Z and the last pairs (d / (1 - mu), x); the matrix in memory lacks the `pending` newest. At age j
//! (0 is the newest pair) a pair counts (j is pending ? 1 : 0) - mu^(j + 1) in W, and the last term is dropped beyond a window.
//!
//! The halves of the pairs are the rows of four small matrices in the layout of the weights, so that they are read as weights are:
//! in one linear stream. A pair has one place, a row, in all of them; places are taken in turn.

use crate::format_f32::{Matrix, PANEL, add_combined, product};
use crate::model::{Model, Scratch};
use crate::vector::{F32x4, LANES};

/// The pairs of a unit: four rings of `Model::ring` places, a multiple of the rows of a panel.
#[repr(C)]
pub struct Pairs {
    /// What the encoder learned from, and what it learned.
    pub inputs: *mut f32,
    pub deltas: *mut f32,
    /// What the decoder learned from, with the rate in it, and what it learned.
    pub hidden: *mut f32,
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

impl Pairs {
    /// Half of the pairs as a matrix: all places that were ever taken, in whole panels.
    pub fn ring(&self, at: *mut f32, columns: usize) -> Matrix {
        Matrix {
            weights: at,
            momentum: core::ptr::null_mut(),
            rows: (self.count as usize).next_multiple_of(PANEL),
            columns,
        }
    }

    /// The age of the pair at a place; of no use where there is none.
    fn age(&self, place: u32, ring: u32) -> u32 {
        if place < self.next { self.next - 1 - place } else { self.next + ring - 1 - place }
    }

    /// Whether the pair at a place is not yet in the matrices.
    pub fn is_pending(&self, place: u32, ring: u32) -> bool {
        self.age(place, ring) < self.pending
    }

    /// How much the pair at a place counts in W beside the matrix in memory.
    ///
    /// # Safety
    /// The model defers; `place` is in the ring.
    unsafe fn weight(&self, place: u32, model: &Model) -> f32 {
        let age = self.age(place, model.ring);
        if age >= self.count {
            return 0.0;
        }
        // Safety: there is a power for every age in the ring.
        let power = unsafe { *model.powers.add(age as usize) };
        if age < self.pending { 1.0 - power } else { -power }
    }

    /// out += what the pairs add to W x: `left` and `right` are halves of them.
    ///
    /// # Safety
    /// `x` has as many values as `right` has columns, `out` as many as `left`, padded; the model defers.
    pub unsafe fn add_product(
        &self,
        model: &Model,
        scratch: Scratch,
        (left, right): (Matrix, Matrix),
        x: *const f32,
        out: *mut f32,
    ) {
        unsafe {
            product(right, x, scratch.counts);
            for place in 0..right.rows {
                *scratch.counts.add(place) *= self.weight(place as u32, model);
            }
            add_combined(left, scratch.counts, out);
        }
    }

    /// Puts the decoder's half of the newest pair away.
    ///
    /// # Safety
    /// The model defers; `c` has H + 1 values, padded, `e` has `columns`.
    pub unsafe fn put_decoder(&self, model: &Model, c: *const f32, e: *const f32, columns: usize) {
        let place = self.next as usize;
        unsafe {
            put(self.hidden, model.hidden_columns as usize, place, c, model.gain);
            put(self.errors, columns, place, e, 1.0);
        }
    }

    /// Puts the encoder's half away, after the decoder's, and counts the pair.
    ///
    /// # Safety
    /// The model defers; `d` has H values, padded, `x` has `columns`.
    pub unsafe fn put_encoder(&mut self, model: &Model, d: *const f32, x: *const f32, columns: usize) {
        let place = self.next as usize;
        unsafe {
            put(self.deltas, model.hidden_columns as usize, place, d, model.gain);
            put(self.inputs, columns, place, x, 1.0);
        }
        self.next = if self.next + 1 == model.ring { 0 } else { self.next + 1 };
        self.count = (self.count + 1).min(model.ring);
        self.pending += 1;
        self.due -= 1;
        self.carried = (self.carried + 1).min(model.window);
    }

    /// The same pairs, as they count once the pending ones are in the matrix.
    pub fn without_pending(&self) -> Pairs {
        Pairs { pending: 0, ..*self }
    }

    /// The matrices have everything now. Without momentum nothing else is kept: the first place is next.
    pub fn written(&mut self, model: &Model) {
        self.pending = 0;
        self.due = model.defer;
        if model.window == 0 {
            self.count = 0;
            self.next = 0;
        }
    }
}

/// Writes a row of a ring.
unsafe fn put(ring: *mut f32, columns: usize, place: usize, values: *const f32, factor: f32) {
    unsafe {
        let factor = F32x4::splat(factor);
        let row = ring.add(place / PANEL * PANEL * columns + place % PANEL * LANES);
        for column in (0..columns).step_by(LANES) {
            F32x4::load(values.add(column)).mul(factor).store(row.add(column * PANEL));
        }
    }
}

/// Copies a half of the pairs, zero where it is not pending; of panels without anything pending, nothing. Says which those are not.
///
/// # Safety
/// `to` has room for the ring.
pub unsafe fn copy_pending(pairs: &Pairs, ring: u32, from: Matrix, to: *mut f32) -> (Matrix, u32) {
    let mut live = 0;
    for place in 0..from.rows {
        live |= u32::from(pairs.is_pending(place as u32, ring)) << (place / PANEL);
    }
    for place in (0..from.rows).filter(|place| live >> (place / PANEL) & 1 != 0) {
        let factor = F32x4::splat(if pairs.is_pending(place as u32, ring) { 1.0 } else { 0.0 });
        let row = place / PANEL * PANEL * from.columns + place % PANEL * LANES;
        for column in (0..from.columns).step_by(LANES) {
            let at = row + column * PANEL;
            unsafe { F32x4::load(from.weights.add(at)).mul(factor).store(to.add(at)) };
        }
    }
    (Matrix { weights: to, ..from }, live)
}
