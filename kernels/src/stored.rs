//! A matrix in whatever form a model stores its weights in, and the passes over it: which code runs is decided here, once a pass.

use crate::bytes::{self, Levels, Tiles};
use crate::format_f32::{self, Matrix, PANEL};
use crate::formats::{Bfloat, Fixed16, Half, Quads, Single, Upper8};
use crate::levels::{to_halves, to_levels, to_whole_numbers};
use crate::model::{Model, Scratch, Unit, Weights};
use crate::narrow::{Learning, Panels, Use};
use crate::noise::{Words, key};
use crate::octs::{KeptOcts, Pairs, UpperBytes};
use crate::sparse::Kept;
use crate::terms::{Outer, Pending, Term, WithMomentum};
use crate::tile_sums::Level;
use crate::vector::LANES;

/// `Model::format`.
pub mod format {
    pub const F32: u32 = 0;
    pub const BF16: u32 = 1;
    pub const F16: u32 = 2;
    pub const I16: u32 = 3;
    pub const I8: u32 = 4;
    pub const CODEBOOK4: u32 = 5;
    pub const CODEBOOK2: u32 = 6;
}

/// `Model::pruned`.
pub mod pruned {
    pub const NO: u32 = 0;
    pub const PARTLY: u32 = 2;
    pub const IN_OCTS: u32 = 3;
}

/// A matrix of a unit, hidden-major.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    pub model: &'a Model,
    pub weights: Weights,
    pub rows: usize,
    /// Padded; and without padding.
    pub columns: usize,
    pub length: usize,
    pub unit: u32,
    is_decoder: bool,
}

/// The encoder, [H, n].
pub fn encoder<'a>(model: &'a Model, unit: &Unit) -> Stored<'a> {
    Stored {
        model,
        weights: unit.encoder,
        rows: model.hidden as usize,
        columns: unit.input_columns as usize,
        length: unit.inputs as usize,
        unit: unit.id,
        is_decoder: false,
    }
}

/// The decoder, [H + 1, m].
pub fn decoder<'a>(model: &'a Model, unit: &Unit) -> Stored<'a> {
    Stored {
        model,
        weights: unit.decoder,
        rows: model.hidden as usize + 1,
        columns: unit.output_columns as usize,
        length: unit.outputs as usize,
        unit: unit.id,
        is_decoder: true,
    }
}

/// A function of its own for what it is given: all loops in one are more than a compiler keeps in registers.
#[inline(never)]
fn apart(pass: impl FnOnce()) {
    pass();
}

/// Runs an expression with the model's format, where nothing is pruned and products are of f32.
macro_rules! with_panels {
    ($stored:expr, $matrix:ident => $run:expr) => {{
        let stored: Stored = $stored;
        let values = stored.weights.values;
        macro_rules! with_quads {
            ($quads:expr) => {{
                let $matrix = stored.panels($quads);
                apart(move || $run)
            }};
        }
        match stored.model.format {
            format::BF16 => with_quads!(Bfloat(values.cast())),
            format::F16 => with_quads!(Half(values.cast())),
            _ => with_quads!(Fixed16(values.cast())),
        }
    }};
}

/// Runs an expression with the model's format, where it is pruned.
macro_rules! with_kept {
    ($stored:expr, $matrix:ident => $run:expr) => {{
        let stored: Stored = $stored;
        let values = stored.weights.values;
        macro_rules! with_quads {
            ($quads:expr, $octs:expr) => {{
                if stored.model.pruned == pruned::IN_OCTS {
                    let $matrix = stored.kept_octs($octs);
                    apart(move || $run)
                } else {
                    let $matrix = stored.kept($quads);
                    apart(move || $run)
                }
            }};
            ($quads:expr) => {
                with_quads!($quads, Pairs($quads))
            };
        }
        match stored.model.format {
            format::BF16 => with_quads!(Bfloat(values.cast())),
            format::F16 => with_quads!(Half(values.cast())),
            format::I16 => with_quads!(Fixed16(values.cast())),
            format::I8 => with_quads!(Upper8(values.cast()), UpperBytes(values.cast())),
            _ => with_quads!(Single(values)),
        }
    }};
}

