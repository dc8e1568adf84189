//! The passes over narrow weights that lie as f32 do, in panels of four rows (`format_f32`), four columns of a row at a time.

use crate::format_f32::PANEL;
use crate::formats::{MOST_STEPS, PART, Quads};
use crate::integers::I32x4;
use crate::noise::Words;
use crate::terms::Term;
use crate::vector::{F32x4, LANES};

/// A matrix in panels.
#[derive(Clone, Copy)]
pub struct Panels<Q> {
    pub quads: Q,
    /// Of fixed point: a step of each row.
    pub scale: *mut f32,
    pub rows: usize,
    /// Padded.
    pub columns: usize,
}

/// What a matrix learns, and how it is rounded.
#[derive(Clone, Copy)]
pub struct Learning<T> {
    pub term: T,
    /// The update's vector, as long as the rows.
    pub right: *const f32,
    pub words: Words,
    /// The words of all columns.
    pub column_words: *const u32,
}

/// Which weights are multiplied with what while the matrix learns.
#[derive(Clone, Copy)]
pub enum Use {
    /// The updated ones, with this vector.
    Updated(*const f32),
    /// Those before the update, with this one.
    Old(*const f32),
    /// None.
    Nothing,
}

impl Use {
    /// The same with another vector.
    pub fn map(self, mut other: impl FnMut(*const f32) -> *const f32) -> Self {
        match self {
            Use::Updated(vector) => Use::Updated(other(vector)),
            Use::Old(vector) => Use::Old(other(vector)),
            Use::Nothing => Use::Nothing,
        }
    }
}

impl<Q: Quads> Panels<Q> {
    /// What a row's sums are multiplied with.
    unsafe fn unit(&self, row: usize) -> f32 {
        if Q::FIXED { unsafe { *self.scale.add(row) * Q::UNIT } } else { 1.0 }
    }

    /// out = W x.
    ///
    /// # Safety
    /// `x` has `columns` values, `out` has `rows`, and no other thread writes to the matrix; so with all of these.
    pub unsafe fn product(self, x: *const f32, out: *mut f32) {
        let panels = self.rows / PANEL;
        unsafe {
            let mut quad = 0;
            for panel in 0..panels {
                let mut sum = [F32x4::splat(0.0); PANEL];
                for column in (0..self.columns).step_by(LANES) {
                    let x = F32x4::load(x.add(column));
                    for (row, sum) in sum.iter_mut().enumerate() {
                        *sum = sum.madd(self.quads.read(quad + row), x);
                    }
                    quad += PANEL;
                }
                for (i, sum) in sum.into_iter().enumerate() {
                    let row = panel * PANEL + i;
                    *out.add(row) = sum.sum() * self.unit(row);
                }
            }
            for row in panels * PANEL..self.rows {
                *out.add(row) = self.row_product::<1>(row, quad, x);
                quad += self.columns / LANES;
            }
        }
    }

    /// A row times x; its quads are `R` apart.
    unsafe fn row_product<const R: usize>(&self, row: usize, mut quad: usize, x: *const f32) -> f32 {
        unsafe {
            let mut sum = F32x4::splat(0.0);
            for column in (0..self.columns).step_by(LANES) {
                sum = sum.madd(self.quads.read(quad), F32x4::load(x.add(column)));
                quad += R;
            }
            sum.sum() * self.unit(row)
        }
    }

    /// out = sum over rows of c_row W_row.
    ///
    /// # Safety
    /// As `product`; `c` has `rows` values, `out` has `columns`.
    pub unsafe fn combine(self, c: *const f32, out: *mut f32) {
        const WIDE: usize = 8;
        let mut column = 0;
        unsafe {
            while column + WIDE * LANES <= self.columns {
                self.combine_block::<WIDE>(c, out, column);
                column += WIDE * LANES;
            }
            while column < self.columns {
                self.combine_block::<2>(c, out, column);
                column += 2 * LANES;
            }
        }
    }

