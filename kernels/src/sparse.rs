//! The passes over pruned weights: of each row the quads of columns in which anything is kept, one after another.

use crate::formats::{MOST_STEPS, PART, Quads};
use crate::integers::I32x4;
use crate::narrow::{Learning, Use};
use crate::terms::Term;
use crate::vector::{F32x4, LANES};

/// Of an entry of the index, the bits that are the quad's number in its row; the others say which of its weights are kept.
const COLUMN_BITS: u32 = 12;

/// The first column of the quad of an entry.
#[inline(always)]
pub fn column_of(entry: u16) -> usize {
    usize::from(entry & ((1 << COLUMN_BITS) - 1)) * LANES
}

/// Which of its weights are kept: a bit each.
#[inline(always)]
pub fn lanes_of(entry: u16) -> usize {
    usize::from(entry >> COLUMN_BITS)
}

/// All bits of the lanes whose bit is set.
pub const LANES_OF: [[u32; 4]; 16] = {
    let mut out = [[0; 4]; 16];
    let mut i = 0;
    while i < 64 {
        out[i / 4][i % 4] = if (i / 4) >> (i % 4) & 1 == 1 { u32::MAX } else { 0 };
        i += 1;
    }
    out
};

/// A pruned matrix.
#[derive(Clone, Copy)]
pub struct Kept<Q> {
    pub quads: Q,
    /// Of fixed point: a step of each row.
    pub scale: *mut f32,
    /// rows + 1 places in the index: where each row's quads begin.
    pub starts: *const u32,
    /// Which columns, and which of their weights: four bits above the quad's number.
    pub index: *const u16,
    pub rows: usize,
    /// Padded.
    pub columns: usize,
    /// Whether quads are kept in part.
    pub partial: bool,
}

impl<Q: Quads> Kept<Q> {
    unsafe fn unit(&self, row: usize) -> f32 {
        if Q::FIXED { unsafe { *self.scale.add(row) * Q::UNIT } } else { 1.0 }
    }

    unsafe fn range(&self, row: usize) -> (usize, usize) {
        unsafe { (*self.starts.add(row) as usize, *self.starts.add(row + 1) as usize) }
    }

    #[inline(always)]
    unsafe fn column(&self, quad: usize) -> usize {
        unsafe { column_of(*self.index.add(quad)) }
    }

    #[inline(always)]
    unsafe fn lanes(&self, quad: usize) -> I32x4 {
        unsafe { I32x4::load(LANES_OF[lanes_of(*self.index.add(quad))].as_ptr()) }
    }

    /// out = W x.
    ///
    /// # Safety
    /// `x` has `columns` values, `out` has `rows`, and no other thread writes to the matrix; so with all of these.
    pub unsafe fn product(self, x: *const f32, out: *mut f32) {
        unsafe {
            for row in 0..self.rows {
                *out.add(row) = self.row_product(row, x);
            }
        }
    }

    #[inline(always)]
    unsafe fn row_product(&self, row: usize, x: *const f32) -> f32 {
        unsafe {
            let (begin, end) = self.range(row);
            let mut sum = [F32x4::splat(0.0); 2];
            let mut quad = begin;
            while quad + 1 < end {
                for (i, sum) in sum.iter_mut().enumerate() {
                    *sum = sum.madd(self.quads.read(quad + i), F32x4::load(x.add(self.column(quad + i))));
                }
                quad += 2;
            }
            if quad < end {
                sum[0] = sum[0].madd(self.quads.read(quad), F32x4::load(x.add(self.column(quad))));
            }
            sum[0].add(sum[1]).sum() * self.unit(row)
        }
    }

    /// c_row times what a row's sums are multiplied with: what `combine` takes.
    ///
    /// # Safety
    /// `c` and `out` have `rows` values.
    pub unsafe fn in_units(self, c: *const f32, out: *mut f32) {
        for row in 0..self.rows {
            unsafe { *out.add(row) = *c.add(row) * self.unit(row) };
        }
    }

