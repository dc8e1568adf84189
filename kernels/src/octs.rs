//! Pruned weights of which eight neighbours are always kept or pruned together (blocks of 1x8 are so): a visit to the index, and to
//! the vectors, serves twice as many as in quads (`sparse`).

use crate::formats::{FEW_STEPS, MOST_CHANGE, MOST_STEPS, PART, Quads};
use crate::integers::I32x4;
use crate::levels::largest;
use crate::narrow::{Learning, Use};
use crate::noise::Words;
use crate::small_integers::I16x8;
use crate::terms::Term;
use crate::vector::{F32x4, LANES};

/// Weights as they are stored; an oct is eight that follow each other.
pub trait Octs: Copy {
    /// As in `Quads`.
    const FIXED: bool;
    const UNIT: f32;
    /// What products read of an oct.
    type Read: Copy;
    /// A row's sum.
    type Sum: Copy;
    /// What a row has in the noise of its weights.
    type RowNoise: Copy;
    /// The largest steps.
    type Most: Copy;

    fn zero() -> (Self::Sum, Self::Most);
    fn row_noise(words: Words, row: usize) -> Self::RowNoise;
    fn total(sum: Self::Sum) -> f32;
    fn is_beyond(most: Self::Most) -> bool;
    fn floats(read: Self::Read) -> [F32x4; 2];

    /// # Safety
    /// The oct is there, and nothing else writes to it; so with all of these.
    unsafe fn read(self, oct: usize) -> Self::Read;

    /// The sum and eight weights times their values of a vector.
    ///
    /// # Safety
    /// They are there.
    unsafe fn times(read: Self::Read, vector: *const f32, column: usize, sum: Self::Sum) -> Self::Sum;

    /// Adds terms and rounds by chance; `noise` has the words of all columns, or their upper halves. `FEW`: the terms are below
    /// `FEW_STEPS`.
    ///
    /// # Safety
    /// As `read`.
    unsafe fn add<const FEW: bool>(
        self,
        oct: usize,
        terms: [F32x4; 2],
        noise: (*const u32, usize, Self::RowNoise),
        most: &mut Self::Most,
    ) -> Self::Read;

    /// Of fixed point: halves by chance what `add` with the same arguments has left.
    ///
    /// # Safety
    /// As `read`.
    unsafe fn halve(self, oct: usize, terms: [F32x4; 2], noise: (*const u32, usize, Self::RowNoise));
}

/// Two quads.
#[derive(Clone, Copy)]
pub struct Pairs<Q>(pub Q);

impl<Q: Quads> Octs for Pairs<Q> {
    const FIXED: bool = Q::FIXED;
    const UNIT: f32 = Q::UNIT;
    type Read = [F32x4; 2];
    type Sum = [F32x4; 2];
    type RowNoise = I32x4;
    type Most = I32x4;

    #[inline(always)]
    fn zero() -> (Self::Sum, Self::Most) {
        ([F32x4::splat(0.0); 2], I32x4::splat(0))
    }
    #[inline(always)]
    fn row_noise(words: Words, row: usize) -> I32x4 {
        words.row(row)
    }
    #[inline(always)]
    fn total([a, b]: Self::Sum) -> f32 {
        a.add(b).sum()
    }
    #[inline(always)]
    fn is_beyond(most: I32x4) -> bool {
        Q::FIXED && most.largest() > MOST_STEPS
    }
    #[inline(always)]
    fn floats(read: Self::Read) -> [F32x4; 2] {
        read
    }
    #[inline(always)]
    unsafe fn read(self, oct: usize) -> Self::Read {
        core::array::from_fn(|i| unsafe { self.0.read(2 * oct + i) })
    }
    #[inline(always)]
    unsafe fn times(read: Self::Read, vector: *const f32, column: usize, sum: Self::Sum) -> Self::Sum {
        core::array::from_fn(|i| unsafe { sum[i].madd(read[i], F32x4::load(vector.add(column + i * LANES))) })
    }
    #[inline(always)]
    unsafe fn add<const FEW: bool>(
        self,
        oct: usize,
        terms: [F32x4; 2],
        (words, column, row): (*const u32, usize, I32x4),
        most: &mut I32x4,
    ) -> Self::Read {
        core::array::from_fn(|i| unsafe {
            let noise = I32x4::load(words.add(column + i * LANES)).xor(row);
            self.0.add(2 * oct + i, terms[i], noise, most)
        })
    }
    unsafe fn halve(self, oct: usize, terms: [F32x4; 2], (words, column, row): (*const u32, usize, I32x4)) {
        for (i, term) in terms.into_iter().enumerate() {
            unsafe { self.0.halve(2 * oct + i, term, I32x4::load(words.add(column + i * LANES)).xor(row)) };
        }
    }
}