    #[inline(always)]
    unsafe fn combine_block<const N: usize>(&self, c: *const f32, out: *mut f32, column: usize) {
        unsafe {
            let mut sum = [F32x4::splat(0.0); N];
            let panels = self.rows / PANEL;
            for panel in 0..panels {
                let first = (panel * PANEL * self.columns + column * PANEL) / LANES;
                let factor: [F32x4; PANEL] = core::array::from_fn(|i| {
                    let row = panel * PANEL + i;
                    F32x4::splat(*c.add(row) * self.unit(row))
                });
                for (i, sum) in sum.iter_mut().enumerate() {
                    for (row, factor) in factor.into_iter().enumerate() {
                        *sum = sum.madd(factor, self.quads.read(first + i * PANEL + row));
                    }
                }
            }
            for row in panels * PANEL..self.rows {
                let first = (row * self.columns + column) / LANES;
                let factor = F32x4::splat(*c.add(row) * self.unit(row));
                for (i, sum) in sum.iter_mut().enumerate() {
                    *sum = sum.madd(factor, self.quads.read(first + i));
                }
            }
            for (i, sum) in sum.into_iter().enumerate() {
                sum.store(out.add(column + i * LANES));
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
            let panels = self.rows / PANEL;
            for panel in 0..panels {
                self.learn_rows::<T, PANEL>(&learning, with, panel * PANEL, out);
            }
            for row in panels * PANEL..self.rows {
                self.learn_rows::<T, 1>(&learning, with, row, out);
            }
        }
    }

    #[inline(always)]
    unsafe fn learn_rows<T: Term, const R: usize>(&self, learning: &Learning<T>, with: Use, row: usize, out: *mut f32) {
        unsafe {
            let Learning { term, right, words, column_words } = *learning;
            let parts: [f32; R] =
                core::array::from_fn(|i| if Q::FIXED { PART / *self.scale.add(row + i) } else { 1.0 });
            let common: [F32x4; R] = core::array::from_fn(|i| term.of_row(row + i, parts[i]));
            let row_words: [I32x4; R] = core::array::from_fn(|i| words.row(row + i));
            let units: [f32; R] = core::array::from_fn(|i| self.unit(row + i));
            let mut sum = [F32x4::splat(0.0); R];
            let mut most = [I32x4::splat(0); R];
            let first = row * self.columns / LANES;
            let mut quad = first;
            for column in (0..self.columns).step_by(T::QUADS * LANES) {
                let quads = term.add_quads::<R>(&common, right, row, column, quad);
                for (i, terms) in quads.into_iter().take(T::QUADS).enumerate() {
                    let column = column + i * LANES;
                    let noise = I32x4::load(column_words.add(column));
                    let used = match with {
                        Use::Updated(vector) | Use::Old(vector) => F32x4::load(vector.add(column)),
                        Use::Nothing => F32x4::splat(0.0),
                    };
                    for i in 0..R {
                        if let Use::Old(_) = with {
                            sum[i] = sum[i].madd(self.quads.read(quad + i), used);
                        }
                        let updated = self.quads.add(quad + i, terms[i], noise.xor(row_words[i]), &mut most[i]);
                        if let Use::Updated(_) = with {
                            sum[i] = sum[i].madd(updated, used);
                        }
                    }
                    quad += R;
                }
            }
            for i in 0..R {
                let mut product = sum[i].sum() * units[i];
                if Q::FIXED && most[i].largest() > MOST_STEPS {
                    self.double::<T, R>(learning, row + i, first + i, common[i]);
                    if let Use::Updated(next) = with {
                        product = self.row_product::<R>(row + i, first + i, next);
                    }
                }
                if !matches!(with, Use::Nothing) {
                    *out.add(row + i) = product;
                }
            }
        }
    }

    /// Doubles the scale of a row that has grown beyond it.
    #[cold]
    unsafe fn double<T: Term, const R: usize>(
        &self,
        learning: &Learning<T>,
        row: usize,
        mut quad: usize,
        common: F32x4,
    ) {
        unsafe {
            let words = learning.words.row(row);
            for column in (0..self.columns).step_by(LANES) {
                let x = F32x4::load(learning.right.add(column));
                let noise = I32x4::load(learning.column_words.add(column)).xor(words);
                let term = learning.term.again(common, x, row, column, quad);
                self.quads.halve(quad, term, noise);
                quad += R;
            }
            *self.scale.add(row) *= 2.0;
        }
    }
}
