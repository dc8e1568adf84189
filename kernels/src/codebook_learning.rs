//! How weights of a codebook learn: as fixed point, a byte beside their centroid, which says when another one is nearer; and how the
//! centroids follow them (`backends/reference/codebook_learning.ts` and `model/codebook_grid.ts` are the definition).

use crate::codebook_grid::{Followed, Grid};
use crate::codebooks::{Codebook, MOST_CENTROIDS};
use crate::format_f32::PANEL;
use crate::formats::{FEW_STEPS, MOST_CHANGE, PART};
use crate::integers::I32x4;
use crate::levels::largest;
use crate::narrow::Learning;
use crate::noise::Words;
use crate::small_integers::{I8x16, I16x8};
use crate::sparse::{LANES_OF, column_of, lanes_of};
use crate::tables::{GROUP, Table, Table4, Table16};
use crate::terms::Term;
use crate::vector::{F32x4, LANES};

/// Steps between two moves of a unit's centroids.
pub const CENTROIDS_EVERY: u32 = 64;

/// Weights of a group.
const GROUPED: usize = GROUP * LANES;
/// Runs an expression with the table of a codebook as `B`.
macro_rules! by_bits {
    ($codebook:expr, $table:ident => $run:expr) => {
        if $codebook.bits == 4 {
            type $table = Table16;
            $run
        } else {
            type $table = Table4;
            $run
        }
    };
}

impl Codebook {
    unsafe fn grid(&self) -> Grid {
        unsafe { Grid::load(self.centroids, *self.scale, 1 << self.bits) }
    }

    /// W += the terms, where nothing is pruned. `halves` is room for a word a column.
    ///
    /// # Safety
    /// As `narrow::Panels::learn`.
    pub unsafe fn learn<T: Term>(self, learning: Learning<T>, halves: *mut u32) {
        unsafe {
            learning.words.write_halves(self.columns, halves);
            let grid = self.grid();
            let most = if T::BOUNDED { largest(learning.right, self.columns) } else { f32::INFINITY };
            by_bits!(self, B => {
                for row in (0..self.rows).step_by(PANEL) {
                    let common: [F32x4; PANEL] = core::array::from_fn(|i| match row + i < self.rows {
                        true => learning.term.of_row(row + i, PART / grid.scale),
                        false => F32x4::splat(0.0),
                    });
                    if T::BOUNDED && common.iter().all(|common| T::bound(*common, most) < FEW_STEPS) {
                        self.learn_panel::<B, T, true>(&grid, &learning, halves, (row, common));
                    } else {
                        self.learn_panel::<B, T, false>(&grid, &learning, halves, (row, common));
                    }
                }
            });
            self.follow(grid, learning.words, halves);
        }
    }

    /// `FEW`: the terms are below `FEW_STEPS`.
    #[inline(always)]
    unsafe fn learn_panel<B: Table, T: Term, const FEW: bool>(
        &self,
        grid: &Grid,
        learning: &Learning<T>,
        halves: *const u32,
        (row, common): (usize, [F32x4; PANEL]),
    ) {
        let Learning { term, right, words, .. } = *learning;
        unsafe {
            let row_halves: [I32x4; PANEL] = core::array::from_fn(|i| I32x4::splat(words.half(row + i)));
            let mut at = row * self.columns;
            for column in (0..self.columns).step_by(T::QUADS * LANES) {
                let quads = term.add_quads::<PANEL>(&common, right, row, column, at / LANES);
                for (i, terms) in quads.into_iter().take(T::QUADS).enumerate() {
                    let noise = I32x4::load(halves.add(column + i * LANES));
                    self.add::<B>(grid, at, core::array::from_fn(|i| moved::<FEW>(terms[i], noise.xor(row_halves[i]))));
                    at += GROUPED;
                }
            }
        }
    }

    /// W += left right', where it is pruned. `halves` is room for a word a column.
    ///
    /// # Safety
    /// As `learn`.
    pub unsafe fn learn_kept<T: Term>(self, learning: Learning<T>, halves: *mut u32) {
        unsafe {
            learning.words.write_halves(self.columns, halves);
            let grid = self.grid();
            by_bits!(self, B => for row in 0..self.rows {
                self.learn_kept_row::<B, T>(&grid, &learning, halves, row);
            });
            self.follow(grid, learning.words, halves);
        }
    }

