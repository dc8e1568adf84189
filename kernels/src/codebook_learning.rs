//! How weights of a codebook learn: those whose terms are large move to the next centroid, and now and then the centroids move
//! (`backends/reference/codebook_learning.ts` is the definition). Only what may move is read, and only what moves is written.

use crate::codebooks::{Codebook, MOST_CENTROIDS};
use crate::doubles::F64x2;
use crate::format_f32::PANEL;
use crate::integers::I32x4;
use crate::noise::Words;
use crate::sparse::{LANES_OF, column_of, lanes_of};
use crate::tables::{GROUP, Table, Table4, Table16};
use crate::vector::{F32x4, LANES};

/// Steps between two moves of a unit's centroids.
pub const CENTROIDS_EVERY: u32 = 4;

/// What a matrix learns: left right'.
#[derive(Clone, Copy)]
pub struct Update {
    pub left: *const f32,
    pub right: *const f32,
    pub words: Words,
    pub moves_centroids: bool,
}

/// What depends on the size of a codebook.
trait Book: Table {
    /// How many times the root mean square of all terms a term is that moves a weight.
    const REACH: f64;
    /// What such a term counts.
    const GAIN: f64;
    /// Pairs of sums for each value of a byte of places.
    const PAIRS: usize;
    /// Adds the terms of a group: each to the sum of its byte and of its place in it.
    ///
    /// # Safety
    /// The group is there.
    unsafe fn add_terms(sums: &mut Sums, at: *const u8, terms: [F32x4; GROUP]);
}

/// Sums of terms by the byte that the places stand in: one addition for the two places of a byte, or two for its four.
type Sums = [F64x2; 512];

impl Book for Table16 {
    const REACH: f64 = 4.0;
    const GAIN: f64 = 32.0;
    const PAIRS: usize = 1;
    #[inline(always)]
    unsafe fn add_terms(sums: &mut Sums, at: *const u8, terms: [F32x4; GROUP]) {
        for half in 0..2 {
            for (lane, pair) in F64x2::pairs(terms[half], terms[half + 2]).into_iter().enumerate() {
                let sum = &mut sums[usize::from(unsafe { *at.add(half * LANES + lane) })];
                *sum = sum.add(pair);
            }
        }
    }
}

impl Book for Table4 {
    const REACH: f64 = 8.0;
    const GAIN: f64 = 128.0;
    const PAIRS: usize = 2;
    #[inline(always)]
    unsafe fn add_terms(sums: &mut Sums, at: *const u8, terms: [F32x4; GROUP]) {
        let (first, second) = (F64x2::pairs(terms[0], terms[1]), F64x2::pairs(terms[2], terms[3]));
        for lane in 0..LANES {
            let byte = usize::from(unsafe { *at.add(lane) });
            sums[2 * byte] = sums[2 * byte].add(first[lane]);
            sums[2 * byte + 1] = sums[2 * byte + 1].add(second[lane]);
        }
    }
}

/// The sum of the squares of some values, and the largest of their sizes.
unsafe fn measure(values: *const f32, length: usize) -> (f64, f32) {
    let mut sums = [F64x2::ZERO; 4];
    let mut most = I32x4::splat(0);
    let add = |four: F32x4, sums: &mut [F64x2]| {
        for (sum, half) in sums.iter_mut().zip(F64x2::halves(four)) {
            *sum = sum.add(half.mul(half));
        }
        size_of_bits(four)
    };
    let mut last = [0.0; 2 * LANES];
    let whole = length - length % (2 * LANES);
    unsafe {
        for i in (0..whole).step_by(2 * LANES) {
            most = most.max(add(F32x4::load(values.add(i)), &mut sums[..2]));
            most = most.max(add(F32x4::load(values.add(i + LANES)), &mut sums[2..]));
        }
        for i in whole..length {
            last[i - whole] = *values.add(i);
        }
        most = most.max(add(F32x4::load(last.as_ptr()), &mut sums[..2]));
        most = most.max(add(F32x4::load(last.as_ptr().add(LANES)), &mut sums[2..]));
    }
    let [a, b] = sums.into_iter().fold(F64x2::ZERO, F64x2::add).to_array();
    (a + b, f32::from_bits(most.largest() as u32))
}

/// The bits of numbers without their signs: they compare as the numbers do.
#[inline(always)]
fn size_of_bits(values: F32x4) -> I32x4 {
    I32x4::bits_of(values).and(I32x4::splat(i32::MAX))
}

/// Which of four numbers are larger than a limit, either way, or no numbers.
#[inline(always)]
fn larger(values: F32x4, limit: f32) -> u32 {
    size_of_bits(values).greater(I32x4::splat(limit.to_bits() as i32)).signs()
}

