//! The passes over i8 weights in panels: tiles of four rows by four columns, upper and lower bytes apart. Rows are padded to whole
//! panels. `backends/reference/bytes.ts` is the definition of the products, `rounding.ts` that of learning.

use crate::format_f32::PANEL;
use crate::formats::{FEW_STEPS, MOST_CHANGE, MOST_STEPS, PART};
use crate::integers::I32x4;
use crate::levels::largest;
use crate::narrow::Learning;
use crate::small_integers::{I8x16, I16x8};
use crate::terms::Term;
use crate::tile_sums::{LEVEL_OFFSET, Level, TileSums};
use crate::vector::{F32x4, LANES};

/// Bytes of a tile.
const TILE: usize = PANEL * LANES;
/// What a master has added to its steps, so that its upper byte is the rounded one.
const ROUNDED: i32 = 128;
/// A matrix of i8 weights.
#[derive(Clone, Copy)]
pub struct Tiles {
    pub upper: *mut i8,
    pub lower: *mut i8,
    /// A step of each row, padding included.
    pub scale: *mut f32,
    /// The sum of each row's bytes, padding included.
    pub sums: *mut i32,
    pub rows: usize,
    /// Padded.
    pub columns: usize,
}

/// A vector in levels.
#[derive(Clone, Copy)]
pub struct Levels {
    pub levels: *const Level,
    pub scale: f32,
}

/// Which bytes a matrix is multiplied by levels with while it learns.
#[derive(Clone, Copy)]
pub enum Use {
    Updated(Levels),
    Old(Levels),
    Nothing,
}

impl Tiles {
    fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    /// Writes the products of a panel with levels of a scale; `sums` is as large as `TileSums` says, `of` the sums of its bytes.
    unsafe fn put(&self, panel: usize, sums: TileSums, of: I32x4, scale: f32, units: [f32; PANEL], out: *mut f32) {
        let exact = sums.sums().sub(of.mul(I32x4::splat(LEVEL_OFFSET)));
        let mut values = [0.0; PANEL];
        unsafe { exact.to_floats().store(values.as_mut_ptr()) };
        for i in 0..PANEL.min(self.rows - panel * PANEL) {
            unsafe { *out.add(panel * PANEL + i) = values[i] * (scale * units[i]) };
        }
    }

    unsafe fn sums_of(&self, panel: usize) -> I32x4 {
        unsafe { I32x4::load(self.sums.add(panel * PANEL).cast()) }
    }

    /// 256 steps of each row.
    unsafe fn units(&self, panel: usize) -> [f32; PANEL] {
        core::array::from_fn(|i| unsafe { 256.0 * *self.scale.add(panel * PANEL + i) })
    }

    /// out = W x.
    ///
    /// # Safety
    /// `x` has `columns` levels, `out` has `rows` values, and no other thread writes to the matrix; so with all of these.
    #[inline(never)]
    pub unsafe fn product(self, x: Levels, out: *mut f32) {
        unsafe {
            for panel in 0..self.panels() {
                let sums = self.panel_sums(panel, x);
                self.put(panel, sums, self.sums_of(panel), x.scale, self.units(panel), out);
            }
        }
    }

    #[inline(always)]
    unsafe fn panel_sums(&self, panel: usize, x: Levels) -> TileSums {
        const STRIDE: usize = 4 * LANES;
        unsafe {
            let mut at = self.upper.add(panel * PANEL * self.columns).cast_const();
            // Two chains of sums: one would wait for itself.
            let mut sums = [TileSums::zero(); 2];
            let mut column = 0;
            while column + 2 * STRIDE <= self.columns {
                sums[0] = sums[0].add_four(at, x.levels.add(column));
                sums[1] = sums[1].add_four(at.add(4 * TILE), x.levels.add(column + STRIDE));
                column += 2 * STRIDE;
                at = at.add(8 * TILE);
            }
            while column < self.columns {
                sums[0] = sums[0].add(I8x16::load(at), x.levels.add(column));
                column += LANES;
                at = at.add(TILE);
            }
            sums[0].plus(sums[1])
        }
    }

