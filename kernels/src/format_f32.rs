//! Weights in f32: the passes that read and write them, and nothing else.
//!
//! A matrix is stored in panels of four rows: the four rows' first four columns, their next four columns ..., so that a pass
//! is one linear stream. The rows left over when the count is no multiple of four follow one by one. Columns are padded to a
//! multiple of eight, and all vectors that meet them are zero there. A momentum matrix has the same layout.
//!
//! Passes are not inlined: all loops in one function are more than a compiler keeps in registers.

use crate::vector::{F32x4, LANES};

/// Rows of a panel.
pub const PANEL: usize = 4;
/// Columns are a multiple of this.
pub const COLUMNS: usize = 2 * LANES;

/// A matrix and, under rule 2016, its momentum.
#[derive(Clone, Copy)]
pub struct Matrix {
    pub weights: *mut f32,
    /// Null without momentum.
    pub momentum: *mut f32,
    pub rows: usize,
    /// Padded.
    pub columns: usize,
}

/// out = W x.
///
/// # Safety
/// `x` has `columns` values, `out` has `rows`, and no other thread writes to the matrix.
#[inline(never)]
pub unsafe fn product(matrix: Matrix, x: *const f32, out: *mut f32) {
    unsafe {
        let mut w = matrix.weights.cast_const();
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let mut sum = [F32x4::splat(0.0); 2 * PANEL];
            for column in (0..matrix.columns).step_by(COLUMNS) {
                let low = F32x4::load(x.add(column));
                let high = F32x4::load(x.add(column + LANES));
                for row in 0..PANEL {
                    sum[row] = sum[row].madd(F32x4::load(w.add(row * LANES)), low);
                    sum[PANEL + row] = sum[PANEL + row].madd(F32x4::load(w.add((PANEL + row) * LANES)), high);
                }
                w = w.add(2 * PANEL * LANES);
            }
            for row in 0..PANEL {
                *out.add(panel * PANEL + row) = sum[row].add(sum[PANEL + row]).sum();
            }
        }
        for row in panels * PANEL..matrix.rows {
            let mut sum = [F32x4::splat(0.0); 2];
            for column in (0..matrix.columns).step_by(COLUMNS) {
                sum[0] = sum[0].madd(F32x4::load(w), F32x4::load(x.add(column)));
                sum[1] = sum[1].madd(F32x4::load(w.add(LANES)), F32x4::load(x.add(column + LANES)));
                w = w.add(COLUMNS);
            }
            *out.add(row) = sum[0].add(sum[1]).sum();
        }
    }
}

/// out = sum over rows of c_row W_row: the product with a matrix that is stored transposed.
///
/// # Safety
/// `c` has `rows` values, `out` has `columns`, and no other thread writes to the matrix.
#[inline(never)]
pub unsafe fn combine(matrix: Matrix, c: *const f32, out: *mut f32) {
    unsafe { combine_all::<false>(matrix, c, out) }
}

/// out += the same.
///
/// # Safety
/// As `combine`.
#[inline(never)]
pub unsafe fn add_combined(matrix: Matrix, c: *const f32, out: *mut f32) {
    unsafe { combine_all::<true>(matrix, c, out) }
}

#[inline(always)]
unsafe fn combine_all<const ADD: bool>(matrix: Matrix, c: *const f32, out: *mut f32) {
    const WIDE: usize = 8;
    let mut column = 0;
    unsafe {
        while column + WIDE * LANES <= matrix.columns {
            combine_block::<WIDE, ADD>(matrix, c, out, column);
            column += WIDE * LANES;
        }
        while column < matrix.columns {
            combine_block::<2, ADD>(matrix, c, out, column);
            column += 2 * LANES;
        }
    }
}

/// `N` vectors of columns, held in registers while the rows go by.
#[inline(always)]
unsafe fn combine_block<const N: usize, const ADD: bool>(matrix: Matrix, c: *const f32, out: *mut f32, column: usize) {
    unsafe {
        let mut sum: [F32x4; N] =
            core::array::from_fn(|i| if ADD { F32x4::load(out.add(column + i * LANES)) } else { F32x4::splat(0.0) });
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let w = matrix.weights.add(panel * PANEL * matrix.columns + column * PANEL);
            for row in 0..PANEL {
                let factor = F32x4::splat(*c.add(panel * PANEL + row));
                for (i, sum) in sum.iter_mut().enumerate() {
                    *sum = sum.madd(factor, F32x4::load(w.add((i * PANEL + row) * LANES)));
                }
            }
        }
        for row in panels * PANEL..matrix.rows {
            let w = matrix.weights.add(row * matrix.columns + column);
            let factor = F32x4::splat(*c.add(row));
            for (i, sum) in sum.iter_mut().enumerate() {
                *sum = sum.madd(factor, F32x4::load(w.add(i * LANES)));
            }
        }
        for (i, sum) in sum.into_iter().enumerate() {
            sum.store(out.add(column + i * LANES));
        }
    }
}