/// The largest f32 that is at most a number.
fn at_most(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) > value { nearest.next_down() } else { nearest }
}

/// The limit, and the largest values on both sides.
struct Limits {
    least: f32,
    left: f32,
    right: f32,
}

/// A term that is large, and whose it is.
struct Large {
    term: f32,
    row: usize,
    column: usize,
    /// Its group, and where in it it is.
    at: *mut u8,
    quad: usize,
    lane: usize,
}

impl Codebook {
    /// Learns. `candidates` is room for as many numbers and words as there are columns.
    ///
    /// # Safety
    /// The update's vectors are as long as rows and columns, no other thread touches the matrix.
    pub unsafe fn learn(self, update: Update, candidates: (*mut f32, *mut u32)) {
        unsafe {
            if self.bits == 4 {
                self.learn_in::<Table16>(&update, candidates);
            } else {
                self.learn_in::<Table4>(&update, candidates);
            }
        }
    }

    #[inline(always)]
    unsafe fn learn_in<B: Book>(&self, update: &Update, candidates: (*mut f32, *mut u32)) {
        unsafe {
            if !update.moves_centroids {
                return self.move_weights::<B>(update, candidates);
            }
            // The members are those before the moves.
            let means = self.mean_terms::<B>(update);
            self.move_weights::<B>(update, candidates);
            self.move_centroids::<B>(&means);
        }
    }

    /// What the terms of each centroid's members are on average; 0 where it has none.
    #[inline(always)]
    unsafe fn mean_terms<B: Book>(&self, update: &Update) -> [f64; MOST_CENTROIDS] {
        let mut sums: Sums = [F64x2::ZERO; 512];
        unsafe {
            if self.is_pruned() {
                self.sum_kept::<B>(update, &mut sums);
            } else {
                self.sum_all::<B>(update, &mut sums);
            }
        }
        let mut means = [0.0; MOST_CENTROIDS];
        for (at, sum) in sums[..256 * B::PAIRS].iter().enumerate() {
            let (byte, first) = (at / B::PAIRS, at % B::PAIRS * 2 * B::BITS);
            for (i, sum) in sum.to_array().into_iter().enumerate() {
                means[byte >> (first + i * B::BITS) & ((1 << B::BITS) - 1)] += sum;
            }
        }
        for (k, mean) in means[..1 << B::BITS].iter_mut().enumerate() {
            let members = unsafe { *self.members.add(k) };
            *mean = if members == 0 { 0.0 } else { *mean / f64::from(members) };
        }
        means
    }

