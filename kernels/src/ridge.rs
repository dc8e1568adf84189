//! Ridge regressions of a unit: sums of products, and small symmetric systems (`backends/reference/solve_ridge.ts`).

use crate::vector::{F32x4, LANES};

/// Vectors that `products` takes at most.
pub const MOST_PLANES: usize = 36;
/// Vectors whose products are taken together: as many sums as registers hold.
const BLOCK: usize = 3;

/// Dot products of each two of `count` vectors: the lower triangle, row by row.
///
/// # Safety
/// The first `count` vectors and those up to the next multiple of three can be read, and are padded (`vectors`) or longer than
/// `length`; what the latter hold does not matter.
pub unsafe fn products(vectors: &[*const f32; MOST_PLANES], count: usize, length: usize, sums: *mut f32) {
    for i in (0..count).step_by(BLOCK) {
        for j in (0..=i).step_by(BLOCK) {
            let a = [vectors[i], vectors[i + 1], vectors[i + 2]];
            let b = [vectors[j], vectors[j + 1], vectors[j + 2]];
            let block = unsafe { if i == j { block::<true>(a, b, length) } else { block::<false>(a, b, length) } };
            for (row, block) in (i..count).zip(block) {
                for (column, sum) in (j..=row).zip(block) {
                    unsafe { *sums.add(row * (row + 1) / 2 + column) = sum.sum() };
                }
            }
        }
    }
}

/// Products of three vectors with three; where these are the same, each pair once.
#[inline(always)]
unsafe fn block<const SAME: bool>(
    a: [*const f32; BLOCK],
    b: [*const f32; BLOCK],
    length: usize,
) -> [[F32x4; BLOCK]; BLOCK] {
    let mut sums = [[F32x4::splat(0.0); BLOCK]; BLOCK];
    for at in (0..length).step_by(LANES) {
        let load = |from: *const f32| unsafe { F32x4::load(from.add(at)) };
        let a = a.map(load);
        let b = if SAME { a } else { b.map(load) };
        for (row, (sums, a)) in sums.iter_mut().zip(a).enumerate() {
            let columns = if SAME { row + 1 } else { BLOCK };
            for (sum, b) in sums[..columns].iter_mut().zip(b) {
                *sum = sum.madd(a, b);
            }
        }
    }
    sums
}

/// Vectors that a system of `n` unknowns takes: the lower triangle of A row by row, and behind it b.
pub const fn system_length(n: usize) -> usize {
    n * (n + 1) / 2 + n
}

/// Solves (A + ridge 1) x = b by Cholesky's decomposition, a system in each lane. x stands where b was; A is used up.
///
/// # Safety
/// `system` has `system_length(n)` vectors; each A is positive semidefinite and each ridge above 0.
pub unsafe fn solve(system: *mut f32, n: usize, ridge: F32x4) {
    let row = |i: usize| i * (i + 1) / 2;
    let one = F32x4::splat(1.0);
    let zero = F32x4::splat(0.0);
    let at = |i: usize| unsafe { system.add(LANES * i) };
    unsafe {
        // b is one more row of A: what makes L of the others makes L^-1 b of it.
        for j in 0..n {
            let pivot = F32x4::load(at(row(j) + j)).add(ridge);
            let inverse = one.div(pivot.sqrt());
            inverse.store(at(row(j) + j));
            for i in j + 1..=n {
                let place = at(row(i) + j);
                F32x4::load(place).mul(inverse).store(place);
            }
            for i in j + 1..=n {
                let minus = zero.sub(F32x4::load(at(row(i) + j)));
                for k in j + 1..=i.min(n - 1) {
                    let place = at(row(i) + k);
                    F32x4::load(place).madd(minus, F32x4::load(at(row(k) + j))).store(place);
                }
            }
        }
        for j in (0..n).rev() {
            let x = F32x4::load(at(row(n) + j)).mul(F32x4::load(at(row(j) + j)));
            x.store(at(row(n) + j));
            let minus = zero.sub(x);
            for k in 0..j {
                let place = at(row(n) + k);
                F32x4::load(place).madd(minus, F32x4::load(at(row(j) + k))).store(place);
            }
        }
    }
}