    /// out = sum over rows of c_row times what products read of them.
    ///
    /// # Safety
    /// As `product`; `c` has `rows` values, `out` has `columns`.
    pub unsafe fn combine(self, c: *const f32, out: *mut f32) {
        unsafe {
            for column in (0..self.columns).step_by(LANES) {
                F32x4::splat(0.0).store(out.add(column));
            }
            for row in 0..self.rows {
                let factor = F32x4::splat(*c.add(row));
                let (begin, end) = self.range(row);
                for quad in begin..end {
                    let to = out.add(self.column(quad));
                    F32x4::load(to).madd(factor, self.quads.read(quad)).store(to);
                }
            }
        }
    }

    /// W += the terms, and out = W times what `with` says.
    ///
    /// # Safety
    /// As `product`; no other thread touches the matrix.
    #[inline(always)]
    pub unsafe fn learn<T: Term>(self, learning: Learning<T>, with: Use, out: *mut f32) {
        unsafe {
            if self.partial {
                self.learn_all::<T, true>(&learning, with, out);
            } else {
                self.learn_all::<T, false>(&learning, with, out);
            }
        }
    }

    #[inline(always)]
    unsafe fn learn_all<T: Term, const PARTIAL: bool>(&self, learning: &Learning<T>, with: Use, out: *mut f32) {
        unsafe {
            let Learning { term, right, words, column_words } = *learning;
            for row in 0..self.rows {
                let part = if Q::FIXED { PART / *self.scale.add(row) } else { 1.0 };
                let common = term.of_row(row, part);
                let row_words = words.row(row);
                let unit = self.unit(row);
                let mut sum = F32x4::splat(0.0);
                let mut most = I32x4::splat(0);
                let (begin, end) = self.range(row);
                for quad in begin..end {
                    let column = self.column(quad);
                    let x = self.vector::<PARTIAL>(right, quad, column);
                    let noise = I32x4::load(column_words.add(column)).xor(row_words);
                    let [added] = term.add::<1>(&[common], x, row, column, quad);
                    if let Use::Old(e) = with {
                        sum = sum.madd(self.quads.read(quad), F32x4::load(e.add(column)));
                    }
                    let updated = self.quads.add(quad, added, noise, &mut most);
                    if let Use::Updated(next) = with {
                        sum = sum.madd(updated, F32x4::load(next.add(column)));
                    }
                }
                let mut product = sum.sum() * unit;
                if Q::FIXED && most.largest() > MOST_STEPS {
                    self.double::<T, PARTIAL>(learning, row, common);
                    if let Use::Updated(next) = with {
                        product = self.row_product(row, next);
                    }
                }
                if !matches!(with, Use::Nothing) {
                    *out.add(row) = product;
                }
            }
        }
    }

    /// Four values of the update's vector, 0 where the weight is pruned: what is 0 stays so.
    #[inline(always)]
    unsafe fn vector<const PARTIAL: bool>(&self, right: *const f32, quad: usize, column: usize) -> F32x4 {
        unsafe {
            let x = F32x4::load(right.add(column));
            if PARTIAL { I32x4::bits_of(x).and(self.lanes(quad)).as_floats() } else { x }
        }
    }

    #[cold]
    unsafe fn double<T: Term, const PARTIAL: bool>(&self, learning: &Learning<T>, row: usize, common: F32x4) {
        unsafe {
            let words = learning.words.row(row);
            let (begin, end) = self.range(row);
            for quad in begin..end {
                let column = self.column(quad);
                let x = self.vector::<PARTIAL>(learning.right, quad, column);
                let noise = I32x4::load(learning.column_words.add(column)).xor(words);
                let term = learning.term.again(common, x, row, column, quad);
                self.quads.halve(quad, term, noise);
            }
            *self.scale.add(row) *= 2.0;
        }
    }
}