    /// c_row times 256 steps of each row: what `combine` takes in levels.
    ///
    /// # Safety
    /// `c` has `rows` values, `out` has room for whole panels.
    pub unsafe fn in_steps(self, c: *const f32, out: *mut f32) {
        unsafe {
            for row in 0..self.rows {
                *out.add(row) = *c.add(row) * (256.0 * *self.scale.add(row));
            }
            for row in self.rows..self.panels() * PANEL {
                *out.add(row) = 0.0;
            }
        }
    }

    /// out = sum over rows of c_row bytes_row.
    ///
    /// # Safety
    /// `c` has a level for each row of whole panels, `out` has `columns` values.
    #[inline(never)]
    pub unsafe fn combine(self, c: Levels, out: *mut f32) {
        const WIDE: usize = 4;
        let mut column = 0;
        unsafe {
            while column + WIDE * LANES <= self.columns {
                self.combine_block::<WIDE>(c, column, out);
                column += WIDE * LANES;
            }
            while column < self.columns {
                self.combine_block::<1>(c, column, out);
                column += LANES;
            }
        }
    }

    #[inline(always)]
    unsafe fn combine_block<const N: usize>(&self, c: Levels, column: usize, out: *mut f32) {
        unsafe {
            let mut sums = [TileSums::zero(); N];
            let mut of = [TileSums::zero(); N];
            for panel in 0..self.panels() {
                let at = self.upper.add(panel * PANEL * self.columns + column * PANEL);
                for i in 0..N {
                    let tile = I8x16::load(at.add(i * TILE)).transpose();
                    sums[i] = sums[i].add(tile, c.levels.add(panel * PANEL));
                    if LEVEL_OFFSET != 0 {
                        of[i] = of[i].add_bytes(tile);
                    }
                }
            }
            for i in 0..N {
                let exact = sums[i].sums().sub(of[i].sums().mul(I32x4::splat(LEVEL_OFFSET)));
                exact.to_floats().mul(F32x4::splat(c.scale)).store(out.add(column + i * LANES));
            }
        }
    }

    /// W += the terms, and out = W times what `with` says.
    ///
    /// # Safety
    /// As `product`; no other thread touches the matrix. `column_halves` has the upper halves of the words of all columns.
    #[inline(always)]
    pub unsafe fn learn<T: Term>(self, learning: Learning<T>, column_halves: *const u32, with: Use, out: *mut f32) {
        unsafe {
            let most = if T::BOUNDED { largest(learning.right, self.columns) } else { f32::INFINITY };
            for panel in 0..self.panels() {
                let common: [F32x4; PANEL] = core::array::from_fn(|i| self.common(learning.term, panel * PANEL + i));
                if T::BOUNDED && common.iter().all(|common| T::bound(*common, most) < FEW_STEPS) {
                    self.learn_panel::<T, true>(&learning, column_halves, with, (panel, common), out);
                } else {
                    self.learn_panel::<T, false>(&learning, column_halves, with, (panel, common), out);
                }
            }
        }
    }

