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
    /// Sums of the bytes of a panel: a byte has places of the same column, in rows that are as many apart.
    const BANKS: usize = PANEL * Self::BITS / 8;
    /// What a place may be.
    const MOST: usize = (1 << Self::BITS) - 1;
}

impl Book for Table16 {
    const REACH: f64 = 4.0;
    const GAIN: f64 = 32.0;
}

impl Book for Table4 {
    const REACH: f64 = 8.0;
    const GAIN: f64 = 128.0;
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

/// In four chains.
fn sum_of(values: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    for four in values.chunks(4) {
        sums.iter_mut().zip(four).for_each(|(sum, value)| *sum += value);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// The limit, and what it follows from: the squares of all terms, and the largest values on both sides.
struct Limits {
    squares: f64,
    least: f32,
    left: f32,
    right: f32,
}

/// A term that is large, and its weight.
struct Large {
    term: f32,
    noise: u32,
    /// Which quad, and where in it.
    quad: usize,
    lane: usize,
}

impl Codebook {
    /// Learns. `candidates` is room for as many numbers as there are columns, and for twice as many words.
    ///
    /// # Safety
    /// The update's vectors are as long as rows and columns, no other thread touches the matrix.
    #[inline(never)]
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
            let limits = self.limits::<B>(update);
            if !update.moves_centroids {
                return self.move_weights::<B>(update, &limits, candidates);
            }
            // The members are those before the moves.
            let means = self.mean_terms::<B>(update, &limits);
            self.move_weights::<B>(update, &limits, candidates);
            self.move_centroids::<B>(&means);
        }
    }

    /// What the terms of each centroid's members are on average; 0 where it has none.
    #[inline(always)]
    unsafe fn mean_terms<B: Book>(&self, update: &Update, limits: &Limits) -> [f64; MOST_CENTROIDS] {
        // Sums that are not finite spoil those of their centroid only, so each term is then looked at by itself.
        let is_finite = limits.squares.is_finite() && limits.left * limits.right < f32::INFINITY;
        let mut means = unsafe {
            if self.is_pruned() {
                self.sum_kept::<B>(update)
            } else if is_finite {
                self.sum_panels::<B>(update)
            } else {
                self.sum_each::<B>(update, 0)
            }
        };
        for (k, mean) in means[..=B::MOST].iter_mut().enumerate() {
            let members = unsafe { *self.members.add(k) };
            *mean = if members == 0 { 0.0 } else { *mean / f64::from(members) };
        }
        means
    }

    /// The sums of the terms of each place. What a byte says of all its rows is sorted by its value first: that is one addition for two
    /// weights, or for four.
    #[inline(always)]
    unsafe fn sum_panels<B: Book>(&self, update: &Update) -> [f64; MOST_CENTROIDS] {
        let mut sums = unsafe { self.sum_each::<B>(update, self.whole_rows()) };
        for row in (0..self.whole_rows()).step_by(PANEL) {
            let mut banks = [[0.0; 256]; 2];
            unsafe {
                let mut at = self.group::<B>(self.quad(row, 0)).cast_const();
                for column in (0..self.length).step_by(LANES) {
                    // All bytes of a group at once: a load costs more than a shift.
                    let bytes = if B::BYTES == 8 {
                        at.cast::<u64>().read_unaligned()
                    } else {
                        u64::from(at.cast::<u32>().read_unaligned())
                    };
                    for lane in 0..LANES.min(self.length - column) {
                        let x = f64::from(*update.right.add(column + lane));
                        for (bank, sums) in banks[..B::BANKS].iter_mut().enumerate() {
                            sums[(bytes >> (8 * (bank * LANES + lane)) & 255) as usize] += x;
                        }
                    }
                    at = at.add(B::BYTES);
                }
            }
            for (bank, of_bytes) in banks[..B::BANKS].iter_mut().enumerate() {
                // The uppermost place first: what is left are the sums of the places below it.
                let mut length = 256;
                for i in (0..8 / B::BITS).rev() {
                    length >>= B::BITS;
                    let factor = f64::from(unsafe { *update.left.add(row + i * B::BANKS + bank) });
                    for (k, sum) in sums[..=B::MOST].iter_mut().enumerate() {
                        *sum += factor * sum_of(&of_bytes[k * length..][..length]);
                    }
                    let (rest, others) = of_bytes.split_at_mut(length);
                    for other in others[..B::MOST * length].chunks_exact(length) {
                        rest.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
                    }
                }
            }
        }
        sums
    }

    /// The same of some rows, term by term.
    #[inline(never)]
    unsafe fn sum_each<B: Book>(&self, update: &Update, first: usize) -> [f64; MOST_CENTROIDS] {
        let mut sums = [0.0; MOST_CENTROIDS];
        for row in first..self.rows {
            for column in 0..self.length {
                let quad = self.quad(row, column);
                let (byte, shift) = B::cell(quad % GROUP, column % LANES);
                unsafe {
                    let at = self.group::<B>(quad).add(byte);
                    let term = *update.left.add(row) * *update.right.add(column);
                    sums[usize::from(*at >> shift) & B::MOST] += f64::from(term);
                }
            }
        }
        sums
    }

    /// Those of what is kept.
    #[inline(always)]
    unsafe fn sum_kept<B: Book>(&self, update: &Update) -> [f64; MOST_CENTROIDS] {
        // Four sums of each, so that none waits for the one before.
        let mut sums = [[0.0; MOST_CENTROIDS]; LANES];
        unsafe {
            for row in 0..self.rows {
                let factor = F32x4::splat(*update.left.add(row));
                let (begin, end) = self.range(row);
                for entry in begin..end {
                    let at = self.group::<B>(entry);
                    let mut terms = [0.0; LANES];
                    self.kept_term(factor, update.right, entry).store(terms.as_mut_ptr());
                    for (lane, term) in terms.into_iter().enumerate() {
                        let (byte, shift) = B::cell(entry % GROUP, lane);
                        sums[lane][usize::from(*at.add(byte) >> shift) & B::MOST] += f64::from(term);
                    }
                }
            }
        }
        core::array::from_fn(|k| sums.iter().map(|sums| sums[k]).sum())
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

    unsafe fn limits<B: Book>(&self, update: &Update) -> Limits {
        let (left_squares, left) = unsafe { measure(update.left, self.rows) };
        let (right_squares, right) = unsafe { measure(update.right, self.length) };
        let squares = left_squares * right_squares;
        let least = at_most(B::REACH * F64x2::root(squares / (self.rows * self.length) as f64));
        Limits { squares, least, left, right }
    }

    /// Moves the weights whose terms are large to the centroid beside theirs.
    #[inline(always)]
    unsafe fn move_weights<B: Book>(&self, update: &Update, limits: &Limits, candidates: (*mut f32, *mut u32)) {
        // Nothing is above a limit that is no number.
        if !limits.squares.is_finite() {
            return;
        }
        unsafe {
            if self.is_pruned() {
                self.move_kept::<B>(update, limits);
            } else {
                self.move_some::<B>(update, limits, candidates);
            }
        }
    }

    /// Where nothing is pruned: the columns that are large enough for some row are put aside, then each row passes over them.
    #[inline(always)]
    unsafe fn move_some<B: Book>(&self, update: &Update, limits: &Limits, candidates: (*mut f32, *mut u32)) {
        let (xs, words) = candidates;
        unsafe {
            let columns = words.add(self.columns);
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
                        *words.add(count) = update.words.of_column(column);
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
                let row_word = update.words.of_row(row);
                for first in (0..count).step_by(LANES) {
                    let mut bits = larger(F32x4::splat(factor).mul(F32x4::load(xs.add(first))), limits.least);
                    while bits != 0 {
                        let i = first + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        let column = *columns.add(i) as usize;
                        let (term, noise) = (factor * *xs.add(i), row_word ^ *words.add(i));
                        self.step::<B>(Large { term, noise, quad: self.quad(row, column), lane: column % LANES });
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
                let row_word = update.words.of_row(row);
                let (begin, end) = self.range(row);
                for entry in begin..end {
                    let term = self.kept_term(F32x4::splat(factor), update.right, entry);
                    let mut bits = larger(term, limits.least);
                    while bits != 0 {
                        let lane = bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        let column = column_of(*self.index.add(entry)) + lane;
                        let term = factor * *update.right.add(column);
                        let noise = row_word ^ update.words.of_column(column);
                        self.step::<B>(Large { term, noise, quad: entry, lane });
                    }
                }
            }
        }
    }

    /// Moves a weight by one place, if there is one and the noise lets it.
    #[inline(always)]
    unsafe fn step<B: Book>(&self, Large { term, noise, quad, lane }: Large) {
        let (byte, shift) = B::cell(quad % GROUP, lane);
        unsafe {
            let at = self.group::<B>(quad).add(byte);
            let from = usize::from(*at >> shift) & B::MOST;
            if from == if term > 0.0 { B::MOST } else { 0 } {
                return;
            }
            let to = if term > 0.0 { from + 1 } else { from - 1 };
            let distance = (*self.centroids.add(to) - *self.centroids.add(from)).abs();
            let chance = (noise >> 8) as f32 / 16777216.0;
            if B::GAIN * f64::from(term.abs()) > f64::from(chance * distance) {
                *at ^= ((from ^ to) << shift) as u8;
                *self.members.add(from) -= 1;
                *self.members.add(to) += 1;
            }
        }
    }

    unsafe fn move_centroids<B: Book>(&self, means: &[f64; MOST_CENTROIDS]) {
        let mut below = f32::NEG_INFINITY;
        for (k, mean) in means[..=B::MOST].iter().enumerate() {
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
