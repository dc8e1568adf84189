//! The passes over weights in vectors of eight.
//!
//! The layout is that of `kernels/src/format_f32.rs`: in a panel four columns of four rows stand together, so a vector of eight holds
//! four columns of two rows, and a vector of columns goes to both halves of a register.

use crate::single::{Matrix, PANEL};
use crate::vector::LANES;
use core::arch::x86_64::*;

/// f32 in a register.
const WIDE: usize = 2 * LANES;
/// Four columns of a panel.
const BLOCK: usize = PANEL * LANES;

/// Four values, twice.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn twice(from: *const f32) -> __m256 {
    unsafe { _mm256_broadcast_ps(&*from.cast::<__m128>()) }
}

/// One value in the lower half, the next in the upper.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn spread(from: *const f32) -> __m256 {
    unsafe { _mm256_set_m128(_mm_set1_ps(*from.add(1)), _mm_set1_ps(*from)) }
}

/// The sum of four lanes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum4(v: __m128) -> f32 {
    let half = _mm_add_ps(v, _mm_movehl_ps(v, v));
    _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps::<1>(half, half)))
}

/// Both halves added.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn fold(v: __m256) -> __m128 {
    _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v))
}

/// Writes the sums of two rows.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn put(v: __m256, out: *mut f32) {
    unsafe {
        *out = sum4(_mm256_castps256_ps128(v));
        *out.add(1) = sum4(_mm256_extractf128_ps::<1>(v));
    }
}

/// See `single::product`.
///
/// # Safety
/// As there, and the processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn product(matrix: Matrix, x: *const f32, out: *mut f32) {
    unsafe {
        let mut w = matrix.weights.cast_const();
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let mut sum = [_mm256_setzero_ps(); 4];
            for column in (0..matrix.columns).step_by(WIDE) {
                for half in 0..2 {
                    let x = twice(x.add(column + half * LANES));
                    for i in 0..2 {
                        let w = _mm256_loadu_ps(w.add(half * BLOCK + i * WIDE));
                        sum[2 * half + i] = _mm256_fmadd_ps(w, x, sum[2 * half + i]);
                    }
                }
                w = w.add(2 * BLOCK);
            }
            put(_mm256_add_ps(sum[0], sum[2]), out.add(panel * PANEL));
            put(_mm256_add_ps(sum[1], sum[3]), out.add(panel * PANEL + 2));
        }
        for row in panels * PANEL..matrix.rows {
            let mut sum = _mm256_setzero_ps();
            for column in (0..matrix.columns).step_by(WIDE) {
                sum = _mm256_fmadd_ps(_mm256_loadu_ps(w), _mm256_loadu_ps(x.add(column)), sum);
                w = w.add(WIDE);
            }
            *out.add(row) = sum4(fold(sum));
        }
    }
}

/// See `single::combine`, and `single::add_combined` with `ADD`.
///
/// # Safety
/// As there, and the processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn combine<const ADD: bool>(matrix: Matrix, c: *const f32, out: *mut f32) {
    let mut column = 0;
    unsafe {
        while column + 8 * LANES <= matrix.columns {
            combine_block::<8, ADD>(matrix, c, out, column);
            column += 8 * LANES;
        }
        while column < matrix.columns {
            combine_block::<2, ADD>(matrix, c, out, column);
            column += 2 * LANES;
        }
    }
}

/// `N` times four columns, held in registers while the rows go by, even ones in the lower halves, odd ones in the upper.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn combine_block<const N: usize, const ADD: bool>(matrix: Matrix, c: *const f32, out: *mut f32, column: usize) {
    unsafe {
        let mut sum = [_mm256_setzero_ps(); N];
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let w = matrix.weights.add(panel * PANEL * matrix.columns + column * PANEL);
            for pair in 0..2 {
                let factor = spread(c.add(panel * PANEL + 2 * pair));
                for (i, sum) in sum.iter_mut().enumerate() {
                    *sum = _mm256_fmadd_ps(factor, _mm256_loadu_ps(w.add(i * BLOCK + pair * WIDE)), *sum);
                }
            }
        }
        let mut folded = [_mm_setzero_ps(); N];
        for (i, (to, sum)) in folded.iter_mut().zip(sum).enumerate() {
            *to = fold(sum);
            if ADD {
                *to = _mm_add_ps(*to, _mm_loadu_ps(out.add(column + i * LANES)));
            }
        }
        for row in panels * PANEL..matrix.rows {
            let w = matrix.weights.add(row * matrix.columns + column);
            let factor = _mm_set1_ps(*c.add(row));
            for (i, to) in folded.iter_mut().enumerate() {
                *to = _mm_fmadd_ps(factor, _mm_loadu_ps(w.add(i * LANES)), *to);
            }
        }
        for (i, value) in folded.into_iter().enumerate() {
            _mm_storeu_ps(out.add(column + i * LANES), value);
        }
    }
}

/// See `single::update_product`; with `OLD` `single::product_update`, where `next` is not looked at.
///
/// # Safety
/// As there, and the processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn update<const OLD: bool>(
    matrix: Matrix,
    mu: f32,
    d: *const f32,
    x: *const f32,
    next: *const f32,
    out: *mut f32,
) {
    unsafe {
        if matrix.momentum.is_null() {
            stream::<OLD, false>(matrix, mu, d, x, next, out);
        } else {
            stream::<OLD, true>(matrix, mu, d, x, next, out);
        }
    }
}