    #[inline(always)]
    unsafe fn learn_kept_row<B: Table, T: Term>(
        &self,
        grid: &Grid,
        learning: &Learning<T>,
        halves: *const u32,
        row: usize,
    ) {
        let Learning { term, right, words, .. } = *learning;
        unsafe {
            let common = [term.of_row(row, PART / grid.scale)];
            let row_half = I32x4::splat(words.half(row));
            let (begin, end) = self.range(row);
            for first in (begin..end).step_by(GROUP) {
                let by = core::array::from_fn(|i| {
                    let entry = *self.index.add(first + i);
                    let column = column_of(entry);
                    let [terms] = term.add::<1>(&common, F32x4::load(right.add(column)), row, column, first + i);
                    let noise = I32x4::load(halves.add(column)).xor(row_half);
                    moved::<false>(terms, noise).and(I32x4::load(LANES_OF[lanes_of(entry)].as_ptr()))
                });
                self.add::<B>(grid, first * LANES, by);
            }
        }
    }

    /// Moves the masters of a group; `at` is its first weight.
    #[inline(always)]
    unsafe fn add<B: Table>(&self, grid: &Grid, at: usize, by: [I32x4; GROUP]) {
        unsafe {
            let places = B::places(self.places.add(at / GROUPED * B::BYTES));
            let [a, b] = I8x16::load(self.rests.add(at)).widen();
            let sums = [a.add(I16x8::narrow(by[0], by[1])), b.add(I16x8::narrow(by[2], by[3]))];
            self.put_group::<B>(grid, at, places, sums);
        }
    }

    /// Writes what the weights of a group have beside their centroids, or beside others that are nearer.
    #[inline(always)]
    unsafe fn put_group<B: Table>(&self, grid: &Grid, at: usize, places: I8x16, sums: [I16x8; 2]) {
        unsafe {
            let rests = I8x16::narrow(sums[0], sums[1]);
            rests.store(self.rests.add(at));
            let (above, below) = grid.beyond(places, rests);
            if above.or(below).signs() != 0 {
                self.move_some::<B>(grid, at, places, sums, (above, below));
            }
        }
    }

    /// Moves weights of a group to the centroids beside theirs, if these are nearer: `sums` is what each has beside its own one.
    #[inline(always)]
    unsafe fn move_some<B: Table>(
        &self,
        grid: &Grid,
        at: usize,
        places: I8x16,
        sums: [I16x8; 2],
        (above, below): (I8x16, I8x16),
    ) {
        unsafe {
            // Masks are -1.
            let to = places.sub(above).add(below);
            let less = grid.gaps.look_up(places).and(above).widen_unsigned();
            let more = grid.gaps.look_up(to).and(below).widen_unsigned();
            let sums = core::array::from_fn(|i| sums[i].sub(less[i]).add(more[i]));
            let rests = I8x16::narrow(sums[0], sums[1]);
            rests.store(self.rests.add(at));
            B::put_places(self.places.add(at / GROUPED * B::BYTES), to);
            let (above, below) = grid.beyond(to, rests);
            let beyond = above.or(below).signs();
            if beyond != 0 {
                self.move_far::<B>(grid, at, sums, beyond);
            }
        }
    }

    /// Those that move by more than one place: a bit for each.
    #[inline(never)]
    unsafe fn move_far<B: Table>(&self, grid: &Grid, at: usize, sums: [I16x8; 2], mut beyond: u32) {
        let (first, last) = grid.ends();
        let sums = sums.map(I16x8::lanes);
        while beyond != 0 {
            let i = beyond.trailing_zeros() as usize;
            beyond &= beyond - 1;
            unsafe {
                let from = self.place::<B>(at + i);
                let master = (grid.centroids[from] + i32::from(sums[i / 8][i % 8])).clamp(first, last);
                let to = grid.place_from(from, master);
                self.put::<B>(at + i, to, master - grid.centroids[to]);
            }
        }
    }

    /// The place of a weight.
    #[inline(always)]
    unsafe fn place<B: Table>(&self, at: usize) -> usize {
        let (byte, shift) = B::cell(at / LANES % GROUP, at % LANES);
        unsafe { usize::from(*self.places.add(at / GROUPED * B::BYTES + byte) >> shift) & ((1 << B::BITS) - 1) }
    }

    #[inline(always)]
    unsafe fn put<B: Table>(&self, at: usize, place: usize, rest: i32) {
        let (byte, shift) = B::cell(at / LANES % GROUP, at % LANES);
        unsafe {
            let cell = self.places.add(at / GROUPED * B::BYTES + byte);
            *cell = *cell & !((((1 << B::BITS) - 1) as u8) << shift) | (place << shift) as u8;
            *self.rests.add(at) = rest as i8;
        }
    }

    /// Moves the centroids to where their weights are, where it is their turn.
    unsafe fn follow(&self, grid: Grid, words: Words, halves: *const u32) {
        if self.follows {
            unsafe { by_bits!(self, B => self.follow_in::<B>(grid, words, halves)) };
        }
    }