    #[inline(always)]
    unsafe fn sum_all<B: Book>(&self, update: &Update, sums: &mut Sums) {
        unsafe {
            for row in (0..self.rows).step_by(PANEL) {
                let rows = PANEL.min(self.rows - row);
                let factors: [F32x4; PANEL] =
                    core::array::from_fn(|i| F32x4::splat(if i < rows { *update.left.add(row + i) } else { 0.0 }));
                let mut at = self.panel::<B>(row / PANEL).cast_const();
                for column in (0..self.length).step_by(LANES) {
                    let x = F32x4::load(update.right.add(column));
                    let mut terms = factors.map(|factor| factor.mul(x));
                    if rows < PANEL || column + LANES > self.length {
                        // Padding counts nothing, not even where a factor is no number.
                        let lanes = LANES_OF[(1 << LANES.min(self.length - column)) - 1];
                        for (i, term) in terms.iter_mut().enumerate() {
                            let kept = if i < rows { lanes } else { [0; LANES] };
                            *term = I32x4::bits_of(*term).and(I32x4::load(kept.as_ptr())).as_floats();
                        }
                    }
                    B::add_terms(sums, at, terms);
                    at = at.add(B::BYTES);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn sum_kept<B: Book>(&self, update: &Update, sums: &mut Sums) {
        unsafe {
            for row in 0..self.rows {
                let factor = F32x4::splat(*update.left.add(row));
                let (begin, end) = self.range(row);
                for first in (begin..end).step_by(GROUP) {
                    let terms = core::array::from_fn(|i| self.kept_term(factor, update.right, first + i));
                    B::add_terms(sums, self.places.add(first / GROUP * B::BYTES), terms);
                }
            }
        }
    }

    /// The terms of a quad of a pruned matrix, 0 where it is pruned.
    #[inline(always)]
    unsafe fn kept_term(&self, factor: F32x4, right: *const f32, quad: usize) -> F32x4 {
        unsafe {
            let entry = *self.index.add(quad);
            let term = factor.mul(F32x4::load(right.add(column_of(entry))));
            I32x4::bits_of(term).and(I32x4::load(LANES_OF[lanes_of(entry)].as_ptr())).as_floats()
        }
    }

    /// Moves the weights whose terms are large to the centroid beside theirs.
    #[inline(always)]
    unsafe fn move_weights<B: Book>(&self, update: &Update, candidates: (*mut f32, *mut u32)) {
        unsafe {
            let (left_squares, left) = measure(update.left, self.rows);
            let (right_squares, right) = measure(update.right, self.length);
            let terms = (self.rows * self.length) as f64;
            let least = B::REACH * F64x2::root(left_squares * right_squares / terms);
            // Nothing is above a limit that is no number.
            if !least.is_finite() {
                return;
            }
            let limits = Limits { least: at_most(least), left, right };
            if self.is_pruned() {
                self.move_kept::<B>(update, &limits);
            } else {
                self.move_some::<B>(update, &limits, candidates);
            }
        }
    }

    /// Where nothing is pruned: the columns that are large enough for some row are put aside, then each row passes over them.
    #[inline(always)]
    unsafe fn move_some<B: Book>(&self, update: &Update, limits: &Limits, (xs, columns): (*mut f32, *mut u32)) {
        unsafe {
            let mut count = 0;
            let most = F32x4::splat(limits.left);
            for first in (0..self.length).step_by(LANES) {
                let mut bits = larger(most.mul(F32x4::load(update.right.add(first))), limits.least);
                while bits != 0 {
                    let column = first + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    if column < self.length {
                        *xs.add(count) = *update.right.add(column);
                        *columns.add(count) = column as u32;
                        count += 1;
                    }
                }
            }
            for i in count..count.next_multiple_of(LANES) {
                *xs.add(i) = 0.0;
            }
            for row in 0..self.rows {
                let factor = *update.left.add(row);
                if factor.abs() * limits.right <= limits.least {
                    continue;
                }
                let panel = self.panel::<B>(row / PANEL);
                for first in (0..count).step_by(LANES) {
                    let mut bits = larger(F32x4::splat(factor).mul(F32x4::load(xs.add(first))), limits.least);
                    while bits != 0 {
                        let i = first + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        let column = *columns.add(i) as usize;
                        let at = panel.add(column / LANES * B::BYTES);
                        let (quad, lane) = (row % PANEL, column % LANES);
                        self.step::<B>(update, Large { term: factor * *xs.add(i), row, column, at, quad, lane });
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn move_kept<B: Book>(&self, update: &Update, limits: &Limits) {
        unsafe {
            for row in 0..self.rows {
                let factor = *update.left.add(row);
                if factor.abs() * limits.right <= limits.least {
                    continue;
                }
                let (begin, end) = self.range(row);
                for entry in begin..end {
                    let term = self.kept_term(F32x4::splat(factor), update.right, entry);
                    let mut bits = larger(term, limits.least);
                    while bits != 0 {
                        let lane = bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        let column = column_of(*self.index.add(entry)) + lane;
                        let at = self.places.add(entry / GROUP * B::BYTES);
                        let term = factor * *update.right.add(column);
                        self.step::<B>(update, Large { term, row, column, at, quad: entry % GROUP, lane });
                    }
                }
            }
        }
    }

    /// Moves a weight by one place, if there is one and the noise lets it.
    unsafe fn step<B: Book>(&self, update: &Update, large: Large) {
        let Large { term, row, column, at, quad, lane } = large;
        let (byte, shift) = B::cell(quad, lane);
        let most = (1 << B::BITS) - 1;
        unsafe {
            let at = at.add(byte);
            let from = usize::from(*at >> shift) & most;
            if from == if term > 0.0 { most } else { 0 } {
                return;
            }
            let to = if term > 0.0 { from + 1 } else { from - 1 };
            let distance = (*self.centroids.add(to) - *self.centroids.add(from)).abs();
            let chance = (update.words.of(row, column) >> 8) as f32 / 16777216.0;
            if B::GAIN * f64::from(term.abs()) > f64::from(chance * distance) {
                *at ^= ((from ^ to) << shift) as u8;
                *self.members.add(from) -= 1;
                *self.members.add(to) += 1;
            }
        }
    }

    unsafe fn move_centroids<B: Table>(&self, means: &[f64; MOST_CENTROIDS]) {
        let mut below = f32::NEG_INFINITY;
        for (k, mean) in means[..1 << B::BITS].iter().enumerate() {
            unsafe {
                let centroid = self.centroids.add(k);
                let moved = (f64::from(*centroid) + mean) as f32;
                // A term that is no number teaches nothing; and a zero has no sign.
                if moved.is_finite() {
                    *centroid = moved + 0.0;
                }
                if k > 0 && *centroid <= below {
                    *centroid = below.next_up();
                }
                below = *centroid;
            }
        }
    }
}
