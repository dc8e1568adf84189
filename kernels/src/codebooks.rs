//! Weights that are places in the codebook of their matrix, and the passes that only read them.
//!
//! Places lie in groups of four quads (`tables`). Of a whole matrix a group is a tile of four rows by four columns, and the tiles of
//! four rows follow each other; rows are padded to whole tiles. Of a pruned one (`sparse`) a group is four quads of a row that are
//! kept; rows begin with a group of their own, and entries of the index without a weight fill the last one. The bytes that masters have
//! beside their centroids lie apart, in the order of the quads.

use crate::codebook_learning::CENTROIDS_EVERY;
use crate::format_f32::PANEL;
use crate::integers::I32x4;
use crate::model::{Scratch, Weights};
use crate::narrow::{Learning, Use};
use crate::sparse::{LANES_OF, column_of, lanes_of};
use crate::stored::{Stored, format, pruned};
use crate::tables::{GROUP, Table, Table4, Table16};
use crate::terms::Term;
use crate::vector::{F32x4, LANES};

/// Centroids of the largest codebook.
pub const MOST_CENTROIDS: usize = 16;

/// A matrix of places.
#[derive(Clone, Copy)]
pub struct Codebook {
    pub places: *mut u8,
    /// What each master has beside its centroid, in steps.
    pub rests: *mut i8,
    /// Ascending: 16 or 4; and the step.
    pub centroids: *mut f32,
    pub scale: *mut f32,
    /// Bits of a place: 4 or 2.
    pub bits: usize,
    pub rows: usize,
    /// Padded; and without padding.
    pub columns: usize,
    pub length: usize,
    /// Which quads are kept; null where all are.
    pub starts: *const u32,
    pub index: *const u16,
    /// Whether quads are kept in part.
    pub partial: bool,
    /// Whether centroids follow their weights in this step.
    pub follows: bool,
}

impl Stored<'_> {
    /// The matrix for the passes of codebooks.
    pub fn codebook(&self) -> Codebook {
        let Weights { values, lower, scale, centroids, starts, index, .. } = self.weights;
        Codebook {
            places: values.cast(),
            rests: lower.cast(),
            centroids,
            scale,
            bits: if self.model.format == format::CODEBOOK4 { 4 } else { 2 },
            rows: self.rows,
            columns: self.columns,
            length: self.length,
            starts,
            index,
            partial: self.model.pruned == pruned::PARTLY,
            // What is deferred is written at one of as many steps.
            follows: self.model.turn.wrapping_add(self.unit) % CENTROIDS_EVERY < self.model.defer.max(1),
        }
    }

    /// W += the terms in its codebook; out = W times what `with` says.
    ///
    /// # Safety
    /// As `Stored::learn`.
    #[inline(always)]
    pub unsafe fn learn_in_codebook<T: Term>(self, scratch: Scratch, learning: Learning<T>, with: Use, out: *mut f32) {
        let codebook = self.codebook();
        unsafe {
            if let Use::Old(e) = with {
                codebook.product(e, out);
            }
            if codebook.is_pruned() {
                codebook.learn_kept(learning, scratch.words);
            } else {
                codebook.learn(learning, scratch.words);
            }
            if let Use::Updated(next) = with {
                codebook.product(next, out);
            }
        }
    }
}

/// Runs an expression with the table of a codebook.
macro_rules! with_table {
    ($codebook:expr, $table:ident => $run:expr) => {
        if $codebook.bits == 4 {
            let $table = Table16::load($codebook.centroids);
            $run
        } else {
            let $table = Table4::load($codebook.centroids);
            $run
        }
    };
}

impl Codebook {
    pub fn is_pruned(&self) -> bool {
        !self.starts.is_null()
    }

    /// Where the group of a quad begins.
    ///
    /// # Safety
    /// There is such a quad.
    #[inline(always)]
    pub unsafe fn group<T: Table>(&self, quad: usize) -> *mut u8 {
        unsafe { self.places.add(quad / GROUP * T::BYTES) }
    }

    /// Where the entries of a row of a pruned matrix begin and end in the index.
    ///
    /// # Safety
    /// There is such a row, and the matrix is pruned.
    #[inline(always)]
    pub unsafe fn range(&self, row: usize) -> (usize, usize) {
        unsafe { (*self.starts.add(row) as usize, *self.starts.add(row + 1) as usize) }
    }