/// Fixed point of 16 bits of which products read the upper byte, rounded, and the vector as i16; noise in halves.
#[derive(Clone, Copy)]
pub struct UpperBytes(pub *mut i16);

impl UpperBytes {
    /// How many steps the weights move.
    #[inline(always)]
    unsafe fn moved<const FEW: bool>(terms: [F32x4; 2], (halves, column, row): (*const u32, usize, I32x4)) -> I16x8 {
        let [a, b] = core::array::from_fn(|i| {
            let noise = unsafe { I32x4::load(halves.add(column + i * LANES)) }.xor(row);
            let change = if FEW { I32x4::trunc_small(terms[i]) } else { I32x4::trunc(terms[i], MOST_CHANGE) };
            change.add(noise).shr(16)
        });
        I16x8::narrow(a, b)
    }
}

impl Octs for UpperBytes {
    const FIXED: bool = true;
    const UNIT: f32 = 256.0;
    type Read = I16x8;
    type Sum = I32x4;
    type RowNoise = I32x4;
    type Most = [I16x8; 2];

    #[inline(always)]
    fn zero() -> (I32x4, Self::Most) {
        (I32x4::splat(0), [I16x8::splat(0); 2])
    }
    #[inline(always)]
    fn row_noise(words: Words, row: usize) -> I32x4 {
        I32x4::splat(words.half(row))
    }
    #[inline(always)]
    fn total(sum: I32x4) -> f32 {
        sum.sum() as f32
    }
    #[inline(always)]
    fn is_beyond([most, least]: Self::Most) -> bool {
        let limit = MOST_STEPS as i16;
        most.greater(I16x8::splat(limit)).any() || I16x8::splat(-limit).greater(least).any()
    }
    #[inline(always)]
    fn floats(read: I16x8) -> [F32x4; 2] {
        read.widen().map(I32x4::to_floats)
    }
    #[inline(always)]
    unsafe fn read(self, oct: usize) -> I16x8 {
        upper(unsafe { I16x8::load(self.0.add(2 * oct * LANES)) })
    }
    #[inline(always)]
    unsafe fn times(read: I16x8, vector: *const f32, column: usize, sum: I32x4) -> I32x4 {
        sum.add(read.dot(unsafe { I16x8::load(vector.cast::<i16>().add(column)) }))
    }
    #[inline(always)]
    unsafe fn add<const FEW: bool>(
        self,
        oct: usize,
        terms: [F32x4; 2],
        noise: (*const u32, usize, I32x4),
        [most, least]: &mut Self::Most,
    ) -> I16x8 {
        unsafe {
            let at = self.0.add(2 * oct * LANES);
            let (before, by) = (I16x8::load(at), Self::moved::<FEW>(terms, noise));
            let steps = before.add(by);
            let seen = if FEW { steps } else { before.add_saturating(by) };
            *most = most.max(seen);
            *least = least.min(seen);
            steps.store(at);
            upper(steps)
        }
    }
    unsafe fn halve(self, oct: usize, terms: [F32x4; 2], noise: (*const u32, usize, I32x4)) {
        unsafe {
            let at = self.0.add(2 * oct * LANES);
            let by = Self::moved::<false>(terms, noise).lanes();
            let (halves, column, row) = noise;
            let [row, ..] = row.to_array();
            for (i, by) in by.into_iter().enumerate() {
                let steps = i32::from((*at.add(i)).wrapping_sub(by)) + i32::from(by);
                let noise = *halves.add(column + i) as i32 ^ row;
                *at.add(i) = ((steps + (noise & 1)) >> 1) as i16;
            }
        }
    }
}

#[inline(always)]
fn upper(steps: I16x8) -> I16x8 {
    steps.add(I16x8::splat(128)).shr(8)
}

/// A matrix that is pruned in octs.
#[derive(Clone, Copy)]
pub struct KeptOcts<O> {
    pub octs: O,
    /// Of fixed point: a step of each row.
    pub scale: *mut f32,
    /// rows + 1 places in the index: where each row's quads begin.
    pub starts: *const u32,
    /// Of each oct its first column and its row.
    pub index: *const u16,
    pub rows: usize,
    /// Padded.
    pub columns: usize,
}