    /// `FEW`: the terms are below `FEW_STEPS`.
    #[inline(always)]
    unsafe fn learn_panel<T: Term, const FEW: bool>(
        &self,
        learning: &Learning<T>,
        column_halves: *const u32,
        with: Use,
        (panel, common): (usize, [F32x4; PANEL]),
        out: *mut f32,
    ) {
        unsafe {
            let Learning { term, right, words, .. } = *learning;
            let row = panel * PANEL;
            let row_halves: [I32x4; PANEL] = core::array::from_fn(|i| I32x4::splat(words.half(row + i)));
            let (units, of) = (self.units(panel), self.sums_of(panel));
            let (mut sums, mut bytes) = (TileSums::zero(), TileSums::zero());
            let (mut most, mut least) = (I16x8::splat(0), I16x8::splat(0));
            let mut at = row * self.columns;
            for column in (0..self.columns).step_by(T::QUADS * LANES) {
                let quads = term.add_quads::<PANEL>(&common, right, row, column, at / LANES);
                for (i, terms) in quads.into_iter().take(T::QUADS).enumerate() {
                    let column = column + i * LANES;
                    let noise = I32x4::load(column_halves.add(column));
                    let moved: [I32x4; PANEL] = core::array::from_fn(|i| {
                        let term = terms[i];
                        let change = if FEW { I32x4::trunc_small(term) } else { I32x4::trunc(term, MOST_CHANGE) };
                        change.add(noise.xor(row_halves[i])).shr(16)
                    });
                    let upper = I8x16::load(self.upper.add(at));
                    let mut masters = I8x16::load(self.lower.add(at)).with_upper(upper);
                    for i in 0..2 {
                        let by = I16x8::narrow(moved[2 * i], moved[2 * i + 1]);
                        let steps = masters[i].add(by);
                        let seen = masters[i].add_saturating(by);
                        most = most.max(seen);
                        least = least.min(seen);
                        masters[i] = steps;
                    }
                    let updated = I8x16::upper_of(masters);
                    updated.store(self.upper.add(at));
                    I8x16::lower_of(masters).store(self.lower.add(at));
                    bytes = bytes.add_bytes(updated);
                    match with {
                        Use::Updated(next) => sums = sums.add(updated, next.levels.add(column)),
                        Use::Old(e) => sums = sums.add(upper, e.levels.add(column)),
                        Use::Nothing => {}
                    }
                    at += TILE;
                }
            }
            bytes.sums().store(self.sums.add(row).cast());
            let largest = most.lanes().into_iter().fold(0, i16::max);
            let smallest = least.lanes().into_iter().fold(0, i16::min);
            let beyond = i32::from(largest) > MOST_STEPS + ROUNDED || i32::from(smallest) < ROUNDED - MOST_STEPS;
            if beyond {
                for (i, common) in common.into_iter().enumerate() {
                    self.double(learning, column_halves, row + i, common);
                }
            }
            match with {
                Use::Updated(next) => {
                    if beyond {
                        sums = self.panel_sums(panel, next);
                    }
                    self.put(panel, sums, self.sums_of(panel), next.scale, self.units(panel), out);
                }
                Use::Old(e) => self.put(panel, sums, of, e.scale, units, out),
                Use::Nothing => {}
            }
        }
    }

    /// What the terms of a row have in common; rows of padding learn nothing.
    unsafe fn common<T: Term>(&self, term: T, row: usize) -> F32x4 {
        if row >= self.rows {
            return F32x4::splat(0.0);
        }
        unsafe { term.of_row(row, PART / *self.scale.add(row)) }
    }

    /// Doubles the scale of a row if it has grown beyond it: takes the update back and makes it once more, halved.
    #[cold]
    unsafe fn double<T: Term>(&self, learning: &Learning<T>, column_halves: *const u32, row: usize, common: F32x4) {
        unsafe {
            let mut grown = false;
            self.each(learning, column_halves, row, common, |_, steps, _| grown |= steps.abs() > MOST_STEPS);
            if !grown {
                return;
            }
            let mut sum = 0;
            self.each(learning, column_halves, row, common, |at, steps, noise| {
                let half = ((steps + (noise & 1)) >> 1) + ROUNDED;
                *self.lower.add(at) = half as i8;
                *self.upper.add(at) = (half >> 8) as i8;
                sum += half >> 8;
            });
            *self.sums.add(row) = sum;
            *self.scale.add(row) *= 2.0;
        }
    }

    /// Visits the weights of a row that was just updated: their places, what they would be if there were room for it, and the noise.
    unsafe fn each<T: Term>(
        &self,
        learning: &Learning<T>,
        column_halves: *const u32,
        row: usize,
        common: F32x4,
        mut visit: impl FnMut(usize, i32, i32),
    ) {
        unsafe {
            let word = learning.words.half(row);
            for column in (0..self.columns).step_by(LANES) {
                let at = row / PANEL * PANEL * self.columns + column * PANEL + row % PANEL * LANES;
                let x = F32x4::load(learning.right.add(column));
                let term = learning.term.again(common, x, row, column, at / LANES);
                let changes = I32x4::trunc(term, MOST_CHANGE).to_array();
                for (i, change) in changes.into_iter().enumerate() {
                    let noise = *column_halves.add(column + i) as i32 ^ word;
                    let by = (change + noise) >> 16;
                    let known = i16::from_le_bytes([*self.lower.add(at + i) as u8, *self.upper.add(at + i) as u8]);
                    let before = i32::from(known.wrapping_sub(by as i16)) - ROUNDED;
                    visit(at + i, before + by, noise);
                }
            }
        }
    }
}