impl Stored<'_> {
    /// Whether this is f32 with all of its weights.
    pub fn is_plain(&self) -> bool {
        self.model.format == format::F32 && self.model.pruned == pruned::NO
    }

    /// The same for the passes of f32.
    pub fn plain(&self) -> Matrix {
        let Weights { values, momentum, .. } = self.weights;
        Matrix { weights: values, momentum, rows: self.rows, columns: self.columns }
    }

    /// The momentum as a matrix of its own, where nothing is pruned; beside bytes it lies in whole panels.
    pub fn momentum(&self) -> Matrix {
        let rows = if self.is_bytes() { self.rows.next_multiple_of(PANEL) } else { self.rows };
        Matrix { weights: self.weights.momentum, rows, ..self.plain() }
    }

    fn panels<Q: Quads>(&self, quads: Q) -> Panels<Q> {
        Panels { quads, scale: self.weights.scale, rows: self.rows, columns: self.columns }
    }

    fn kept<Q: Quads>(&self, quads: Q) -> Kept<Q> {
        let Weights { scale, starts, index, .. } = self.weights;
        let partial = self.model.pruned == pruned::PARTLY;
        Kept { quads, scale, starts, index, rows: self.rows, columns: self.columns, partial }
    }

    fn kept_octs<O>(&self, octs: O) -> KeptOcts<O> {
        let Weights { scale, starts, index, .. } = self.weights;
        KeptOcts { octs, scale, starts, index, rows: self.rows, columns: self.columns }
    }

    /// A vector as products with the bytes of pruned i8 read it, and its scale.
    unsafe fn kept_levels(&self, scratch: Scratch, vector: *const f32) -> (*const f32, f32) {
        unsafe {
            let scale = if self.model.pruned == pruned::IN_OCTS {
                to_halves(vector, self.columns, scratch.levels.cast())
            } else {
                to_whole_numbers(vector, self.columns, scratch.levels)
            };
            (scratch.levels, scale)
        }
    }

    pub fn words(&self) -> Words {
        Words::new(key(self.model.noise, self.unit, u32::from(self.is_decoder)), self.is_decoder)
    }

    fn tiles(&self) -> Tiles {
        let Weights { values, lower, scale, sums, .. } = self.weights;
        Tiles { upper: values.cast(), lower: lower.cast(), scale, sums, rows: self.rows, columns: self.columns }
    }

    fn is_codebook(&self) -> bool {
        matches!(self.model.format, format::CODEBOOK4 | format::CODEBOOK2)
    }

    fn is_bytes(&self) -> bool {
        self.model.format == format::I8
    }

    fn is_pruned(&self) -> bool {
        self.model.pruned != pruned::NO
    }

    /// out = W x.
    ///
    /// # Safety
    /// As `format_f32::product`; so with all of these.
    pub unsafe fn product(self, scratch: Scratch, x: *const f32, out: *mut f32) {
        unsafe {
            if self.is_plain() {
                format_f32::product(self.plain(), x, out);
            } else if self.is_codebook() {
                self.codebook().product(x, out);
            } else if !self.is_bytes() {
                if self.is_pruned() {
                    with_kept!(self, matrix => matrix.product(x, out));
                } else {
                    with_panels!(self, matrix => matrix.product(x, out));
                }
            } else if self.is_pruned() {
                let (levels, scale) = self.kept_levels(scratch, x);
                with_kept!(self, matrix => matrix.product(levels, out));
                scale_all(out, self.rows, scale);
            } else {
                self.tiles().product(self.levels_of(scratch, x, self.columns), out);
            }
        }
    }

    /// out = sum over rows of c_row W_row.
    ///
    /// # Safety
    /// As `format_f32::combine`.
    pub unsafe fn combine(self, scratch: Scratch, c: *const f32, out: *mut f32) {
        unsafe {
            if self.is_plain() {
                return format_f32::combine(self.plain(), c, out);
            }
            if self.is_codebook() {
                return self.codebook().combine(c, out);
            }
            let factors = scratch.extra;
            if self.is_pruned() {
                with_kept!(self, matrix => matrix.in_units(c, factors));
                let mut scale = 1.0;
                if self.is_bytes() {
                    zero(factors, self.rows, self.rows.next_multiple_of(LANES));
                    scale = to_whole_numbers(factors, self.rows.next_multiple_of(LANES), factors);
                }
                with_kept!(self, matrix => matrix.combine(factors, out));
                if self.is_bytes() {
                    scale_all(out, self.columns, scale);
                }
            } else if self.is_bytes() {
                self.tiles().in_steps(c, factors);
                let levels = self.levels_of(scratch, factors, self.rows.next_multiple_of(LANES));
                self.tiles().combine(levels, out);
            } else {
                with_panels!(self, matrix => matrix.combine(c, out));
            }
        }
    }

    unsafe fn levels_of(&self, scratch: Scratch, values: *const f32, length: usize) -> Levels {
        let levels: *mut Level = scratch.levels.cast();
        let scale = unsafe { to_levels(values, length, levels) };
        Levels { levels, scale }
    }

    /// W += left right', rounded, where it is not plain f32; out = W times what `with` says.
    ///
    /// # Safety
    /// As `format_f32::update_product`.
    pub unsafe fn learn(self, scratch: Scratch, left: *const f32, right: *const f32, with: Use, out: *mut f32) {
        let Weights { momentum, .. } = self.weights;
        unsafe {
            if momentum.is_null() {
                self.add(scratch, Outer { left }, right, with, out);
            } else {
                self.add(scratch, WithMomentum { left, mu: self.model.momentum, momentum }, right, with, out);
            }
        }
    }

    #[inline(always)]
    unsafe fn add<T: Term>(self, scratch: Scratch, term: T, right: *const f32, with: Use, out: *mut f32) {
        unsafe {
            let words = self.words();
            let learning = Learning { term, right, words, column_words: scratch.words };
            if self.is_codebook() {
                return apart(move || self.learn_in_codebook(scratch, learning, with, out));
            }
            if self.is_bytes() && !self.is_pruned() {
                return self.add_to_bytes(scratch, learning, with, out);
            }
            if self.is_bytes() && self.model.pruned == pruned::IN_OCTS {
                words.write_halves(self.columns, scratch.words);
            } else if self.model.format != format::F32 {
                words.write_columns(self.columns, scratch.words);
            }
            let mut scale = 1.0;
            let with = if self.is_bytes() {
                with.map(|vector| {
                    let levels;
                    (levels, scale) = self.kept_levels(scratch, vector);
                    levels
                })
            } else {
                with
            };
            // What it is used for is a constant in each of the loops.
            match (with, self.is_pruned()) {
                (Use::Updated(next), true) => {
                    with_kept!(self, matrix => matrix.learn(learning, Use::Updated(next), out))
                }
                (Use::Updated(next), false) => {
                    with_panels!(self, matrix => matrix.learn(learning, Use::Updated(next), out))
                }
                (Use::Old(e), true) => with_kept!(self, matrix => matrix.learn(learning, Use::Old(e), out)),
                (Use::Old(e), false) => with_panels!(self, matrix => matrix.learn(learning, Use::Old(e), out)),
                (Use::Nothing, _) => {}
            }
            if self.is_bytes() {
                scale_all(out, self.rows, scale);
            }
        }
    }

    #[inline(always)]
    unsafe fn add_to_bytes<T: Term>(&self, scratch: Scratch, learning: Learning<T>, with: Use, out: *mut f32) {
        let halves = scratch.words;
        unsafe {
            learning.words.write_halves(self.columns, halves);
            let levels = |vector| self.levels_of(scratch, vector, self.columns);
            let tiles = self.tiles();
            match with {
                Use::Updated(next) => {
                    let next = levels(next);
                    apart(move || tiles.learn(learning, halves, bytes::Use::Updated(next), out))
                }
                Use::Old(e) => {
                    let e = levels(e);
                    apart(move || tiles.learn(learning, halves, bytes::Use::Old(e), out))
                }
                Use::Nothing => apart(move || tiles.learn(learning, halves, bytes::Use::Nothing, out)),
            }
        }
    }

    /// W += what is pending, then out = W next, unless `next` is null. Nothing may be pruned.
    ///
    /// # Safety
    /// As `format_f32::add_outer`.
    pub unsafe fn write(self, scratch: Scratch, term: Pending, next: *const f32, out: *mut f32) {
        unsafe {
            if self.is_plain() {
                return format_f32::add_outer(self.plain(), (term.left, term.right), term.live, next, out);
            }
            let words = self.words();
            // Any vector does for the right side: the terms bring theirs.
            let learning = Learning { term, right: scratch.output, words, column_words: scratch.words };
            let with = if next.is_null() { Use::Nothing } else { Use::Updated(next) };
            if self.is_codebook() {
                return apart(move || self.learn_in_codebook(scratch, learning, with, out));
            }
            if self.is_bytes() {
                return self.add_to_bytes(scratch, learning, with, out);
            }
            words.write_columns(self.columns, scratch.words);
            match with {
                Use::Updated(next) => {
                    with_panels!(self, matrix => matrix.learn(learning, Use::Updated(next), out))
                }
                _ => with_panels!(self, matrix => matrix.learn(learning, Use::Nothing, out)),
            }
        }
    }
}

unsafe fn scale_all(values: *mut f32, length: usize, factor: f32) {
    for i in 0..length {
        unsafe { *values.add(i) *= factor };
    }
}

unsafe fn zero(values: *mut f32, begin: usize, end: usize) {
    for i in begin..end {
        unsafe { *values.add(i) = 0.0 };
    }
}