/// What happens to a weight when it learns.
trait Update {
    /// The weights `old`, which stand at `w` (momentum at `m`), after one more rank-1 term d x: stored and returned.
    ///
    /// # Safety
    /// Four f32 can be read and written at both.
    unsafe fn apply(&self, old: F32x4, w: *mut f32, m: *mut f32, d: F32x4, x: F32x4) -> F32x4;
}

/// W += d x.
struct Plain;

/// M = d x + mu M, W += M.
struct WithMomentum(F32x4);

impl Update for Plain {
    #[inline(always)]
    unsafe fn apply(&self, old: F32x4, w: *mut f32, _: *mut f32, d: F32x4, x: F32x4) -> F32x4 {
        unsafe {
            let updated = old.madd(d, x);
            updated.store(w);
            updated
        }
    }
}

impl Update for WithMomentum {
    #[inline(always)]
    unsafe fn apply(&self, old: F32x4, w: *mut f32, m: *mut f32, d: F32x4, x: F32x4) -> F32x4 {
        unsafe {
            let momentum = d.mul(x).madd(self.0, F32x4::load(m));
            momentum.store(m);
            let updated = old.add(momentum);
            updated.store(w);
            updated
        }
    }
}

/// W += d x', then out = W next: the encoder's one pass. `d` has the rate in it.
///
/// # Safety
/// `x` and `next` have `columns` values, `d` and `out` have `rows`; no other thread touches the matrix.
#[inline(never)]
pub unsafe fn update_product(matrix: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, out: *mut f32) {
    unsafe {
        if matrix.momentum.is_null() {
            stream(matrix, &Plain, |row| *d.add(row), x, Use::Updated(next), out);
        } else {
            let update = WithMomentum(F32x4::splat(mu));
            stream(matrix, &update, |row| *d.add(row), x, Use::Updated(next), out);
        }
    }
}

/// out = W e with the weights as they are, and W += c e': the decoder's first pass, stored hidden-major. `c` has the rate in it.
///
/// # Safety
/// `e` has `columns` values, `c` and `out` have `rows`; no other thread touches the matrix.
#[inline(never)]
pub unsafe fn product_update(matrix: Matrix, mu: f32, c: *const f32, e: *const f32, out: *mut f32) {
    unsafe {
        if matrix.momentum.is_null() {
            stream(matrix, &Plain, |row| *c.add(row), e, Use::Old, out);
        } else {
            let update = WithMomentum(F32x4::splat(mu));
            stream(matrix, &update, |row| *c.add(row), e, Use::Old, out);
        }
    }
}

/// Which weights the product is taken with, and what vector.
#[derive(Clone, Copy)]
enum Use {
    /// The updated ones, with this vector.
    Updated(*const f32),
    /// Those before the update, with the vector of the update itself.
    Old,
}

/// One linear pass: each weight is read once, written once, and counted into its row's sum.
#[inline(always)]
unsafe fn stream<U: Update>(
    matrix: Matrix,
    update: &U,
    factor: impl Fn(usize) -> f32,
    x: *const f32,
    with: Use,
    out: *mut f32,
) {
    unsafe {
        let mut w = matrix.weights;
        // Without momentum never followed, but moved along: it must point at something.
        let mut m = if matrix.momentum.is_null() { w } else { matrix.momentum };
        // Loaded once for all rows: the compiler must assume that a store to the weights changes what it has loaded.
        let vectors = |column: usize| {
            let here = F32x4::load(x.add(column));
            let used = if let Use::Updated(next) = with { F32x4::load(next.add(column)) } else { here };
            (here, used)
        };
        let visit = |w: *mut f32, m: *mut f32, d: F32x4, (here, used): (F32x4, F32x4), sum: F32x4| {
            let old = F32x4::load(w);
            let updated = update.apply(old, w, m, d, here);
            sum.madd(if let Use::Old = with { old } else { updated }, used)
        };
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let row = panel * PANEL;
            let d: [F32x4; PANEL] = core::array::from_fn(|i| F32x4::splat(factor(row + i)));
            let mut sum = [F32x4::splat(0.0); PANEL];
            for column in (0..matrix.columns).step_by(LANES) {
                let x = vectors(column);
                for i in 0..PANEL {
                    sum[i] = visit(w.add(i * LANES), m.add(i * LANES), d[i], x, sum[i]);
                }
                w = w.add(PANEL * LANES);
                m = m.add(PANEL * LANES);
            }
            for (i, sum) in sum.into_iter().enumerate() {
                *out.add(row + i) = sum.sum();
            }
        }
        for row in panels * PANEL..matrix.rows {
            let d = F32x4::splat(factor(row));
            let mut sum = [F32x4::splat(0.0); 2];
            for column in (0..matrix.columns).step_by(COLUMNS) {
                sum[0] = visit(w, m, d, vectors(column), sum[0]);
                sum[1] = visit(w.add(LANES), m.add(LANES), d, vectors(column + LANES), sum[1]);
                w = w.add(COLUMNS);
                m = m.add(COLUMNS);
            }
            *out.add(row) = sum[0].add(sum[1]).sum();
        }
    }
}