impl<O: Octs> KeptOcts<O> {
    unsafe fn unit(&self, row: usize) -> f32 {
        if O::FIXED { unsafe { *self.scale.add(row) * O::UNIT } } else { 1.0 }
    }

    unsafe fn range(&self, row: usize) -> core::ops::Range<usize> {
        unsafe { *self.starts.add(row) as usize / 2..*self.starts.add(row + 1) as usize / 2 }
    }

    #[inline(always)]
    unsafe fn column(&self, oct: usize) -> usize {
        unsafe { (*self.index.add(2 * oct)).into() }
    }

    #[inline(always)]
    unsafe fn row(&self, oct: usize) -> usize {
        unsafe { (*self.index.add(2 * oct + 1)).into() }
    }

    /// out = W x, where x is as `Octs::times` takes it.
    ///
    /// # Safety
    /// `x` has `columns` values, `out` has `rows`, and no other thread writes to the matrix; so with all of these.
    pub unsafe fn product(self, x: *const f32, out: *mut f32) {
        for row in 0..self.rows {
            unsafe { *out.add(row) = self.row_product(row, x) };
        }
    }

    #[inline(always)]
    unsafe fn row_product(&self, row: usize, x: *const f32) -> f32 {
        unsafe {
            let (mut sum, _) = O::zero();
            for oct in self.range(row) {
                sum = O::times(self.octs.read(oct), x, self.column(oct), sum);
            }
            O::total(sum) * self.unit(row)
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
            // Row after row without a loop for each: a row of a decoder keeps one or two octs.
            for oct in self.range(0).start..self.range(self.rows - 1).end {
                let factor = F32x4::splat(*c.add(self.row(oct)));
                let to = out.add(self.column(oct));
                for (i, weights) in O::floats(self.octs.read(oct)).into_iter().enumerate() {
                    let to = to.add(i * LANES);
                    F32x4::load(to).madd(factor, weights).store(to);
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
            let most = if O::FIXED && T::BOUNDED { largest(learning.right, self.columns) } else { f32::INFINITY };
            for row in 0..self.rows {
                let common = learning.term.of_row(row, self.part(row));
                let unit = self.unit(row);
                let (sum, most) = if O::FIXED && T::BOUNDED && T::bound(common, most) < FEW_STEPS {
                    self.learn_row::<T, true>(&learning, with, row, common)
                } else {
                    self.learn_row::<T, false>(&learning, with, row, common)
                };
                let mut product = O::total(sum) * unit;
                if O::is_beyond(most) {
                    self.double(&learning, row, common);
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

    #[inline(always)]
    unsafe fn learn_row<T: Term, const FEW: bool>(
        &self,
        learning: &Learning<T>,
        with: Use,
        row: usize,
        common: F32x4,
    ) -> (O::Sum, O::Most) {
        unsafe {
            let noise = O::row_noise(learning.words, row);
            let (mut sum, mut most) = O::zero();
            for oct in self.range(row) {
                let column = self.column(oct);
                let x = [0, LANES].map(|i| F32x4::load(learning.right.add(column + i)));
                let add = |i: usize| learning.term.add::<1>(&[common], x[i], row, column + i * LANES, 2 * oct + i)[0];
                let terms = [add(0), add(1)];
                if let Use::Old(e) = with {
                    sum = O::times(self.octs.read(oct), e, column, sum);
                }
                let updated = self.octs.add::<FEW>(oct, terms, (learning.column_words, column, noise), &mut most);
                if let Use::Updated(next) = with {
                    sum = O::times(updated, next, column, sum);
                }
            }
            (sum, most)
        }
    }

    unsafe fn part(&self, row: usize) -> f32 {
        if O::FIXED { unsafe { PART / *self.scale.add(row) } } else { 1.0 }
    }

    /// Doubles the scale of a row that has grown beyond it.
    #[cold]
    unsafe fn double<T: Term>(&self, learning: &Learning<T>, row: usize, common: F32x4) {
        unsafe {
            let noise = O::row_noise(learning.words, row);
            for oct in self.range(row) {
                let column = self.column(oct);
                let again = |i: usize| {
                    let at = column + i * LANES;
                    learning.term.again(common, F32x4::load(learning.right.add(at)), row, at, 2 * oct + i)
                };
                self.octs.halve(oct, [again(0), again(1)], (learning.column_words, column, noise));
            }
            *self.scale.add(row) *= 2.0;
        }
    }
}