    /// out = W x.
    ///
    /// # Safety
    /// `x` has `columns` values, `out` has `rows`, and no other thread writes to the matrix; so with all of these.
    #[inline(never)]
    pub unsafe fn product(self, x: *const f32, out: *mut f32) {
        unsafe {
            if self.is_pruned() {
                with_table!(self, table => self.product_of_kept(table, x, out));
            } else {
                with_table!(self, table => self.product_of_all(table, x, out));
            }
        }
    }

    /// out = sum over rows of c_row W_row.
    ///
    /// # Safety
    /// As `product`; `c` has `rows` values, `out` has `columns`, those of padding become 0.
    #[inline(never)]
    pub unsafe fn combine(self, c: *const f32, out: *mut f32) {
        unsafe {
            for column in (0..self.columns).step_by(LANES) {
                F32x4::splat(0.0).store(out.add(column));
            }
            if self.is_pruned() {
                with_table!(self, table => self.combine_kept(table, c, out));
            } else {
                with_table!(self, table => self.combine_all(table, c, out));
            }
            // The places of padding are centroids, too.
            for column in self.length..self.columns {
                *out.add(column) = 0.0;
            }
        }
    }

    #[inline(always)]
    unsafe fn product_of_all<T: Table>(&self, table: T, x: *const f32, out: *mut f32) {
        unsafe {
            let mut at = self.places.cast_const();
            for row in (0..self.rows).step_by(PANEL) {
                let mut sums = [F32x4::splat(0.0); PANEL];
                for column in (0..self.columns).step_by(2 * LANES) {
                    let [low, high] = table.two_groups(at);
                    let (x_low, x_high) = (F32x4::load(x.add(column)), F32x4::load(x.add(column + LANES)));
                    for i in 0..PANEL {
                        sums[i] = sums[i].madd(low[i], x_low).madd(high[i], x_high);
                    }
                    at = at.add(2 * T::BYTES);
                }
                for (i, sum) in sums.into_iter().enumerate().take(self.rows - row) {
                    *out.add(row + i) = sum.sum();
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn combine_all<T: Table>(&self, table: T, c: *const f32, out: *mut f32) {
        unsafe {
            let mut at = self.places.cast_const();
            for row in (0..self.rows).step_by(PANEL) {
                let factors: [F32x4; PANEL] =
                    core::array::from_fn(|i| F32x4::splat(if row + i < self.rows { *c.add(row + i) } else { 0.0 }));
                for column in (0..self.columns).step_by(2 * LANES) {
                    let groups = table.two_groups(at);
                    for (i, group) in groups.into_iter().enumerate() {
                        let to = out.add(column + i * LANES);
                        let sum = F32x4::load(to);
                        factors.into_iter().zip(group).fold(sum, |sum, (factor, w)| sum.madd(factor, w)).store(to);
                    }
                    at = at.add(2 * T::BYTES);
                }
            }
        }
    }

    /// Visits the quads of a row that is pruned, what is not kept of them 0.
    #[inline(always)]
    unsafe fn each_kept<T: Table>(&self, table: T, row: usize, mut visit: impl FnMut(usize, F32x4)) {
        unsafe {
            let (begin, end) = self.range(row);
            for first in (begin..end).step_by(GROUP) {
                let group = table.group(self.group::<T>(first));
                let is_last = first + GROUP == end;
                for (i, weights) in group.into_iter().enumerate() {
                    let entry = *self.index.add(first + i);
                    if is_last && lanes_of(entry) == 0 {
                        break;
                    }
                    let kept = I32x4::load(LANES_OF[lanes_of(entry)].as_ptr());
                    let weights = if self.partial { I32x4::bits_of(weights).and(kept).as_floats() } else { weights };
                    visit(column_of(entry), weights);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn product_of_kept<T: Table>(&self, table: T, x: *const f32, out: *mut f32) {
        unsafe {
            for row in 0..self.rows {
                let mut sum = F32x4::splat(0.0);
                self.each_kept(table, row, |column, weights| sum = sum.madd(weights, F32x4::load(x.add(column))));
                *out.add(row) = sum.sum();
            }
        }
    }

    #[inline(always)]
    unsafe fn combine_kept<T: Table>(&self, table: T, c: *const f32, out: *mut f32) {
        unsafe {
            for row in 0..self.rows {
                let factor = F32x4::splat(*c.add(row));
                self.each_kept(table, row, |column, weights| {
                    let to = out.add(column);
                    F32x4::load(to).madd(factor, weights).store(to);
                });
            }
        }
    }
}