/// Eight weights after one more rank-1 term, stored; those that count are returned.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn visit<const OLD: bool, const MOMENTUM: bool>(
    w: *mut f32,
    m: *mut f32,
    mu: __m256,
    d: __m256,
    x: __m256,
) -> __m256 {
    unsafe {
        let old = _mm256_loadu_ps(w);
        let new = if MOMENTUM {
            let momentum = _mm256_fmadd_ps(mu, _mm256_loadu_ps(m), _mm256_mul_ps(d, x));
            _mm256_storeu_ps(m, momentum);
            _mm256_add_ps(old, momentum)
        } else {
            _mm256_fmadd_ps(d, x, old)
        };
        _mm256_storeu_ps(w, new);
        if OLD { old } else { new }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn stream<const OLD: bool, const MOMENTUM: bool>(
    matrix: Matrix,
    mu: f32,
    d: *const f32,
    x: *const f32,
    next: *const f32,
    out: *mut f32,
) {
    unsafe {
        let mu = _mm256_set1_ps(mu);
        let mut w = matrix.weights;
        // Without momentum never followed, but moved along: it must point at something.
        let mut m = if MOMENTUM { matrix.momentum } else { w };
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let row = panel * PANEL;
            let d = [spread(d.add(row)), spread(d.add(row + 2))];
            let mut sum = [_mm256_setzero_ps(); 4];
            for column in (0..matrix.columns).step_by(WIDE) {
                for half in 0..2 {
                    let here = twice(x.add(column + half * LANES));
                    let used = if OLD { here } else { twice(next.add(column + half * LANES)) };
                    for i in 0..2 {
                        let at = half * BLOCK + i * WIDE;
                        let counts = visit::<OLD, MOMENTUM>(w.add(at), m.add(at), mu, d[i], here);
                        sum[2 * half + i] = _mm256_fmadd_ps(counts, used, sum[2 * half + i]);
                    }
                }
                w = w.add(2 * BLOCK);
                m = m.add(2 * BLOCK);
            }
            put(_mm256_add_ps(sum[0], sum[2]), out.add(row));
            put(_mm256_add_ps(sum[1], sum[3]), out.add(row + 2));
        }
        for row in panels * PANEL..matrix.rows {
            let d = _mm256_set1_ps(*d.add(row));
            let mut sum = _mm256_setzero_ps();
            for column in (0..matrix.columns).step_by(WIDE) {
                let here = _mm256_loadu_ps(x.add(column));
                let used = if OLD { here } else { _mm256_loadu_ps(next.add(column)) };
                sum = _mm256_fmadd_ps(visit::<OLD, MOMENTUM>(w, m, mu, d, here), used, sum);
                w = w.add(WIDE);
                m = m.add(WIDE);
            }
            *out.add(row) = sum4(fold(sum));
        }
    }
}

/// See `single::add_outer`.
///
/// # Safety
/// As there, and the processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn add_outer(matrix: Matrix, (left, right): (Matrix, Matrix), live: u32, next: *const f32, out: *mut f32) {
    unsafe {
        let rows = [_mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1), _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3)];
        let mut w = matrix.weights;
        let panels = matrix.rows / PANEL;
        for panel in 0..panels {
            let row = panel * PANEL;
            let mut sum = [_mm256_setzero_ps(); 2];
            for column in (0..matrix.columns).step_by(WIDE) {
                // Four registers of weights: four rows of eight columns.
                let mut block = [_mm256_setzero_ps(); 4];
                for (i, weights) in block.iter_mut().enumerate() {
                    *weights = _mm256_loadu_ps(w.add(i * WIDE));
                }
                for terms in (0..left.rows / PANEL).filter(|terms| live >> terms & 1 != 0) {
                    let l = left.weights.add((terms * left.columns + row) * PANEL);
                    let r = right.weights.add((terms * right.columns + column) * PANEL);
                    for term in 0..PANEL {
                        let four = twice(l.add(term * LANES));
                        let d = [_mm256_permutevar8x32_ps(four, rows[0]), _mm256_permutevar8x32_ps(four, rows[1])];
                        for half in 0..2 {
                            let x = twice(r.add((half * PANEL + term) * LANES));
                            for i in 0..2 {
                                block[2 * half + i] = _mm256_fmadd_ps(d[i], x, block[2 * half + i]);
                            }
                        }
                    }
                }
                for (i, weights) in block.into_iter().enumerate() {
                    _mm256_storeu_ps(w.add(i * WIDE), weights);
                }
                if !next.is_null() {
                    for half in 0..2 {
                        let x = twice(next.add(column + half * LANES));
                        for i in 0..2 {
                            sum[i] = _mm256_fmadd_ps(block[2 * half + i], x, sum[i]);
                        }
                    }
                }
                w = w.add(2 * BLOCK);
            }
            if !next.is_null() {
                put(sum[0], out.add(row));
                put(sum[1], out.add(row + 2));
            }
        }
        for row in panels * PANEL..matrix.rows {
            let mut sum = _mm256_setzero_ps();
            for column in (0..matrix.columns).step_by(WIDE) {
                let mut weights = _mm256_loadu_ps(w);
                for term in (0..left.rows).filter(|term| live >> (term / PANEL) & 1 != 0) {
                    let panel = term / PANEL * PANEL;
                    let l = left.weights.add(panel * left.columns + row / LANES * BLOCK + row % LANES);
                    let r = right.weights.add(panel * right.columns + column * PANEL + term % PANEL * LANES);
                    let x = _mm256_set_m128(_mm_loadu_ps(r.add(BLOCK)), _mm_loadu_ps(r));
                    weights = _mm256_fmadd_ps(_mm256_set1_ps(*l.add(term % PANEL * LANES)), x, weights);
                }
                _mm256_storeu_ps(w, weights);
                if !next.is_null() {
                    sum = _mm256_fmadd_ps(weights, _mm256_loadu_ps(next.add(column)), sum);
                }
                w = w.add(WIDE);
            }
            if !next.is_null() {
                *out.add(row) = sum4(fold(sum));
            }
        }
    }
}
