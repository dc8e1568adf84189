//! What an update adds to the rows of a matrix, before it is rounded.

use crate::format_f32::{Matrix, PANEL};
use crate::vector::{F32x4, LANES};

/// Rank-1 terms, with momentum or without, or a sum of deferred ones.
pub trait Term: Copy {
    /// Quads of columns that are made at once.
    const QUADS: usize = 1;
    /// Whether `bound` knows one.
    const BOUNDED: bool = false;

    /// No term of a row is larger, where no value of the update's vector is larger than `most`; `common` is `of_row`.
    fn bound(_common: F32x4, _most: f32) -> f32 {
        f32::INFINITY
    }

    /// What a row's terms have in common, times `factor`.
    ///
    /// # Safety
    /// The row is there; so with all of these.
    unsafe fn of_row(self, row: usize, factor: f32) -> F32x4;

    /// The terms of `R` rows from `row` on at four columns. `x` is the update's vector there, `quad` the first row's place in the
    /// matrix; the next rows follow it. Momentum moves on.
    ///
    /// # Safety
    /// As `of_row`.
    unsafe fn add<const R: usize>(
        self,
        common: &[F32x4; R],
        x: F32x4,
        row: usize,
        column: usize,
        quad: usize,
    ) -> [F32x4; R];

    /// The same at `QUADS` quads of columns; `right` is the update's vector.
    ///
    /// # Safety
    /// As `of_row`.
    #[inline(always)]
    unsafe fn add_quads<const R: usize>(
        self,
        common: &[F32x4; R],
        right: *const f32,
        row: usize,
        column: usize,
        quad: usize,
    ) -> [[F32x4; R]; 2] {
        let terms = unsafe { self.add(common, F32x4::load(right.add(column)), row, column, quad) };
        [terms, [F32x4::splat(0.0); R]]
    }

    /// The same for one row, once momentum has moved on.
    ///
    /// # Safety
    /// As `of_row`.
    unsafe fn again(self, common: F32x4, x: F32x4, row: usize, column: usize, quad: usize) -> F32x4;
}

/// left right'.
#[derive(Clone, Copy)]
pub struct Outer {
    pub left: *const f32,
}

impl Term for Outer {
    const BOUNDED: bool = true;

    #[inline(always)]
    fn bound(common: F32x4, most: f32) -> f32 {
        common.first().abs() * most
    }
    #[inline(always)]
    unsafe fn of_row(self, row: usize, factor: f32) -> F32x4 {
        F32x4::splat(unsafe { *self.left.add(row) } * factor)
    }
    #[inline(always)]
    unsafe fn add<const R: usize>(self, common: &[F32x4; R], x: F32x4, _: usize, _: usize, _: usize) -> [F32x4; R] {
        core::array::from_fn(|i| common[i].mul(x))
    }
    #[inline(always)]
    unsafe fn again(self, common: F32x4, x: F32x4, _: usize, _: usize, _: usize) -> F32x4 {
        common.mul(x)
    }
}

/// M = left right' + mu M. The steps of fixed point come in behind the momentum.
#[derive(Clone, Copy)]
pub struct WithMomentum {
    pub left: *const f32,
    pub mu: f32,
    pub momentum: *mut f32,
}

impl Term for WithMomentum {
    #[inline(always)]
    unsafe fn of_row(self, row: usize, factor: f32) -> F32x4 {
        // Two numbers of a row: lane 0 and lane 1.
        let both = [unsafe { *self.left.add(row) }, factor, 0.0, 0.0];
        unsafe { F32x4::load(both.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn add<const R: usize>(self, common: &[F32x4; R], x: F32x4, _: usize, _: usize, quad: usize) -> [F32x4; R] {
        core::array::from_fn(|i| unsafe {
            let at = self.momentum.add((quad + i) * LANES);
            let [left, factor, ..] = common[i].lanes();
            let momentum = left.mul(x).add(F32x4::splat(self.mu).mul(F32x4::load(at)));
            momentum.store(at);
            momentum.mul(factor)
        })
    }
    #[inline(always)]
    unsafe fn again(self, common: F32x4, _: F32x4, _: usize, _: usize, quad: usize) -> F32x4 {
        unsafe { F32x4::load(self.momentum.add(quad * LANES)).mul(common.lanes()[1]) }
    }
}

/// left' right: a row of both for each term, whole panels of which only those with a bit in `live` count.
#[derive(Clone, Copy)]
pub struct Pending {
    pub left: Matrix,
    pub right: Matrix,
    pub live: u32,
}

impl Term for Pending {
    const QUADS: usize = 2;

    #[inline(always)]
    unsafe fn of_row(self, _: usize, factor: f32) -> F32x4 {
        F32x4::splat(factor)
    }
    #[inline(always)]
    unsafe fn add<const R: usize>(
        self,
        common: &[F32x4; R],
        _: F32x4,
        row: usize,
        column: usize,
        _: usize,
    ) -> [F32x4; R] {
        let [sum] = unsafe { self.sums::<R, 1>(row, column) };
        core::array::from_fn(|i| sum[i].mul(common[i]))
    }
    #[inline(always)]
    unsafe fn add_quads<const R: usize>(
        self,
        common: &[F32x4; R],
        _: *const f32,
        row: usize,
        column: usize,
        _: usize,
    ) -> [[F32x4; R]; 2] {
        // Side by side: what is loaded of a row serves both.
        let sums = unsafe { self.sums::<R, 2>(row, column) };
        sums.map(|sum| core::array::from_fn(|i| sum[i].mul(common[i])))
    }
    #[inline(always)]
    unsafe fn again(self, common: F32x4, x: F32x4, row: usize, column: usize, quad: usize) -> F32x4 {
        unsafe { self.add::<1>(&[common], x, row, column, quad)[0] }
    }
}

impl Pending {
    /// The terms of `R` rows at `N` quads of columns, summed.
    #[inline(always)]
    unsafe fn sums<const R: usize, const N: usize>(self, row: usize, column: usize) -> [[F32x4; R]; N] {
        let mut sums = [[F32x4::splat(0.0); R]; N];
        for terms in (0..self.left.rows / PANEL).filter(|panel| self.live >> panel & 1 != 0) {
            unsafe {
                let l = self.left.weights.add((terms * self.left.columns + row / LANES * LANES) * PANEL + row % LANES);
                let r = self.right.weights.add((terms * self.right.columns + column) * PANEL);
                for term in 0..PANEL {
                    let left: [F32x4; R] = if R == LANES {
                        let lanes = F32x4::load(l.add(term * LANES)).lanes();
                        core::array::from_fn(|i| lanes[i])
                    } else {
                        core::array::from_fn(|i| F32x4::splat(*l.add(term * LANES + i)))
                    };
                    for (quad, sum) in sums.iter_mut().enumerate() {
                        let right = F32x4::load(r.add((quad * PANEL + term) * LANES));
                        for (sum, left) in sum.iter_mut().zip(left) {
                            *sum = sum.madd(left, right);
                        }
                    }
                }
            }
        }
        sums
    }
}