    #[inline(never)]
    unsafe fn follow_in<B: Table>(&self, before: Grid, words: Words, halves: *const u32) {
        let Followed { grid, doublings, halvings } = unsafe { self.followed::<B>(&before) };
        let shifts: [i32; MOST_CENTROIDS] = core::array::from_fn(|k| grid.centroids[k] - before.centroids[k]);
        unsafe {
            if grid.scale == before.scale && shifts.iter().all(|shift| i32::from(*shift as i8) == *shift) {
                let shifts = I8x16::load(shifts.map(|shift| shift as i8).as_ptr());
                for at in (0..self.weights()).step_by(GROUPED) {
                    let places = B::places(self.places.add(at / GROUPED * B::BYTES));
                    let less = shifts.look_up(places).widen();
                    let rests = I8x16::load(self.rests.add(at)).widen();
                    self.put_group::<B>(&grid, at, places, [rests[0].sub(less[0]), rests[1].sub(less[1])]);
                }
            } else {
                let (first, last) = grid.ends();
                self.each(|at, row, column| {
                    let from = self.place::<B>(at);
                    let mut master = before.centroids[from] + i32::from(*self.rests.add(at));
                    for _ in 0..doublings {
                        master = (master + ((words.half(row) ^ *halves.add(column) as i32) & 1)) >> 1;
                    }
                    master = (master << halvings).clamp(first, last);
                    let to = grid.place_from(from, master);
                    self.put::<B>(at, to, master - grid.centroids[to]);
                });
            }
            for (k, steps) in grid.centroids[..grid.size].iter().enumerate() {
                *self.centroids.add(k) = *steps as f32 * grid.scale;
            }
            *self.scale = grid.scale;
        }
    }

    /// The centroids among their members.
    unsafe fn followed<B: Table>(&self, grid: &Grid) -> Followed {
        // Members above, the sum of what they have beside the centroid below; four of each, so that none waits for the one before.
        const ONE: i64 = 1 << 40;
        let mut banks = [[0i64; MOST_CENTROIDS]; LANES];
        unsafe {
            self.each_place::<B>(|lane, place, rest| banks[lane][place] += ONE + i64::from(rest));
        }
        let all: [i64; MOST_CENTROIDS] = core::array::from_fn(|k| banks.iter().map(|bank| bank[k]).sum());
        let sums = all.map(|both| (both << 24) >> 24);
        let members = core::array::from_fn(|k| (all[k] - sums[k]) / ONE);
        grid.followed(&sums, &members)
    }

    /// Weights that are stored, padding included.
    unsafe fn weights(&self) -> usize {
        if self.is_pruned() {
            LANES * unsafe { *self.starts.add(self.rows) as usize }
        } else {
            self.rows.next_multiple_of(PANEL) * self.columns
        }
    }

    /// Visits all weights, without padding and what is pruned: their lanes, their places and what they have beside them.
    #[inline(always)]
    unsafe fn each_place<B: Table>(&self, mut visit: impl FnMut(usize, usize, i8)) {
        if self.is_pruned() {
            return unsafe { self.each(|at, _, _| visit(at % LANES, self.place::<B>(at), *self.rests.add(at))) };
        }
        for panel in (0..self.rows).step_by(PANEL) {
            let rows = PANEL.min(self.rows - panel);
            for column in (0..self.length).step_by(LANES) {
                let at = panel * self.columns + column * PANEL;
                let (mut places, mut rests) = ([0i8; GROUPED], [0i8; GROUPED]);
                unsafe {
                    B::places(self.places.add(at / GROUPED * B::BYTES)).store(places.as_mut_ptr());
                    I8x16::load(self.rests.add(at)).store(rests.as_mut_ptr());
                }
                for i in 0..rows {
                    for lane in 0..LANES.min(self.length - column) {
                        visit(lane, places[i * LANES + lane] as usize, rests[i * LANES + lane]);
                    }
                }
            }
        }
    }

    /// Visits all weights, without padding and what is pruned: where they are, their rows and columns.
    #[inline(always)]
    unsafe fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        if self.is_pruned() {
            for row in 0..self.rows {
                let (begin, end) = unsafe { self.range(row) };
                for entry in begin..end {
                    let index = unsafe { *self.index.add(entry) };
                    for lane in (0..LANES).filter(|lane| lanes_of(index) >> lane & 1 == 1) {
                        visit(entry * LANES + lane, row, column_of(index) + lane);
                    }
                }
            }
            return;
        }
        for row in 0..self.rows {
            for column in 0..self.length {
                let group = row / PANEL * PANEL * self.columns + column / LANES * GROUPED;
                visit(group + row % PANEL * LANES + column % LANES, row, column);
            }
        }
    }
}

/// How many steps weights move; `FEW` are below `FEW_STEPS`.
#[inline(always)]
fn moved<const FEW: bool>(terms: F32x4, noise: I32x4) -> I32x4 {
    let change = if FEW { I32x4::trunc_small(terms) } else { I32x4::trunc(terms, MOST_CHANGE) };
    change.add(noise).shr(16)
}