/// W += left' right, then out = W next, unless `next` is null: what was deferred is written. `left` and `right` have a row for each
/// term, a multiple of four; of their panels only those with a bit in `live` count.
///
/// # Safety
/// `left` has as many columns as the matrix has rows, padded; `right` and `next` have its columns; `out` has `rows`; no other thread
/// touches the matrix.
#[inline(never)]
pub unsafe fn add_outer(matrix: Matrix, (left, right): (Matrix, Matrix), live: u32, next: *const f32, out: *mut f32) {
    unsafe {
        if next.is_null() {
            add_all::<false>(matrix, (left, right), live, next, out);
        } else {
            add_all::<true>(matrix, (left, right), live, next, out);
        }
    }
}

#[inline(always)]
unsafe fn add_all<const USED: bool>(
    matrix: Matrix,
    (left, right): (Matrix, Matrix),
    live: u32,
    next: *const f32,
    out: *mut f32,
) {
    unsafe {
        let mut w = matrix.weights;
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let row = panel * PANEL;
            let mut sum = [F32x4::splat(0.0); PANEL];
            for column in (0..matrix.columns).step_by(COLUMNS) {
                // Eight registers of weights: four rows of eight columns.
                let mut block: [F32x4; 2 * PANEL] = core::array::from_fn(|i| F32x4::load(w.add(i * LANES)));
                for terms in 0..left.rows / PANEL {
                    if live >> terms & 1 == 0 {
                        continue;
                    }
                    let l = left.weights.add((terms * left.columns + row) * PANEL);
                    let r = right.weights.add((terms * right.columns + column) * PANEL);
                    for term in 0..PANEL {
                        let d = F32x4::load(l.add(term * LANES)).lanes();
                        let low = F32x4::load(r.add(term * LANES));
                        let high = F32x4::load(r.add((PANEL + term) * LANES));
                        for i in 0..PANEL {
                            block[i] = block[i].madd(d[i], low);
                            block[PANEL + i] = block[PANEL + i].madd(d[i], high);
                        }
                    }
                }
                for (i, value) in block.into_iter().enumerate() {
                    value.store(w.add(i * LANES));
                }
                if USED {
                    let low = F32x4::load(next.add(column));
                    let high = F32x4::load(next.add(column + LANES));
                    for i in 0..PANEL {
                        sum[i] = sum[i].madd(block[i], low).madd(block[PANEL + i], high);
                    }
                }
                w = w.add(2 * PANEL * LANES);
            }
            if USED {
                for (i, sum) in sum.into_iter().enumerate() {
                    *out.add(row + i) = sum.sum();
                }
            }
        }
        for row in panels * PANEL..matrix.rows {
            let mut sum = [F32x4::splat(0.0); 2];
            for column in (0..matrix.columns).step_by(COLUMNS) {
                let mut block = [F32x4::load(w), F32x4::load(w.add(LANES))];
                for term in 0..left.rows {
                    if live >> (term / PANEL) & 1 == 0 {
                        continue;
                    }
                    let panel = term / PANEL * PANEL;
                    let l = left.weights.add(panel * left.columns + row / LANES * LANES * PANEL + row % LANES);
                    let r = right.weights.add(panel * right.columns + column * PANEL + term % PANEL * LANES);
                    let d = F32x4::splat(*l.add(term % PANEL * LANES));
                    block[0] = block[0].madd(d, F32x4::load(r));
                    block[1] = block[1].madd(d, F32x4::load(r.add(PANEL * LANES)));
                }
                block[0].store(w);
                block[1].store(w.add(LANES));
                if USED {
                    sum[0] = sum[0].madd(block[0], F32x4::load(next.add(column)));
                    sum[1] = sum[1].madd(block[1], F32x4::load(next.add(column + LANES)));
                }
                w = w.add(COLUMNS);
            }
            if USED {
                *out.add(row) = sum[0].add(sum[1]).sum();
            }
        }
    }
}
